import { extname } from "node:path";
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import { PAGE } from "../../posix/aligned.ts";
import { ColdkeepError, messageOf } from "../../vault/names/index.ts";
import type { SealedPack } from "../../vault/sealed/types.ts";
import { paceOfEach, type SharedPace } from "./pace.ts";
import type {
  CopyJob,
  DoneMessage,
  FileTask,
  FromWorker,
  JobFigures,
  PackMessage,
  SealWorkerData,
  ToWorker,
  WorkerError,
} from "./seal-messages.ts";

export interface JobResult {
  readonly pieces: Float64Array;
  readonly figures: JobFigures;
}

/** Threads that are starting, or wait for a run to seal for. */
export interface SealThreads {
  readonly workers: readonly Worker[];
  /** What one of them has died of so far; null where all live. */
  died(): { readonly error: unknown } | null;
  /** What they keep to from now on, each to its part. */
  keep(pace: SharedPace): void;
  /** Ends all but the first so many, which have the pace of all from then on. */
  keepFirst(count: number): void;
  /** Ends them; safe to call twice. */
  close(): Promise<void>;
}

/**
 * Starts the threads of a run that is being prepared: until there is something to seal they have found their code. One
 * that dies meanwhile ends the pool as soon as there is one.
 */
export function startSealThreads(count: number): SealThreads {
  const url = new URL(`./seal.worker${extname(import.meta.url)}`, import.meta.url);
  // The command's own limits, which the main thread has taken by now, would else be those of each thread.
  for (const limit of ["max", "min"]) setFlagsFromString(`--${limit}-semi-space-size=0`);
  const workers = Array.from({ length: count }, () => new Worker(url, { resourceLimits: SMALL_YOUNG }));
  const dismissed = new Set<Worker>();
  let death: { readonly error: unknown } | null = null;
  let pace: SharedPace | null = null;
  const exits = workers.map((worker) => new Promise((resolve) => worker.once("exit", resolve)));
  for (const worker of workers) {
    // Without a listener an early error would end the process while the node is down.
    worker.on("error", (error) => {
      death ??= { error };
    });
    worker.on("exit", (code) => {
      if (!dismissed.has(worker)) death ??= { error: ended(code) };
    });
  }
  function tellPace(): void {
    if (pace === null) return;
    const each = paceOfEach(pace, workers.length);
    for (const worker of workers) worker.postMessage({ type: "pace", pace: each } satisfies ToWorker);
  }
  return {
    workers,
    died: () => death,
    keep: (shared) => {
      pace = shared;
      tellPace();
    },
    keepFirst: (count) => {
      const spare = workers.splice(count);
      if (spare.length === 0) return;
      for (const worker of spare) {
        dismissed.add(worker);
        worker.postMessage({ type: "end" } satisfies ToWorker);
      }
      tellPace();
    },
    close: async () => {
      // Not terminate(): one that it cuts off while koffi is being loaded takes the whole process with it, maybe before the
      // node is started again. Each ends by itself, after the piece it is at.
      for (const worker of workers) worker.postMessage({ type: "end" } satisfies ToWorker);
      await Promise.all(exits);
    },
  };
}

export interface SealPoolOptions {
  readonly threads: SealThreads;
  readonly data: SealWorkerData;
  /** Pack buffers in all, at least one a worker: what bounds the memory of packs being sealed and put. */
  readonly buffers: number;
  /** Called for each full pack, several at a time; its buffer is used again once the promise is kept. */
  readonly onPack: (pack: SealedPack, rows: Uint32Array) => Promise<void>;
}

/** Seal workers, their jobs and their pack buffers. The first error ends everything and is what each promise fails with. */
export interface SealPool {
  /** Hands a batch to a worker. Secret files go to one worker, so that they share their few packs. */
  files(tasks: readonly FileTask[], secret: boolean): Promise<JobResult>;
  /** Hands copies of small files to a worker, none of them secret; answers with one piece each. */
  copies(copies: CopyJob): Promise<JobResult>;
  /** Stores one segment of the entry list; where it lies in shared memory, nobody may touch that until the promise is kept. */
  segment(bytes: Uint8Array): Promise<JobResult>;
  /** Until fewer jobs than would keep all workers busy are under way. */
  room(): Promise<void>;
  /** Seals all open packs and waits until every pack is put. */
  flush(): Promise<void>;
  /** After a flush, where nothing but segments follows: ends the threads that these do not go to, and gives their memory back. */
  keepOne(): void;
  fail(error: unknown): void;
  /** Ends the threads; safe to call twice. */
  close(): Promise<void>;
}

/** So much is sealed by one worker before others take part, and so is one pack where there is no more. Bytes. */
const FOR_ONE = 4 << 20;
/** Jobs a worker has before it, the one it is at included. */
const AHEAD = 3;

/**
 * Workers make few and short-lived objects; V8 would let each grow a young generation of 48 MB for them, and collects old
 * ones first at half of what it is allowed: some 8 MB are alive, code included.
 */
const SMALL_YOUNG = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 32 } as const;

interface Seat {
  readonly worker: Worker;
  jobs: number;
  /** Pack buffers it holds or was promised. */
  wants: boolean;
  /** Was told to end. */
  dismissed: boolean;
}

interface Waiting {
  readonly seat: Seat;
  readonly resolve: (result: JobResult) => void;
  readonly reject: (error: unknown) => void;
}

