import {
  type CopyVerdict,
  copySnapshots,
  damageWords,
  indexSnapshots,
  listSnapshots,
  selectSnapshot,
} from "../../keeper/index.ts";
import type { IndexEntry } from "../../vault/card/index.ts";
import { ColdkeepError, isColdkeepError, messageOf, type SnapshotId } from "../../vault/names/index.ts";
import { counted, formatBytes } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import type { CopyFlags } from "./copy.command.ts";
import { type CopyPlaces, openPlaces } from "./copy-places.ts";
import type { Call } from "./define.ts";
import { makeListing } from "./listing.ts";
import { assertNotBroken } from "./selection.ts";
import { makeSomeIds, type SomeIds } from "./some-ids.ts";
import { firstLines } from "./verdicts.ts";

/** Copied snapshots are listed in the target so many at a time. */
const BATCH = 50;

/** `coldkeep copy`. */
export async function run(call: Call<CopyFlags>, ...ids: readonly string[]): Promise<Answer> {
  const { flags, progress, io } = call;
  if (flags.all === true && ids.length > 0) {
    throw new ColdkeepError("usage", { what: "snapshots and --all are given", todo: "give one of them" });
  }
  const places = await openPlaces(call);
  const { from, to, node } = places;
  const { chosen, passed } = await choose(places, ids, flags.all === true);
  const dryRun = flags.dryRun === true;
  const tally = makeTally();
  const listing = makeListing(call, { node, from: from.url, to: to.url, dry_run: dryRun }, "snapshots");
  const listed = await listedIn(places);
  const unlisted: SnapshotId[] = [];
  try {
    const job = copySnapshots({
      ...places,
      ids: chosen.map(({ snapshot }) => snapshot),
      dryRun,
      repair: flags.repair === true,
      progress,
      signal: io.signal,
    });
    for await (const verdict of job) {
      tally.add(verdict);
      progress.close();
      await listing.add({ text: () => verdictText(verdict, dryRun), document: () => verdict });
      for (const note of verdict.notes) progress.note(note);
      // A copy that was killed may have put a card and not listed it.
      const isNews = verdict.outcome === "copied" || !listed.has(verdict.snapshot);
      if (verdict.outcome !== "damaged" && isNews && !dryRun) unlisted.push(verdict.snapshot);
      if (unlisted.length >= BATCH) await listThem(places, unlisted, call);
    }
  } finally {
    // Also what was copied before an interrupt shall be seen.
    await listThem(places, unlisted, call);
  }
  const failure = tally.failure();
  const ok = failure === undefined;
  const answer = await listing.end({ text: sumText(tally, passed, dryRun), document: { ok } });
  return ok ? answer : { ...answer, failure };
}

/** What is wanted, oldest first, so that parents go before their children. */
async function choose(
  { from, node, vault }: CopyPlaces,
  ids: readonly string[],
  all: boolean,
): Promise<{ readonly chosen: readonly IndexEntry[]; readonly passed: number }> {
  const scope = { store: from, node, ...(vault === undefined ? {} : { vault }) };
  const found = new Map<SnapshotId, IndexEntry>();
  let passed = 0;
  if (all) {
    for await (const entry of listSnapshots(scope)) {
      if (entry.state === "good") found.set(entry.snapshot, entry);
      else passed += 1;
    }
  }
  for (const id of all ? [] : ids.length === 0 ? ["latest"] : ids) {
    const selection = id === "latest" ? ({ by: "latest" } as const) : ({ by: "id", id } as const);
    const entry = await selectSnapshot({ ...scope, selection });
    assertNotBroken(entry);
    found.set(entry.snapshot, entry);
  }
  const chosen = [...found.values()].sort((a, b) => a.received - b.received || (a.snapshot < b.snapshot ? -1 : 1));
  return { chosen, passed };
}

async function listedIn({ to, node }: CopyPlaces): Promise<ReadonlySet<SnapshotId>> {
  const listed = new Set<SnapshotId>();
  try {
    for await (const { snapshot } of listSnapshots({ store: to, node })) listed.add(snapshot);
  } catch (error) {
    if (!isColdkeepError(error, "not-found")) throw error;
  }
  return listed;
}

/** Takes copied snapshots into the target's list; they are safe without, and a vault with its own keeper does it itself. */
async function listThem({ to, node }: CopyPlaces, ids: SnapshotId[], { progress }: Call): Promise<void> {
  if (ids.length === 0) return;
  try {
    await indexSnapshots({ store: to, node, ids: ids.splice(0) });
  } catch (error) {
    progress.warn(
      `what was copied is not in the target's list yet: ${messageOf(error)}; \`coldkeep rebuild\` lists it`,
    );
  }
}

function verdictText({ snapshot, outcome, sent, kept, damages }: CopyVerdict, dryRun: boolean): string {
  const there = kept.objects === 0 ? "" : `, ${counted(kept.objects, "object")} there already`;
  switch (outcome) {
    case "there":
      return `${snapshot}  there already`;
    case "copied":
      return `${snapshot}  ${dryRun ? "to send" : "copied"}: ${counted(sent.objects, "object")}, ${formatBytes(sent.bytes)}${there}`;
    case "damaged":
      return [`${snapshot}  NOT COPIED`, ...firstLines(damages, (damage) => `  ${damageWords(damage)}`)].join("\n");
  }
}

/** What became of how many, and of the damaged ones the first by name: a history may have thousands. */
function makeTally() {
  const counts = { copied: 0, there: 0, damaged: 0 };
  const bad = makeSomeIds();
  const why: string[] = [];
  return {
    counts,
    add: ({ snapshot, outcome, damages }: CopyVerdict): void => {
      counts[outcome] += 1;
      if (outcome !== "damaged") return;
      bad.add(snapshot);
      for (const { object, problem } of damages.slice(0, CAUSES - why.length)) why.push(`${object}: ${problem}`);
    },
    failure: () => (bad.count === 0 ? undefined : damagedOnes(bad, why)),
  };
}

const CAUSES = 3;

function sumText({ counts }: ReturnType<typeof makeTally>, passed: number, dryRun: boolean): string {
  const { copied, there, damaged } = counts;
  const parts = [
    `${counted(copied, "snapshot")} ${dryRun ? "to copy" : "copied"}`,
    ...(there > 0 ? [`${there} there already`] : []),
    ...(damaged > 0 ? [`${damaged} not copied`] : []),
    ...(passed > 0 ? [`${passed} passed over, as they are broken, damaged or expired`] : []),
  ];
  return `${parts.join(", ")}.`;
}

function damagedOnes(bad: SomeIds, why: readonly string[]): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: `${counted(bad.count, "snapshot")} could not be copied`,
    on: bad.words(),
    why: why.join("; "),
    todo: "what is damaged in the source may be whole in another vault; what lies in the way in the target has to go by hand",
  });
}
