import { setTimeout as sleep } from "node:timers/promises";
import type { Heights } from "../../vault/card/index.ts";
import { ColdkeepError, isColdkeepError } from "../../vault/names/index.ts";
import { DURATION_FORM, type NodeSettings, parseDuration } from "../config/index.ts";
import { startAndWait } from "../node/index.ts";
import type { NodeControl } from "../node/types.ts";
import { profileOf } from "../profiles/index.ts";
import { formatDuration, formatHeights } from "../report/index.ts";
import { controlOf } from "./control.ts";
import type { Call } from "./define.ts";
import type { RestoreFlags } from "./restore.command.ts";
import { volumesOf } from "./restore-text.ts";
import { whySignsTwice } from "./signing.ts";

const LIMIT_MS = 10 * 60_000;
const ASK_LIMIT_MS = 10_000;
const PAUSE_MS = 1_000;

/** A node that runs again after its restore. */
export interface StartedAgain {
  /** What it says; null where it cannot be asked. */
  readonly heights: Heights | null;
  readonly seconds: number;
  readonly words: string;
}

/** What becomes of a node whose data was put in place. */
export type Ending =
  /** `why` is said before what to do now; null where that tells it. */
  | { readonly start: false; readonly why: string | null }
  /** @property waitMs how long it may take to be well and as high as its snapshot; null where its start is enough */
  | { readonly start: true; readonly waitMs: number | null };

/**
 * Whether a restore ends with a start: in place it does, where the node's service manager can. What only --force lets be
 * replaced is a validator's, and is started by whoever has seen to its votes, or where --wait-healthy asks for it.
 * @throws ColdkeepError `usage` where what is asked for cannot be done, before anything is.
 */
export function endingOf(flags: RestoreFlags, node: NodeSettings): Ending {
  const waitMs = waitLimitOf(flags, node);
  if (waitMs !== null) return { start: true, waitMs };
  if (flags.to !== undefined || node.service.manager === "none" || volumesOf(node).length > 0)
    return { start: false, why: null };
  if (flags.noStart === true) return { start: false, why: `${node.name} was left stopped, as --no-start says.` };
  if (whySignsTwice(node) === null) return { start: true, waitMs: null };
  const todo = profileOf(node.profile).signing?.todo;
  return { start: false, why: `${node.name} was left stopped, as it may be a validator: ${todo}.` };
}

/** Said in the plan; null where nothing is to be said. */
export function endingText(ending: Ending): string | null {
  if (!ending.start) return ending.why === null ? null : "the node stays stopped";
  const { waitMs } = ending;
  const until =
    waitMs === null ? "" : `, and waited for until it is as high as that, ${formatDuration(waitMs)} at most`;
  return `the node is started${until}`;
}

/** How long --wait-healthy may wait, in milliseconds; null where it is not asked for. */
function waitLimitOf(flags: RestoreFlags, node: NodeSettings): number | null {
  if (flags.waitHealthy !== true) {
    if (flags.waitLimit === undefined) return null;
    throw new ColdkeepError("usage", { what: "--wait-limit goes with --wait-healthy" });
  }
  const wrong = (why: string, todo: string) =>
    new ColdkeepError("usage", { what: "--wait-healthy cannot start the node", on: node.name, why, todo });
  if (flags.to !== undefined && node.roots.length === 0) {
    throw wrong(
      "no configuration tells where its folders are and how it is started",
      "give one with --config, and leave out --to: then it is restored in place and started; or leave out --wait-healthy",
    );
  }
  if (flags.to !== undefined) {
    throw wrong(
      "--to restores beside it, and it is not touched",
      "leave out --to to restore in place, or --wait-healthy",
    );
  }
  if (flags.noStart === true) throw wrong("--no-start leaves it stopped", "leave out one of the two");
  if (node.service.manager === "none") {
    throw wrong(
      "its service manager is `none`",
      "start it by hand, or tell coldkeep how (`service` in the configuration)",
    );
  }
  if (volumesOf(node).length > 0) {
    throw wrong("its container has no volume", "restore without it; what is printed then says how to make it anew");
  }
  const limit = flags.waitLimit === undefined ? LIMIT_MS : parseDuration(flags.waitLimit);
  if (limit !== null) return limit;
  const on = JSON.stringify(flags.waitLimit);
  throw new ColdkeepError("usage", { what: "--wait-limit is no duration", on, why: DURATION_FORM });
}

