import type { SealPool, SealThreads } from "./seal-pool.ts";

/** Threads that are started once, by whoever first knows that there is something to seal. */
export interface ThreadSource {
  start(): SealThreads;
  /** Ends them where they were started; safe to call twice. */
  close(): Promise<void>;
}

/** @param start starts them */
export function makeThreadSource(start: () => SealThreads): ThreadSource {
  let threads: SealThreads | null = null;
  return {
    start: () => {
      threads ??= start();
      return threads;
    },
    close: async () => threads?.close(),
  };
}

/** A pool that is made with the first job: a backup that finds nothing new starts no thread. */
export function makeLazyPool(make: () => SealPool): SealPool {
  let made: SealPool | null = null;
  let failure: { readonly error: unknown } | null = null;
  async function pool(): Promise<SealPool> {
    if (failure !== null) throw failure.error;
    made ??= make();
    return made;
  }
  return {
    files: async (tasks, secret) => (await pool()).files(tasks, secret),
    segment: async (bytes) => (await pool()).segment(bytes),
    room: async () => (await pool()).room(),
    flush: async () => {
      if (failure !== null) throw failure.error;
      await made?.flush();
    },
    fail: (error) => {
      failure ??= { error };
      made?.fail(error);
    },
    close: async () => made?.close(),
  };
}
