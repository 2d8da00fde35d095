import type { FrozenEntry } from "../freeze/types.ts";
import { latin1 } from "./entry-line.ts";
import type { SameEntry } from "./parent-entries.ts";
import type { JobResult, SealPool } from "./seal-pool.ts";
import type { InTurn, Window } from "./window.ts";

/** Writes an entry. */
export type Give = (head: string, pieces: readonly number[], same: SameEntry | null) => void;

/**
 * Copies of small files, and what comes between them in the tree: there may be a million, so they go to the threads and
 * wait for them as numbers and a text each.
 */
export interface SmallCopies {
  /** Where `isSmallCopy`: to be read and sealed with others. */
  add(entry: FrozenEntry, head: string, path: string, same: SameEntry | null): void;
  /** Takes an entry that follows copies and whose pieces are known. False where none are before it that still wait. */
  follow(head: string, pieces: readonly number[], same: SameEntry | null): boolean;
  /** Whether it can be added; else `send` must be called before. */
  fits(entry: FrozenEntry): boolean;
  /** Hands on what is there. @throws where the pool has failed. */
  send(): Promise<void>;
}

export interface SmallCopiesOptions {
  readonly pool: SealPool;
  readonly window: Window;
  readonly give: Give;
  /** Of so many bytes; what waits for it is ready. */
  readonly done: (bytes: number, figures: JobResult["figures"]) => void;
  /** Keeps the end waiting for a job. */
  readonly start: (job: Promise<void>) => void;
}

const JOB_BYTES = 1 << 20;
const JOB_FILES = 512;

export function isSmallCopy({ type, spooled, secret, sparse, size }: FrozenEntry): boolean {
  return type === "file" && spooled === true && !secret && !sparse && size > 0;
}

/** Entries that follow each other, of one job. */
class Run implements InTurn {
  readonly heads: string[] = [];
  readonly same: (SameEntry | null)[] = [];
  /** Null where the job's next piece is all of the entry's content. */
  readonly pieces: (readonly number[] | null)[] = [];
  sealed: Float64Array | null = null;
  readonly #give: Give;

  constructor(give: Give) {
    this.#give = give;
  }

  get entries(): number {
    return this.heads.length;
  }

  isReady(): boolean {
    return this.sealed !== null;
  }

  add(head: string, pieces: readonly number[] | null, same: SameEntry | null): void {
    this.heads.push(head);
    this.pieces.push(pieces);
    this.same.push(same);
  }

  write(): void {
    let next = 0;
    for (let n = 0; n < this.heads.length; n += 1) {
      const pieces = this.pieces[n] ?? [this.sealed?.[next++] ?? 0];
      this.#give(this.heads[n] ?? "", pieces, this.same[n] ?? null);
    }
  }
}

interface Job {
  readonly source: string;
  readonly offsets: number[];
  readonly sizes: number[];
  readonly paths: string[];
  bytes: number;
  /** What waits for it, and how many copies are in each. */
  readonly runs: { readonly run: Run; copies: number }[];
}

export function makeSmallCopies({ pool, window, give, done, start }: SmallCopiesOptions): SmallCopies {
  let job: Job | null = null;
  let last: { readonly source: Uint8Array; readonly text: string } | null = null;

  /** Mostly that of the entry before. */
  function sourceOf({ source }: FrozenEntry): string {
    if (last?.source !== source) last = { source, text: latin1(source) };
    return last.text;
  }

  /** Where the tree goes on: behind what waits last, if that is of this job. */
  function runOf(to: Job): { readonly run: Run; copies: number } {
    const at = to.runs.at(-1);
    if (at !== undefined && window.isLast(at.run)) return at;
    const made = { run: new Run(give), copies: 0 };
    window.add(made.run);
    to.runs.push(made);
    return made;
  }

  function settle({ runs, bytes }: Job, { pieces, figures }: JobResult): void {
    let at = 0;
    for (const { run, copies } of runs) {
      run.sealed = pieces.subarray(at, at + copies);
      at += copies;
    }
    done(bytes, figures);
  }

  return {
    fits(entry) {
      if (job === null) return true;
      return job.bytes < JOB_BYTES && job.offsets.length < JOB_FILES && job.source === sourceOf(entry);
    },
    add(entry, head, path, same) {
      job ??= { source: sourceOf(entry), offsets: [], sizes: [], paths: [], bytes: 0, runs: [] };
      const at = runOf(job);
      at.run.add(head, null, same);
      at.copies += 1;
      window.grow(1);
      job.offsets.push(entry.offset);
      job.sizes.push(entry.size);
      job.paths.push(path);
      job.bytes += entry.size;
    },
    follow(head, pieces, same) {
      const at = job?.runs.at(-1);
      if (at === undefined || !window.isLast(at.run)) return false;
      at.run.add(head, pieces, same);
      window.grow(1);
      return true;
    },
    async send() {
      if (job === null) return;
      const sent = job;
      job = null;
      await pool.room();
      const copies = {
        source: sent.source,
        offsets: Float64Array.from(sent.offsets),
        sizes: Uint32Array.from(sent.sizes),
        paths: sent.paths.join("\0"),
      };
      start(pool.copies(copies).then((result) => settle(sent, result)));
    },
  };
}
