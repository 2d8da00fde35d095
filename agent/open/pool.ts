import { once } from "node:events";
import { availableParallelism } from "node:os";
import { type Transferable, Worker } from "node:worker_threads";
import { ColdkeepError } from "../../vault/names/index.ts";
import type { Answered, Sent } from "./serve.ts";
import { fromSent } from "./thread-errors.ts";

/** Worker threads that all do the same kind of job. The caller bounds how much it hands in at once. */
export interface WorkerPool<Job, Answer> {
  readonly size: number;
  /** @throws what the job threw; `internal` where its thread died. */
  run(job: Job, transfer?: readonly Transferable[]): Promise<Answer>;
  /** Starts all threads now, for work that is sure to come: until then they have found their code. */
  warm(): void;
  /** Rejects what is still running, and waits for the threads to end after the jobs they have; safe to call twice. */
  close(): Promise<void>;
}

/** Two jobs a thread, so that none waits for the main thread between jobs. */
const DEPTH = 2;

/**
 * A thread's garbage is short-lived and its large buffers lie outside of this: a small young generation costs nothing
 * and keeps the whole process below its bound. The old generation's limit is far above what a job takes.
 */
const LIMITS = { maxYoungGenerationSizeMb: 12, maxOldGenerationSizeMb: 256 };

/** One a core, from 1 to 8: opening is bound by the processor. */
export function defaultWorkers(): number {
  return Math.min(8, Math.max(1, availableParallelism()));
}

interface Waiting<Job, Answer> {
  readonly job: Job;
  readonly transfer: readonly Transferable[];
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** Up to `size` threads of the worker file at `url`, which must call `serveJobs`; each starts when there is work for it. */
export function startPool<Job, Answer>(url: URL, size: number, workerData?: unknown): WorkerPool<Job, Answer> {
  const waiting: Waiting<Job, Answer>[] = [];
  let closed: ColdkeepError | null = null;
  let nextId = 0;

  const threads: { readonly worker: Worker; readonly running: Map<number, Waiting<Job, Answer>> }[] = [];

  function startThread() {
    const thread = {
      // Files that were opened by libc are closed by Node, which warns of each where it keeps a list of its own.
      worker: new Worker(url, { workerData, resourceLimits: LIMITS, trackUnmanagedFds: false }),
      running: new Map<number, Waiting<Job, Answer>>(),
    };
    thread.worker.on("message", (message: Answered<Answer>) => {
      const job = thread.running.get(message.id);
      thread.running.delete(message.id);
      if ("error" in message) job?.reject(fromSent(message.error));
      else job?.resolve(message.answer);
      dispatch();
    });
    thread.worker.on("error", (cause) => fail(died(cause)));
    thread.worker.on("exit", () => {
      fail(died());
      threads.splice(threads.indexOf(thread), 1);
    });
    threads.push(thread);
    return thread;
  }

  /** An idle thread, else a new one, else the one with the least to do; null where all have enough. */
  function choose() {
    const idle = threads.find(({ running }) => running.size === 0);
    if (idle !== undefined) return idle;
    if (threads.length < size) return startThread();
    const least = threads.reduce((a, b) => (b.running.size < a.running.size ? b : a));
    return least.running.size < DEPTH ? least : null;
  }

  function fail(error: ColdkeepError): void {
    closed ??= error;
    for (const { running } of threads) {
      for (const job of running.values()) job.reject(closed);
      running.clear();
    }
    for (const job of waiting.splice(0)) job.reject(closed);
  }

  function dispatch(): void {
    while (closed === null && waiting.length > 0) {
      const thread = choose();
      const next = thread === null ? undefined : waiting.shift();
      if (thread === null || next === undefined) return;
      nextId += 1;
      thread.running.set(nextId, next);
      thread.worker.postMessage({ id: nextId, job: next.job } satisfies Sent<Job>, next.transfer);
    }
  }

  return {
    size,
    run: (job, transfer = []) =>
      new Promise((resolve, reject) => {
        if (closed !== null) {
          reject(closed);
          return;
        }
        waiting.push({ job, transfer, resolve, reject });
        dispatch();
      }),
    warm: () => {
      while (closed === null && threads.length < size) startThread();
    },
    close: async () => {
      fail(new ColdkeepError("interrupted", { what: "the work was stopped" }));
      await Promise.all(
        threads.map(async ({ worker }) => {
          // Not terminate(): it would cut a thread off in the middle of a system call through libc, and in one that
          // writes into memory of ours the whole process goes with it. What a thread has begun takes milliseconds.
          const ended = once(worker, "exit");
          worker.postMessage(null);
          await ended;
        }),
      );
    },
  };
}

function died(cause?: unknown): ColdkeepError {
  return new ColdkeepError("internal", { what: "a worker thread ended unexpectedly", cause });
}
