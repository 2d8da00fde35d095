import type { Clock } from "../../posix/clock.ts";
import type { SnapshotId } from "../../vault/names/index.ts";
import type { WorkerPool } from "../open/pool.ts";
import type { CardOrigin, OpenOptions } from "../open/types.ts";
import type { VerifyAnswer, VerifyJob } from "./open-job.ts";

export type VerifyThreads = WorkerPool<VerifyJob, VerifyAnswer>;

export interface VerifyOptions extends OpenOptions {
  /** Open every frame and compare every chunk's id; without it card, keys, manifest, segments and packs' sizes. */
  readonly readData: boolean;
  /** Threads that open frames; default: one a core, 1 to 8. */
  readonly workers?: number;
  /** Those of `startVerifyThreads`, in their place. */
  readonly openingThreads?: VerifyThreads;
  readonly clock?: Clock;
}

/** One thing that is wrong, in words, and what it costs. */
export interface Damage {
  /** Name of the object in the vault. */
  readonly object: string;
  /** What is wrong with it. */
  readonly what: string;
  /** Paths (`<root>/<path>`) that cannot be restored because of it, the first 100. */
  readonly files: readonly string[];
  /** How many there are in all; null where it hits the whole snapshot. */
  readonly affected: number | null;
}

export interface VerifyResult {
  readonly snapshot: SnapshotId;
  /** True where nothing is damaged. */
  readonly ok: boolean;
  readonly origin: CardOrigin | null;
  readonly readData: boolean;
  readonly damages: readonly Damage[];
  readonly files: number;
  readonly bytes: number;
  readonly chunks: number;
  readonly packs: number;
  /** Bytes read from the vault. */
  readonly fetched: number;
  readonly seconds: number;
  readonly notes: readonly string[];
}
