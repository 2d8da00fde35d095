import type { SharedPace } from "./pace.ts";
import type { SealPool, SealThreads } from "./seal-pool.ts";

/** Threads that are started once, by whoever first knows that there is something to seal. */
export interface ThreadSource {
  start(): SealThreads;
  /** What those that were started, and those that will be, keep to from now on. */
  keep(pace: SharedPace): void;
  /** Ends them where they were started; safe to call twice. */
  close(): Promise<void>;
}

/** @param start starts them */
export function makeThreadSource(start: () => SealThreads): ThreadSource {
  let threads: SealThreads | null = null;
  let kept: SharedPace | null = null;
  return {
    start: () => {
      if (threads !== null) return threads;
      threads = start();
      if (kept !== null) threads.keep(kept);
      return threads;
    },
    keep: (pace) => {
      kept = pace;
      threads?.keep(pace);
    },
    close: async () => threads?.close(),
  };
}

/** A pool that is made with the first job: a backup that finds nothing new starts no thread. */
export function makeLazyPool(make: () => Promise<SealPool>): SealPool {
  let making: Promise<SealPool> | null = null;
  let made: SealPool | null = null;
  let failure: { readonly error: unknown } | null = null;
  async function makeIt(): Promise<SealPool> {
    made = await make();
    // Who has failed it meanwhile did not reach it.
    if (failure !== null) made.fail(failure.error);
    return made;
  }
  async function pool(): Promise<SealPool> {
    if (failure !== null) throw failure.error;
    making ??= makeIt();
    return making;
  }
  return {
    files: async (tasks, secret) => (await pool()).files(tasks, secret),
    copies: async (copies) => (await pool()).copies(copies),
    segment: async (bytes) => (await pool()).segment(bytes),
    room: async () => (await pool()).room(),
    flush: async () => {
      if (failure !== null) throw failure.error;
      await (await making)?.flush();
    },
    keepOne: () => made?.keepOne(),
    fail: (error) => {
      failure ??= { error };
      made?.fail(error);
    },
    close: async () => {
      await making?.catch(() => {});
      await made?.close();
    },
  };
}
