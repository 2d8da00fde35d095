import type { FrozenEntry, SharedCopies } from "../freeze/types.ts";
import { latin1 } from "./entry-line.ts";
import type { JobFigures } from "./seal-messages.ts";
import type { SealPool } from "./seal-pool.ts";

/** Small copies that are sealed while the tree is still being frozen: they are ours, and nobody changes them. */
export interface CopiesAhead {
  seal(copies: SharedCopies): void;
  /** The only piece of a copy, once it is sealed; null where it was not begun. */
  pieceOf(entry: FrozenEntry): number | Promise<number> | null;
  /** Kept once all that was begun is done. */
  end(): Promise<void>;
}

interface Job {
  readonly offsets: Float64Array;
  readonly done: Promise<Float64Array>;
  /** Null until they are there. */
  pieces: Float64Array | null;
}

/** What is kept of each until its entry comes is 16 bytes. */
const MOST_FILES = 1 << 18;

/** @param count told of each job's figures */
export function makeCopiesAhead(pool: SealPool, count: (figures: JobFigures) => void): CopiesAhead {
  const jobs = new Map<string, Job[]>();
  let begun = 0;
  /** Mostly that of the entry before. */
  let last: { readonly source: Uint8Array; readonly jobs: readonly Job[] } | null = null;

  function start(source: string, offsets: Float64Array, sizes: Uint32Array): Job {
    const done = pool.copies({ source, offsets, sizes, paths: "" }).then((result) => {
      count(result.figures);
      job.pieces = result.pieces;
      return result.pieces;
    });
    // Where a job fails the whole pool does, and whoever asks for this or gives the pool anything else is told.
    done.catch(() => {});
    const job: Job = { offsets, done, pieces: null };
    return job;
  }

  return {
    seal(copies) {
      if (begun + copies.offsets.length > MOST_FILES) return;
      begun += copies.offsets.length;
      const source = latin1(copies.source);
      const [offsets, sizes] = [Float64Array.from(copies.offsets), Uint32Array.from(copies.sizes)];
      const of = jobs.get(source) ?? [];
      jobs.set(source, of);
      of.push(start(source, offsets, sizes));
    },
    pieceOf({ source, offset }) {
      if (begun === 0) return null;
      if (last?.source !== source) last = { source, jobs: jobs.get(latin1(source)) ?? [] };
      const { jobs: of } = last;
      const job = of[lastFrom(of.length, (n) => (of[n]?.offsets[0] ?? 0) <= offset)];
      if (job === undefined) return null;
      const n = lastFrom(job.offsets.length, (at) => (job.offsets[at] ?? 0) <= offset);
      if (job.offsets[n] !== offset) return null;
      return job.pieces === null ? job.done.then((pieces) => pieces[n] ?? 0) : (job.pieces[n] ?? 0);
    },
    async end() {
      for (const of of jobs.values()) await Promise.all(of.map(({ done }) => done));
    },
  };
}

/** The last of `count` numbers for which this holds, as it does for all before it; -1 where it holds for none. */
function lastFrom(count: number, holds: (n: number) => boolean): number {
  let low = 0;
  for (let high = count; low < high; ) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
