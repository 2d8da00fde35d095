import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../posix/clock.ts";
import { yieldThread } from "../../posix/priority.ts";
import { type Bucket, makeBucket } from "./bucket.ts";
import type { ThreadPace } from "./pace.ts";
import type { ReadManners } from "./read-ahead.ts";

/** How the thread that asks keeps to its pace; to none before it is told one. */
export interface ThreadManners extends ReadManners {
  /** From now on; has no end. */
  keep(pace: ThreadPace): void;
  /** Rests as long as so many milliseconds of work call for. */
  rest(workedMs: number): Promise<void>;
}

/** A quarter of a second of reading goes at once: no more than what is read ahead anyway at usual limits. */
const READ_BURST = 0.25;
/** A thread may work for so long before it rests. Milliseconds. */
const WORK_BURST = 50;

export function makeThreadManners(): ThreadManners {
  const { monotonic } = systemClock;
  // Not keeping the thread alive: one that is told to end does so at once.
  const wait = (ms: number) => sleep(ms, undefined, { ref: false });
  let reads: Bucket | null = null;
  let work: Bucket | null = null;
  let yields = false;
  return {
    keep({ read, share }) {
      if (read !== undefined) reads = makeBucket({ perSecond: read, burst: read * READ_BURST, monotonic, wait });
      if (share === undefined) return;
      yields = true;
      yieldThread();
      if (share < 1) work = makeBucket({ perSecond: share * 1000, burst: WORK_BURST, monotonic, wait });
    },
    rest: async (workedMs) => work?.take(workedMs),
    mayRead: (bytes) => reads?.take(bytes) ?? null,
    readsItself: () => yields,
  };
}
