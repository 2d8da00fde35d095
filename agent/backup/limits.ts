const MIB = 1 << 20;
const GIB = 2 ** 30;

/** Distinct origins a snapshot may name (docs/FORMAT.md, "Limits"). */
export const MAX_ORIGINS = 256;
/** Rows of one pack list (docs/FORMAT.md). */
export const MAX_LIST_ROWS = 10_000;
/** A frame's row in the footer costs 10 bytes; packs of very many tiny files are closed early. */
export const MAX_PACK_FRAMES = 32_768;
/** Longest run on top of a parent: PROTOCOL's L. Milliseconds. */
export const RUN_LIMIT_MS = 3 * 24 * 3600 * 1000;
/**
 * A dead run older than this is not taken over: after PROTOCOL's grace of 7 days the collector may have given it up and
 * forgotten that it did. Milliseconds.
 */
export const ADOPT_LIMIT_MS = 5 * 24 * 3600 * 1000;
/** Longest time between reading head.json and putting the begin. Milliseconds. */
export const BEGIN_LIMIT_MS = 60_000;
/** Worker threads without a wish of the user: one a core within these. */
const DEFAULT_WORKERS = { least: 2, most: 4 } as const;

/**
 * Bytes of a chunk in a file of `size` bytes: 1 MiB, and 4 MiB above 1 GiB. Depends on the size alone, so that a file
 * that did not change is cut in the same way each time.
 */
export function chunkBytes(size: number): number {
  return size <= GIB ? MIB : 4 * MIB;
}

/** What seals: threads, and packs being filled or on their way. */
export interface SealBudget {
  readonly threads: number;
  /** Bytes of a pack. */
  readonly target: number;
  /** Pack buffers of all threads: one being filled each, and one or two on their way. */
  readonly buffers: number;
}

/**
 * Packs are 16 to 32 MiB (docs/FORMAT.md); where memory and size pull apart, memory wins: the whole process is to stay below
 * 256 MiB, of which an idle Node takes some 90 and each thread 25. A large table of chunks takes its memory from the packs;
 * of small files, which are not much data however many they are, these may be smaller than 16 MiB. With each of very many
 * tiny files the main thread has as much to do as one that seals, so a second one is memory and little else.
 * @param workers threads there are
 * @param table what the table of chunks takes, in bytes
 * @param chunk what a chunk has on average, in bytes
 */
export function sealBudget(workers: number, table = 0, chunk = MIB): SealBudget {
  if (table > USUAL_TABLE && chunk < SMALL_CHUNK) {
    const threads = chunk < TINY_CHUNK ? 1 : workers;
    return { threads, target: 8 * MIB, buffers: threads + 1 };
  }
  const left = 72 * MIB - Math.max(0, table - USUAL_TABLE);
  const spare = left < 72 * MIB ? 0 : 1;
  const buffers = Math.max(workers + 1, Math.min(workers + 1 + spare, 5));
  const target = Math.min(32 * MIB, Math.max(16 * MIB, Math.floor(left / buffers)));
  return { threads: workers, target, buffers };
}

/** A table of some 300,000 chunks, index included. Bytes. */
const USUAL_TABLE = 16 * MIB;
/** Bytes. A million chunks of less are no more than some thousand packs, whatever size these have. */
const SMALL_CHUNK = 64 * 1024;
/** Bytes. To read and seal less takes about as long as to list the file. */
const TINY_CHUNK = 8 * 1024;

/** From what was asked for and the machine's cores. */
export function workerCount(asked: number | undefined, cores: number): number {
  if (asked !== undefined) return Math.min(64, Math.max(1, Math.floor(asked)));
  return Math.min(DEFAULT_WORKERS.most, Math.max(DEFAULT_WORKERS.least, cores));
}