export function makeSealPool(options: SealPoolOptions): SealPool {
  const waiting = new Map<number, Waiting>();
  const puts = new Set<Promise<void>>();
  const free: SharedArrayBuffer[] = [];
  let failure: { readonly error: unknown } | null = null;
  let jobs = 0;
  let rooms: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  let closed = false;

  const seats: Seat[] = options.threads.workers.map((worker) => {
    const seat: Seat = { worker, jobs: 0, wants: true, dismissed: false };
    seat.worker.on("message", (message: FromWorker) => receive(seat, message));
    seat.worker.on("error", fail);
    seat.worker.on("exit", (code) => {
      if (!closed && !seat.dismissed) fail(ended(code));
    });
    post(seat, { type: "open", data: options.data });
    return seat;
  });
  const { packTarget } = options.data;
  for (let n = 0; n < Math.max(options.buffers, seats.length); n += 1) free.push(makeBuffer(packTarget));
  grant();
  const death = options.threads.died();
  if (death !== null) fail(death.error);

  function fail(error: unknown): void {
    failure ??= { error };
    for (const { reject } of waiting.values()) reject(failure.error);
    waiting.clear();
    for (const { reject } of rooms) reject(failure.error);
    rooms = [];
  }

  function receive(seat: Seat, message: FromWorker): void {
    if (message.type === "failed") fail(revive(message.error));
    else if (message.type === "pack") take(seat, message);
    else finish(seat, message);
  }

  function finish(seat: Seat, message: DoneMessage): void {
    const job = waiting.get(message.job);
    if (job === undefined) return;
    waiting.delete(message.job);
    seat.jobs -= 1;
    if (!isBusy()) for (const { resolve } of rooms.splice(0)) resolve();
    job.resolve({ pieces: message.pieces, figures: message.figures });
  }

  function take(seat: Seat, message: PackMessage): void {
    // The bytes come from this process's own workers, which made them by sealPack: the brand is theirs.
    const { index, bytes, sha256, salt, commit, secret } = message;
    const pack = { index, bytes, sha256, salt, commit, secret } as SealedPack;
    if (!secret) seat.wants = true;
    const put = options
      .onPack(pack, message.rows)
      .then(() => {
        if (!secret) free.push(bytes.buffer instanceof SharedArrayBuffer ? bytes.buffer : makeBuffer(packTarget));
        grant();
      })
      .catch(fail)
      .finally(() => puts.delete(put));
    puts.add(put);
    grant();
  }

  function grant(): void {
    for (const seat of seats) {
      if (!seat.wants) continue;
      const buffer = free.pop();
      if (buffer === undefined) return;
      seat.wants = false;
      post(seat, { type: "buffer", buffer });
    }
  }

  function post(seat: Seat, message: ToWorker): void {
    if (!closed) seat.worker.postMessage(message);
  }

  function run(seat: Seat, make: (job: number) => ToWorker): Promise<JobResult> {
    if (failure !== null) return Promise.reject(failure.error);
    jobs += 1;
    const job = jobs;
    seat.jobs += 1;
    return new Promise((resolve, reject) => {
      waiting.set(job, { seat, resolve, reject });
      post(seat, make(job));
    });
  }

  const isBusy = () => seats.every((seat) => seat.jobs >= AHEAD);
  const idlest = () => seats.reduce((a, b) => (b.jobs < a.jobs ? b : a));
  const first = () => seats.slice(0, 1).reduce((a) => a);
  let handed = 0;
  const next = (bytes: number) => {
    handed += bytes;
    return handed <= FOR_ONE ? first() : idlest();
  };

  return {
    files: (tasks, secret) => {
      const bytes = tasks.reduce((sum, { from, to }) => sum + to - from, 0);
      return run(secret ? first() : next(bytes), (job) => ({ type: "files", job, tasks }));
    },
    copies: async (copies) => {
      const bytes = copies.sizes.reduce((sum, size) => sum + size, 0);
      const result = await run(next(bytes), (job) => ({ type: "copies", job, copies }));
      // A piece that is missing would be taken for another file's.
      if (result.pieces.length !== copies.sizes.length) throw new Error("a seal worker left out some of its copies");
      return result;
    },
    segment: (bytes) => run(first(), (job) => ({ type: "segment", job, bytes })),
    room: () => {
      if (failure !== null) return Promise.reject(failure.error);
      return isBusy() ? new Promise((resolve, reject) => rooms.push({ resolve, reject })) : Promise.resolve();
    },
    flush: async () => {
      await Promise.all(seats.map((seat) => run(seat, (job) => ({ type: "flush", job }))));
      while (puts.size > 0) await Promise.all(puts);
      if (failure !== null) throw failure.error;
    },
    keepOne: () => {
      for (const seat of seats.splice(1)) seat.dismissed = true;
      options.threads.keepFirst(1);
    },
    fail,
    close: async () => {
      closed = true;
      await Promise.allSettled([options.threads.close(), ...puts]);
    },
  };
}

function ended(code: number): ColdkeepError {
  return new ColdkeepError("internal", { what: "a seal worker ended", why: `exit code ${code}` });
}

/**
 * Some room over the target, for a last frame that did not shrink and the footer, and to begin at a page. Shared, and one
 * thread's at a time all the same: each buffer that changes threads by transfer counts as new memory there, for which V8
 * collects garbage, everywhere and many times.
 */
function makeBuffer(target: number): SharedArrayBuffer {
  return new SharedArrayBuffer(target + (1 << 20) + PAGE);
}

function revive(error: WorkerError): ColdkeepError {
  const { kind, what, on, why, todo } = error;
  try {
    return new ColdkeepError(kind, {
      what,
      ...(on === undefined ? {} : { on }),
      ...(why === undefined ? {} : { why }),
      ...(todo === undefined ? {} : { todo }),
    });
  } catch (cause) {
    return new ColdkeepError("internal", { what: "a seal worker failed", why: messageOf(cause) });
  }
}
