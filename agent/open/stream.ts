import { makeBudget } from "./budget.ts";

/** Runs tasks side by side, as many as a budget of bytes allows; the first failure stops what has not begun. */
export interface TaskStream {
  /** Waits for room, then begins the task. @throws the first failure of any task, or the signal's reason. */
  push(bytes: number, task: () => Promise<void>): Promise<void>;
  /** Waits for all tasks. @throws as `push`. */
  end(): Promise<void>;
  /** Waits for what has begun, however it ends: what was fetched is made use of before a failure is told. */
  settle(): Promise<void>;
}

export function makeTaskStream(limit: number, signal: AbortSignal): TaskStream {
  const budget = makeBudget(limit);
  const running = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | null = null;

  const assertGoing = () => {
    if (failure !== null) throw failure.error;
    signal.throwIfAborted();
  };
  const run = async (bytes: number, task: () => Promise<void>) => {
    try {
      await task();
    } catch (error) {
      failure ??= { error };
    } finally {
      budget.give(bytes);
    }
  };
  const settle = async () => {
    await Promise.all(running);
  };
  return {
    settle,
    push: async (bytes, task) => {
      assertGoing();
      await budget.take(bytes);
      try {
        assertGoing();
      } catch (error) {
        budget.give(bytes);
        throw error;
      }
      const promise = run(bytes, task).finally(() => running.delete(promise));
      running.add(promise);
    },
    end: async () => {
      await settle();
      assertGoing();
    },
  };
}
