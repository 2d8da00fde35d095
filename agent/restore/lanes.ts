import { alignedBytes } from "../../posix/aligned.ts";

/** The memory of one piece on its way to the disk and back. Both are aligned for direct access. */
export interface Lane {
  /** What is written. */
  readonly plain: Uint8Array<ArrayBuffer>;
  /** What is read back: apart, so that nothing is mistaken for it. */
  readonly back: Uint8Array<ArrayBuffer>;
}

/** Pieces on their way to the disk and back: while it works on them, their thread opens the next ones. */
export interface Lanes {
  /** Waits until one is free. @throws the first failure of any work. */
  take(): Promise<Lane>;
  /** Begins the work; its lane is free again once it has ended. */
  begin(lane: Lane, work: (lane: Lane) => Promise<void>): void;
  /** Waits for all work. @throws the first failure. */
  drain(): Promise<void>;
  /** Waits for all work, however it ends. */
  settle(): Promise<void>;
}

/** Bytes of the largest piece that has room; most chunks have at most this much. */
export const LANE_BYTES = 1 << 20;
/** One is written and one read back while a third is opened. */
const LANES = 3;

/** Of this thread, used again and again; null before it is used. */
const memory: (Lane | null)[] = Array.from({ length: LANES }, () => null);

/** There is one at a time in a thread: what it hands out is the thread's. */
export function makeLanes(): Lanes {
  const free = memory.map((_, n) => n);
  const numbers = new Map<Lane, number>();
  const running = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | null = null;

  const assertGoing = () => {
    if (failure !== null) throw failure.error;
  };
  const settle = async () => {
    await Promise.all(running);
  };
  const run = async (lane: Lane, work: (lane: Lane) => Promise<void>) => {
    try {
      await work(lane);
    } catch (error) {
      failure ??= { error };
    } finally {
      free.push(numbers.get(lane) ?? 0);
    }
  };
  return {
    settle,
    take: async () => {
      while (free.length === 0 && failure === null) await Promise.race(running);
      assertGoing();
      const number = free.pop() ?? 0;
      const lane = memory[number] ?? { plain: alignedBytes(LANE_BYTES), back: alignedBytes(LANE_BYTES) };
      memory[number] = lane;
      numbers.set(lane, number);
      return lane;
    },
    begin: (lane, work) => {
      const promise = run(lane, work).finally(() => running.delete(promise));
      running.add(promise);
    },
    drain: async () => {
      await settle();
      assertGoing();
    },
  };
}
