import { setTimeout as sleep } from "node:timers/promises";
import { type Bucket, makeBucket } from "./bucket.ts";
import { workerCount } from "./limits.ts";
import type { PaceOptions } from "./types.ts";

/** What a thread that seals leaves to others. */
export interface ThreadPace {
  /** Bytes of frozen files that it reads in a second. */
  readonly read?: number;
  /** The part of the time, up to 1, in which it works; it then comes after all other threads, too. */
  readonly share?: number;
}

/** What all threads together leave to others. */
export interface SharedPace {
  /** Bytes of frozen files that they read in a second. */
  readonly read?: number;
  /** Of the machine, maybe a part of one; each then comes after all other threads, too. */
  readonly cores?: number;
}

/** How many threads seal, and what they keep to once the node runs again; null: to nothing. */
export interface ThreadPlan {
  readonly workers: number;
  readonly pace: SharedPace | null;
}

export function planThreads(asked: number | undefined, cores: number, pace: PaceOptions): ThreadPlan {
  const { cpu, read } = pace;
  const most = workerCount(asked, cores);
  const wanted = cpu === undefined ? most : "share" in cpu ? cpu.share * cores : cpu.cores;
  const workers = Math.min(most, Math.max(1, Math.ceil(wanted)));
  if (cpu === undefined && read === undefined) return { workers, pace: null };
  return {
    workers,
    pace: {
      ...(read === undefined ? {} : { read }),
      ...(cpu === undefined ? {} : { cores: wanted }),
    },
  };
}

/** Each thread has its part of the whole: they are given work evenly, and so need not ask each other. */
export function paceOfEach({ read, cores }: SharedPace, threads: number): ThreadPace {
  return {
    ...(read === undefined ? {} : { read: read / threads }),
    ...(cores === undefined ? {} : { share: Math.min(1, cores / threads) }),
  };
}

/** Bytes on their way to the vaults. */
export interface UploadPace {
  /** From now on what is put waits for its turn: the node runs again. */
  begin(): void;
  /** Resolves once so many bytes may go. @throws the signal's reason; that of `stop`. */
  take(bytes: number): Promise<void>;
  /** Nothing that waits will go any more. */
  stop(): void;
}

export interface UploadPaceOptions {
  /** Bytes a second; undefined: no limit. */
  readonly upload: number | undefined;
  readonly monotonic: () => number;
  readonly signal: AbortSignal;
  readonly wait: ((ms: number, signal?: AbortSignal) => Promise<unknown>) | undefined;
}

/** Bursts of one second: small objects go at once, packs are paid for before they go. */
export function makeUploadPace({ upload, monotonic, signal, wait = sleepFor }: UploadPaceOptions): UploadPace {
  const stopped = new AbortController();
  const either = AbortSignal.any([signal, stopped.signal]);
  let bucket: Bucket | null = null;
  return {
    begin() {
      if (upload !== undefined) bucket ??= makeBucket({ perSecond: upload, burst: upload, monotonic, wait });
    },
    take: async (bytes) => bucket?.take(bytes, either),
    stop: () => stopped.abort(),
  };
}

function sleepFor(ms: number, signal?: AbortSignal): Promise<unknown> {
  return sleep(ms, undefined, signal === undefined ? {} : { signal });
}
