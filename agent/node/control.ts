import { setTimeout as sleep } from "node:timers/promises";
import { type Clock, systemClock } from "../../posix/clock.ts";
import { ColdkeepError, isColdkeepError, messageOf, type Progress } from "../../vault/names/index.ts";
import { runHook } from "./hooks.ts";
import { fillKeyFile, lookAtKeyFile } from "./key-file.ts";
import type { NodeControl } from "./types.ts";

/** Pauses between two questions, in milliseconds: short at first, since each adds to the outage. */
const FIRST_PAUSE = 10;
const LONGEST_PAUSE = 1_000;
/** One question to a manager or probe may take this long, within the limit of the whole. */
const ASK_LIMIT = 15_000;
/** How often a start command that fails is tried; the last failure is the one told. */
const START_TRIES = 3;

/**
 * Asks the node to stop and waits until its manager says that it is down, which is no proof yet. Stopping a stopped
 * node is no error. The node may be in any state where this throws: whoever calls brings it back.
 * @throws ColdkeepError `node-stop` where it does not stop within its limit; the signal's reason on abort.
 */
export async function stopAndWait(
  control: NodeControl,
  progress: Progress,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<void> {
  const { manager, limits, name, hooks } = control;
  if (!manager.controls) return;
  await runHook(hooks, "beforeStop", progress, signal);
  progress.stage("stop");
  const end = clock.monotonic() + limits.stopMs;
  const left = () => Math.max(1, end - clock.monotonic());
  try {
    await manager.stop({ signal, timeoutMs: left() });
    let seen = "its service manager still says that it runs";
    let stopped = false;
    for await (const _ of pauses(end, clock, signal)) {
      try {
        if (!(await manager.isRunning({ signal, timeoutMs: Math.min(ASK_LIMIT, left()) }))) {
          stopped = true;
          break;
        }
      } catch (error) {
        seen = messageOf(error);
      }
    }
    if (stopped) return await runHook(hooks, "afterStop", progress, signal);
    throw new ColdkeepError("node-stop", {
      what: "the node did not stop",
      on: name,
      why: `${seen}, ${limits.stopMs / 1000} s after it was asked to stop (${manager.label})`,
      todo: "look at its log; if it needs longer, raise the limit for stopping",
    });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

/** When the node was back, in monotonic milliseconds. */
export interface Started {
  readonly askedAt: number;
  /** Its manager says that it runs. */
  readonly runningAt: number;
}

/**
 * Asks the node to start, waits until its manager says that it runs and, where it can be asked after, until it is well.
 * Starting a running node is no error. A start command that fails is tried again within the limit.
 * @throws ColdkeepError `node-start` where it is not back within its limit; the signal's reason on abort.
 */
export async function startAndWait(
  control: NodeControl,
  progress: Progress,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<Started> {
  const { manager, limits, hooks } = control;
  const askedAt = clock.monotonic();
  if (!manager.controls) return { askedAt, runningAt: askedAt };
  progress.stage("start");
  const end = askedAt + limits.startMs;
  try {
    await runHook(hooks, "beforeStart", progress, signal);
    await ask(control, end, progress, clock, signal);
    await waitUntil(control, end, clock, signal, async (options) =>
      (await manager.isRunning(options)) ? null : "its service manager says that it does not run",
    );
    const runningAt = clock.monotonic();
    const { probe } = control;
    if (probe !== null) {
      await waitUntil(control, end, clock, signal, async (options) => {
        const { healthy, detail } = await probe.health(options);
        return healthy ? null : `it runs, but is not well: ${detail}`;
      });
    }
    lookAtKeyFile(control, progress);
    await runHook(hooks, "afterStart", progress, signal);
    return { askedAt, runningAt };
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

async function ask(
  control: NodeControl,
  end: number,
  progress: Progress,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const { manager } = control;
  for (let tries = 1; ; tries += 1) {
    // A start that failed may have emptied it.
    await fillKeyFile(control, progress, { signal, timeoutMs: ASK_LIMIT });
    try {
      await manager.start({ signal, timeoutMs: Math.max(1, end - clock.monotonic()) });
      return;
    } catch (error) {
      if (signal.aborted || tries === START_TRIES || clock.monotonic() + LONGEST_PAUSE >= end)
        throw asStartFailure(error);
    }
    await sleep(LONGEST_PAUSE, undefined, { signal });
  }
}

/** Whatever kept it from being started: the node may be down, and that is what the exit code has to say. */
function asStartFailure(error: unknown): unknown {
  if (!isColdkeepError(error) || error.kind === "node-start") return error;
  const { what, on, why, todo } = error;
  return new ColdkeepError("node-start", {
    what: `the node could not be started: ${what}`,
    ...(on === undefined ? {} : { on }),
    ...(why === undefined ? {} : { why }),
    ...(todo === undefined ? {} : { todo }),
    cause: error,
  });
}

async function waitUntil(
  control: NodeControl,
  end: number,
  clock: Clock,
  signal: AbortSignal,
  whyNot: (options: { signal: AbortSignal; timeoutMs: number }) => Promise<string | null>,
): Promise<void> {
  let seen = "nobody could be asked in time";
  for await (const _ of pauses(end, clock, signal)) {
    try {
      const why = await whyNot({ signal, timeoutMs: Math.max(1, Math.min(ASK_LIMIT, end - clock.monotonic())) });
      if (why === null) return;
      seen = why;
    } catch (error) {
      seen = messageOf(error);
    }
  }
  throw new ColdkeepError("node-start", {
    what: "the node did not come back",
    on: control.name,
    why: `${seen}, ${control.limits.startMs / 1000} s after it was asked to start (${control.manager.kind})`,
    todo: "it may be DOWN: look at its log and start it by hand; if it needs longer, raise the limit for starting",
  });
}

/** Yields at once and then after growing pauses, until `end`. @throws the signal's reason on abort. */
async function* pauses(end: number, clock: Clock, signal: AbortSignal): AsyncGenerator<void> {
  for (let pause = FIRST_PAUSE; ; pause = Math.min(LONGEST_PAUSE, pause * 1.5)) {
    signal.throwIfAborted();
    yield;
    const left = end - clock.monotonic();
    if (left <= 0) return;
    await sleep(Math.min(pause, left), undefined, { signal });
  }
}
