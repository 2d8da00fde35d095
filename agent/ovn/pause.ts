import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../../posix/clock.ts";

const FIRST_MS = 50;
const LONGEST_MS = 1_000;

/** Asks until the answer is yes, ever more slowly; false where it never was. @throws the signal's reason on abort. */
export async function until(
  isSo: () => Promise<boolean>,
  { clock, limitMs, signal }: { readonly clock: Clock; readonly limitMs: number; readonly signal: AbortSignal },
): Promise<boolean> {
  const end = clock.monotonic() + limitMs;
  for (let pause = FIRST_MS; ; pause = Math.min(LONGEST_MS, pause * 2)) {
    signal.throwIfAborted();
    if (await isSo()) return true;
    if (clock.monotonic() >= end) return false;
    await sleep(pause, undefined, { signal }).catch(() => {});
  }
}
