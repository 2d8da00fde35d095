import { setTimeout as sleep } from "node:timers/promises";
import type { Heights } from "../../vault/card/index.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import { DURATION_FORM, type NodeSettings, parseDuration } from "../config/index.ts";
import { startAndWait } from "../node/index.ts";
import type { NodeControl } from "../node/types.ts";
import { formatDuration, formatHeights } from "../report/index.ts";
import { controlOf } from "./control.ts";
import type { Call } from "./define.ts";
import type { RestoreFlags } from "./restore.command.ts";
import { volumesOf } from "./restore-text.ts";

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

/**
 * How long --wait-healthy may wait, in milliseconds; null where it is not asked for.
 * @throws ColdkeepError `usage` where it cannot be done, before anything is.
 */
export function waitLimitOf(flags: RestoreFlags, node: NodeSettings): number | null {
  if (flags.waitHealthy !== true) {
    if (flags.waitLimit === undefined) return null;
    throw new ColdkeepError("usage", { what: "--wait-limit goes with --wait-healthy" });
  }
  const wrong = (why: string, todo: string) =>
    new ColdkeepError("usage", { what: "--wait-healthy cannot start the node", on: node.name, why, todo });
  if (flags.to !== undefined) throw wrong("--to restores beside it", "leave out one of the two");
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
 * Starts the node and waits until it runs, is well, and is at least as high as its snapshot.
 * @throws ColdkeepError `node-start` where it does not come up; `not-well` where its height is not reached in time.
 */
export async function startRestored(
  node: NodeSettings,
  recorded: Heights | null,
  limitMs: number,
  { progress, io }: Pick<Call, "progress" | "io">,
  { pauseMs = PAUSE_MS }: { readonly pauseMs?: number } = {},
): Promise<StartedAgain> {
  const { clock, signal } = io;
  const control = controlOf(node);
  // A node that nobody asks for its height is not waited for.
  const wanted = node.height === undefined ? null : recorded;
  const began = clock.monotonic();
  await startAndWait({ ...control, limits: { ...control.limits, startMs: limitMs } }, progress, signal, { ...clock });
  progress.stage("reach the height");
  let heights: Heights | null = null;
  for (;;) {
    heights = (await control.probe?.heights({ signal, timeoutMs: ASK_LIMIT_MS })) ?? null;
    signal.throwIfAborted();
    const missing = missingOf(heights, wanted);
    if (missing === null) break;
    if (clock.monotonic() - began >= limitMs) throw tooLow(node.name, missing, limitMs);
    await sleep(pauseMs, undefined, { signal });
  }
  progress.close();
  const seconds = (clock.monotonic() - began) / 1000;
  return { heights, seconds, words: wordsOf(control, heights, recorded, seconds) };
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

function wordsOf({ name, probe }: NodeControl, heights: Heights | null, recorded: Heights | null, seconds: number) {
  const after = formatDuration(seconds * 1000);
  if (probe === null)
    return `${name} runs again after ${after}; nothing in the configuration asks whether it is well (\`health\`, \`height\`).`;
  const compared = heights !== null && recorded !== null && Object.keys(recorded).length > 0;
  const height = compared
    ? `at height ${formatHeights(heights)}, its snapshot's is ${formatHeights(recorded)}`
    : `its height was not compared: ${heights === null ? "no `height` in the configuration" : "the snapshot has none"}`;
  return `${name} runs again and is well after ${after}, ${height}.`;
}

function tooLow(node: string, why: string, limitMs: number): ColdkeepError {
  return new ColdkeepError("not-well", {
    what: "the node runs on the restored data, but is not where its snapshot was",
    on: node,
    why: `${why}, ${formatDuration(limitMs)} after it was started`,
    todo: "look at its log; some nodes read their blocks again first: --wait-limit allows for more",
  });
}
