import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../../posix/clock.ts";

/** Milliseconds of work without a pause: short for people, long for the work. */
const TURN = 40;

/** Runs steps to their end, pausing now and then so that signals and timers are heard. @throws the signal's reason. */
export async function drive(steps: Iterable<void>, clock: Clock, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let last = clock.monotonic();
  for (const _ of steps) {
    if (clock.monotonic() - last < TURN) continue;
    await nextTurn();
    signal.throwIfAborted();
    last = clock.monotonic();
  }
}