/**
 * Starts the node, which may run already, and waits until it runs and is well; with a `waitMs` until it is at least as high
 * as its snapshot, else until it tells its height, within its own limit for starting.
 * @throws ColdkeepError `node-start` where it does not come up; `not-well` where the height is not reached within `waitMs`;
 * `refused` where its role, as restored, is that of a validator and no --force was given.
 */
export async function startRestored(
  node: NodeSettings,
  recorded: Heights | null,
  waitMs: number | null,
  { progress, io, flags }: Pick<Call<RestoreFlags>, "progress" | "io" | "flags">,
  { pauseMs = PAUSE_MS }: { readonly pauseMs?: number } = {},
): Promise<StartedAgain> {
  const { clock, signal } = io;
  if (flags.force !== true && whySignsTwice(node) !== null) throw becameValidator(node);
  const control = controlOf(node);
  const limitMs = waitMs ?? control.limits.startMs;
  // A node that nobody asks for its height is not waited for.
  const wanted = node.height === undefined ? null : recorded;
  const began = clock.monotonic();
  try {
    await startAndWait({ ...control, limits: { ...control.limits, startMs: limitMs } }, progress, signal, { ...clock });
  } catch (error) {
    throw isColdkeepError(error, "node-start") ? notStarted(error) : error;
  }
  progress.stage(waitMs === null ? "ask for its height" : "reach the height");
  let heights: Heights | null = null;
  for (;;) {
    heights = (await control.probe?.heights({ signal, timeoutMs: ASK_LIMIT_MS })) ?? null;
    signal.throwIfAborted();
    const missing = missingOf(heights, wanted);
    if (missing === null || (waitMs === null && heights !== null)) break;
    if (clock.monotonic() - began >= limitMs) {
      if (waitMs === null) break;
      throw tooLow(node.name, missing, limitMs);
    }
    await sleep(pauseMs, undefined, { signal });
  }
  progress.close();
  const seconds = (clock.monotonic() - began) / 1000;
  return { heights, seconds, words: wordsOf(control, heights, wanted, recorded, seconds) };
}

/** What is not reached yet, in words; null where all is, or nothing can be compared. */
function missingOf(heights: Heights | null, recorded: Heights | null): string | null {
  const wanted = Object.entries(recorded ?? {});
  if (wanted.length === 0) return null;
  if (heights === null) return "it does not tell its height";
  const low = wanted.filter(([channel, height]) => (heights[channel] ?? -1) < height);
  if (low.length === 0) return null;
  return `it is at height ${formatHeights(heights)}, its snapshot at ${formatHeights(Object.fromEntries(low))}`;
}

function wordsOf(
  { name, probe }: NodeControl,
  heights: Heights | null,
  wanted: Heights | null,
  recorded: Heights | null,
  seconds: number,
): string {
  const after = formatDuration(seconds * 1000);
  if (probe === null)
    return `${name} runs again after ${after}; nothing in the configuration asks whether it is well (\`health\`, \`height\`).`;
  const well = `${name} runs again and is well after ${after}`;
  const compared = heights !== null && recorded !== null && Object.keys(recorded).length > 0;
  const missing = missingOf(heights, wanted);
  if (missing !== null) return `${well}, but ${missing}: see that it gets there (--wait-healthy waits for it).`;
  const height = compared
    ? `at height ${formatHeights(heights)}, its snapshot's is ${formatHeights(recorded)}`
    : `its height was not compared: ${heights === null ? "no `height` in the configuration" : "the snapshot has none"}`;
  return `${well}, ${height}.`;
}

/** The same failure, which says first that the data is there. */
function notStarted({ what, on, why, todo, cause }: ColdkeepError): ColdkeepError {
  return new ColdkeepError("node-start", {
    what: `the data is restored, but ${what}`,
    ...(on === undefined ? {} : { on }),
    ...(why === undefined ? {} : { why }),
    ...(todo === undefined ? {} : { todo }),
    cause,
  });
}

function becameValidator({ name, profile }: NodeSettings): ColdkeepError {
  const { signing } = profileOf(profile);
  return new ColdkeepError("refused", {
    what: "the data is restored, but the node was not started: as restored it may be a validator",
    on: name,
    ...(signing === undefined ? {} : { why: signing.why, todo: `${signing.todo}. Then start it` }),
  });
}

function tooLow(node: string, why: string, limitMs: number): ColdkeepError {
  return new ColdkeepError("not-well", {
    what: "the node runs on the restored data, but is not where its snapshot was",
    on: node,
    why: `${why}, ${formatDuration(limitMs)} after it was started`,
    todo: "look at its log; some nodes read their blocks again first: --wait-limit allows for more",
  });
}
