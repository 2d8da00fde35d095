import { setTimeout as sleep } from "node:timers/promises";
import { ColdkeepError, messageOf } from "../../vault/names/index.ts";
import type { NodeSettings } from "../config/index.ts";
import { startAndWait, stopAndWait } from "../node/index.ts";
import type { NodeControl } from "../node/types.ts";
import type { Call } from "./define.ts";

/** A node is asked three times before it counts as down: one lost answer must not restart it. */
const ASKS = 3;
const ASK_LIMIT_MS = 10_000;
const PAUSE_MS = 1_000;

/**
 * Finds out whether the node answers, before a backup stops it. Where it does not, `when_down` decides: `backup` goes
 * on, `skip-and-restart` stops it, starts it and ends the run, so that the next one finds it well.
 * @throws ColdkeepError `node-down` where the backup is skipped; `node-stop`, `node-start` where restarting failed.
 */
export async function checkAnswers(
  node: NodeSettings,
  control: NodeControl,
  call: Call,
  { pauseMs = PAUSE_MS }: { readonly pauseMs?: number } = {},
): Promise<void> {
  const { progress, io } = call;
  // Nobody stops or starts it here: a freeze takes it as it is, and proves that it is down.
  if (!control.manager.controls) return;
  const silent = await whyDown(control, io.signal, pauseMs);
  if (silent === null) return;
  if (node.whenDown === "backup") {
    progress.warn(`${node.name} does not answer (${silent}); backed up all the same, as when_down says`);
    return;
  }
  progress.stage("restart");
  progress.warn(`${node.name} does not answer (${silent}); restarting it`);
  let stopped: unknown = null;
  try {
    await stopAndWait(control, progress, io.signal);
  } catch (error) {
    stopped = error;
  }
  // It was asked to stop: it is started whatever came of that, and whatever signal arrived.
  await startAndWait(control, progress, new AbortController().signal);
  // What was begun is done: only the backup is left out.
  progress.close();
  throw new ColdkeepError("node-down", {
    what: "no backup was made: the node did not answer",
    on: node.name,
    why: silent,
    todo:
      stopped === null
        ? "it was restarted; look at its log, the next backup tries again"
        : `it was started again, but stopping it failed (${messageOf(stopped)}); look at its log`,
  });
}

/** Why the node counts as down, or null where it is well. */
async function whyDown(control: NodeControl, signal: AbortSignal, pauseMs: number): Promise<string | null> {
  let why: string | null = null;
  for (let ask = 1; ask <= ASKS; ask += 1) {
    if (ask > 1) await sleep(pauseMs, undefined, { signal }).catch(() => {});
    why = await askOnce(control, signal);
    // A question that was cut off is no answer.
    signal.throwIfAborted();
    if (why === null) return null;
  }
  return why;
}

async function askOnce(control: NodeControl, signal: AbortSignal): Promise<string | null> {
  const options = { signal, timeoutMs: ASK_LIMIT_MS };
  if (!(await control.manager.isRunning(options))) return "its service manager says that it does not run";
  if (control.probe === null) return null;
  const { healthy, detail } = await control.probe.health(options);
  return healthy ? null : detail;
}
