import { setTimeout as sleep } from "node:timers/promises";
import { bringBackSnapshot, COPY_DAYS } from "../../keeper/index.ts";
import { ColdkeepError, isColdkeepError, type SnapshotId, VERSION } from "../../vault/names/index.ts";
import { type ArchiveSpeed, type ArchiveSum, openArchive, type Store } from "../../vault/store/index.ts";
import { LIST_PRICES } from "../cost/index.ts";
import { counted, formatBytes, formatDuration } from "../report/index.ts";
import type { Call } from "./define.ts";
import type { Remote } from "./remote.ts";
import type { RestoreFlags } from "./restore.command.ts";
import { pickVault, type Session, scopeOf } from "./session.ts";

/** Looks what of the snapshot lies in an archive, and has it brought back at a speed. */
export type LookIntoArchive = (speed: ArchiveSpeed | null) => Promise<ArchiveSum>;

const NOTHING: ArchiveSum = { objects: 0, bytes: 0, coming: 0, classes: [] };
/** How often it is looked whether all is there: what comes takes hours. Milliseconds. */
const POLL_MS = 5 * 60_000;
const HOUR = 3_600_000;

/** How the vault of a restore is asked: through its presenter, or S3 itself. */
export async function archiveLook(
  { config, node }: Session,
  store: Store,
  snapshot: SnapshotId,
  call: Call<Pick<RestoreFlags, "fromArchive">>,
  remote: Remote | null,
): Promise<LookIntoArchive> {
  if (remote !== null) return (speed) => remote.archived(snapshot, speed !== null);
  const { url, s3 } = pickVault(config, call.flags.vault);
  const reach = s3 === undefined ? {} : { s3 };
  const archive = await openArchive(url, { ...reach, version: VERSION, now: () => call.io.clock.now() });
  if (archive === null) return async () => NOTHING;
  const about = { store, archive, ...scopeOf(config, node.name), snapshot };
  const eachOne = call.flags.fromArchive !== undefined;
  return (speed) => bringBackSnapshot({ ...about, speed, eachOne }).catch(unread);
}

/** A card that cannot be read is the restore's to tell of, which may know an earlier version of it. */
function unread(error: unknown): ArchiveSum {
  if (isColdkeepError(error, "not-found") || isColdkeepError(error, "integrity")) return NOTHING;
  throw error;
}

/**
 * Waits until all of a snapshot can be read, where some of it lies in an archive: says first how long that takes and what
 * it costs, and asks for it only where --from-archive does. The store remembers what was asked for: a wait that was cut
 * off goes on when the same command is run again.
 * @throws ColdkeepError `refused` where it was not allowed to ask, `interrupted`.
 */
export async function waitForArchive(
  call: Pick<Call<Pick<RestoreFlags, "fromArchive" | "dryRun">>, "flags" | "io" | "progress">,
  look: LookIntoArchive,
  pause: (ms: number, signal: AbortSignal) => Promise<unknown> = (ms, signal) => sleep(ms, undefined, { signal }),
): Promise<void> {
  const { flags, io, progress } = call;
  let sum = await look(null);
  if (sum.objects === 0) return;
  const speed = sum.speed ?? flags.fromArchive ?? "standard";
  const asked = flags.fromArchive !== undefined;
  if (flags.dryRun === true || (!asked && sum.coming < sum.objects)) throw notAsked(sum, speed);
  progress.warn(`${whatOf(sum)}: ${priceOf(sum, speed)}`);
  if (sum.coming < sum.objects) sum = await look(flags.fromArchive ?? null);
  if (sum.coming < sum.objects) throw notBrought(sum);
  progress.stage("wait for the archive");
  try {
    for (sum = await look(null); sum.objects > 0; sum = await look(null)) {
      // Someone else's rules may move an object back meanwhile, or a copy end: it is asked for again.
      if (sum.coming < sum.objects && asked) await look(flags.fromArchive ?? null);
      progress.note(`${whatOf(sum)}; ${sum.coming} on the way`);
      await pause(POLL_MS, io.signal);
    }
  } catch (error) {
    if (!io.signal.aborted) throw error;
    throw new ColdkeepError("interrupted", {
      what: "stopped waiting for the archive",
      on: whatOf(sum),
      todo: "what was asked for comes all the same: run the same restore again",
      cause: error,
    });
  }
}

function whatOf({ objects, bytes, classes }: ArchiveSum): string {
  return `${counted(objects, "object")}, ${formatBytes(bytes)}, in ${classes.join(" and ") || "an archive"}`;
}

function notAsked(sum: ArchiveSum, speed: ArchiveSpeed): ColdkeepError {
  return new ColdkeepError("refused", {
    what: "some of the snapshot lies in an archive, and has to be brought back first",
    on: whatOf(sum),
    why: priceOf(sum, speed),
    todo: `allow it with --from-archive ${speed}`,
  });
}

function notBrought(sum: ArchiveSum): ColdkeepError {
  return new ColdkeepError("refused", {
    what: "the presenter brings nothing back from archives",
    on: whatOf(sum),
    todo: "ask the vault's owner for it: `coldkeep restore --from-archive` beside the vault, or bring_back in the stack's configuration",
  });
}

/** By list prices, of the dearest class among them. */
function priceOf({ objects, bytes, classes, coming }: ArchiveSum, speed: ArchiveSpeed): string {
  const tiers = Object.entries(LIST_PRICES.classes).flatMap(([name, { archive }]) =>
    archive !== undefined && (classes.length === 0 || classes.includes(name))
      ? [archive[speed] ?? archive.standard]
      : [],
  );
  const most = (of: (tier: (typeof tiers)[number]) => number) => Math.max(0, ...tiers.map(of));
  const share = objects === 0 ? 0 : (objects - coming) / objects;
  const gigabytes = (bytes / 1e9) * share;
  const copies = gigabytes * LIST_PRICES.classes.STANDARD.gb_month * (COPY_DAYS / 30);
  const cost =
    gigabytes * most(({ gb }) => gb) +
    ((objects - coming) / 1000) * most(({ requests_1000 }) => requests_1000) +
    copies;
  const hours = most((tier) => tier.hours);
  return `up to ${formatDuration(hours * HOUR)} (${speed}), and some ${cost.toFixed(2)} ${LIST_PRICES.currency} by the list prices of ${LIST_PRICES.as_of}, ${LIST_PRICES.region}, with ${COPY_DAYS} days of copies`;
}
