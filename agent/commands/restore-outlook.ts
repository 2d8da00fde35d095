import { ColdkeepError, messageOf } from "../../vault/names/index.ts";
import { formatBytes, formatDuration, formatRate } from "../report/index.ts";
import { type RestorePlan, type RestoreResult, type Speed, sampleSpeed } from "../restore/index.ts";
import { noteRestoreSpeed, restoreSpeed } from "../state/index.ts";
import type { Call } from "./define.ts";
import type { RestoreFlags } from "./restore.command.ts";
import { pickVault, type Session } from "./session.ts";

/** How long a restore will take, as far as that can be told. */
export interface Outlook {
  readonly seconds: number;
  /** By the last restore or drill from the same place; or by a look at the vault alone, which is the least it can be. */
  readonly by: "last restore" | "vault";
  readonly speed: Speed;
}

/** Null where there is too little to fetch, and nothing was restored here before. */
export async function outlookOf(
  plan: RestorePlan,
  session: Session,
  { flags, progress, io }: Call<RestoreFlags>,
): Promise<Outlook | null> {
  const last = lastSpeed(session, flags, progress);
  const speed = last ?? (await sampleSpeed(plan, { ...io.clock }));
  if (speed === null || speed.ms <= 0) return null;
  const seconds = Math.ceil((plan.fetch.bytes * speed.ms) / speed.bytes / 1000);
  return { seconds, by: last === null ? "vault" : "last restore", speed };
}

/** Said of nothing that can be told. */
export function outlookText(outlook: Outlook | null): string {
  if (outlook === null) return "not foretold: there is little to fetch, and nothing was restored here before";
  const { seconds, by, speed } = outlook;
  const rate = formatRate(speed.bytes, speed.ms);
  return by === "vault"
    ? `at least ${formatDuration(seconds * 1000)}: the vault gives ${rate} just now`
    : `some ${formatDuration(seconds * 1000)}, at the ${rate} of the last restore or drill here`;
}

/** What a later restore from the same place is foretold by. Of a restore that is done, what fails here is worth a word only. */
export function learnSpeed(
  { fetched, seconds }: Pick<RestoreResult, "fetched" | "seconds">,
  { config, node }: Session,
  { flags, progress }: Pick<Call<{ readonly from?: string }>, "flags" | "progress">,
): void {
  try {
    const speed = { bytes: fetched, ms: Math.round(seconds * 1000) };
    noteRestoreSpeed(config.stateDir, node.name, placeOf({ config }, flags), speed);
  } catch (error) {
    progress.warn(`how fast this was is not remembered: ${messageOf(error)}`);
  }
}

/**
 * Asks before data is replaced, where somebody can be asked. Elsewhere the node was stopped by whoever wants it replaced,
 * which is refused otherwise.
 * @throws ColdkeepError `refused` where the answer is no.
 */
export async function confirmReplacing(
  plans: readonly Pick<RestorePlan, "roots">[],
  { flags, io }: Pick<Call<RestoreFlags>, "flags" | "io">,
): Promise<void> {
  const replaced = plans.flatMap(({ roots }) => roots.filter(({ replaces }) => replaces === "data"));
  if (replaced.length === 0 || flags.yes === true || io.ask === null) return;
  const kept = flags.keepOld === true ? "is moved aside" : "is REMOVED once the snapshot is in place";
  const what = replaced.map(({ target }) => target).join(", ");
  const answer = await io.ask(`What lies in ${what} ${kept}. Go on? [y/N] `);
  if (/^y(es)?$/i.test(answer.trim())) return;
  throw new ColdkeepError("refused", {
    what: "nothing was restored",
    why: "the question whether data may be replaced was not answered with yes",
    todo: "--keep-old keeps what is there, --to restores elsewhere, --yes answers beforehand",
  });
}

/** What is free where the roots go. */
export function roomText({ allocated, roots }: Pick<RestorePlan, "allocated" | "roots">): string {
  const free = roots.length === 0 ? 0 : Math.min(...roots.map((root) => root.free));
  return `${formatBytes(allocated)} on the target, where ${formatBytes(free)} are free`;
}

function lastSpeed(
  { config, node }: Session,
  flags: Call<{ readonly from?: string }>["flags"],
  progress: Call["progress"],
): Speed | null {
  try {
    return restoreSpeed(config.stateDir, node.name, placeOf({ config }, flags));
  } catch (error) {
    progress.warn(messageOf(error));
    return null;
  }
}

function placeOf({ config }: Pick<Session, "config">, flags: Call<{ readonly from?: string }>["flags"]): string {
  return flags.from ?? pickVault(config, flags.vault).name;
}
