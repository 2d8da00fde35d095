import { ColdkeepError, type Progress } from "../../vault/names/index.ts";
import type { FrozenEntry, FrozenTree } from "../freeze/types.ts";
import { appendPieces, type LocalEntry, latin1, localEntry } from "./entry-line.ts";
import { chunkBytes } from "./limits.ts";
import type { ParentEntries } from "./parent-entries.ts";
import type { FileTask } from "./seal-messages.ts";
import type { JobResult, SealPool } from "./seal-pool.ts";

export interface ScanFigures {
  readonly entries: number;
  readonly files: number;
  /** Logical bytes of all files. */
  readonly bytes: number;
  /** Bytes read from the frozen tree. */
  readonly read: number;
  /** Bytes of unchanged files and of chunks that were known. */
  readonly reused: number;
  /** Plain bytes of the chunks stored. */
  readonly added: number;
}

export interface ScanOptions {
  readonly tree: FrozenTree;
  readonly parent: ParentEntries;
  readonly pool: SealPool;
  /** Takes the entries in the order of the tree. */
  readonly sink: (entry: LocalEntry) => void;
  readonly progress: Progress;
}

/** A file's content may take several jobs; the entry is written once all are done, and in its turn. */
interface Pending {
  readonly entry: FrozenEntry;
  readonly path: string;
  readonly parts: (Iterable<number> | null)[];
  missing: number;
  /** What must turn out to be so for the parts that were taken over unread. */
  check: PrefixCheck | null;
}

/** Chunks of a file that only grows, taken over from the parent on two conditions: its first and its last are as they were. */
interface PrefixCheck {
  readonly first: number;
  readonly last: number;
  /** Where in `parts` the first chunk is, then what was taken over, then what begins with the last chunk. */
  readonly part: number;
  /** The bytes between the two. */
  readonly from: number;
  readonly to: number;
}

interface Batch {
  readonly secret: boolean;
  readonly tasks: FileTask[];
  readonly owners: { readonly pending: Pending; readonly part: number }[];
  bytes: number;
}

const BATCH_BYTES = 1 << 20;
const BATCH_FILES = 256;
/** Chunks of one job of a big file: small enough that two threads share it, large enough to read in one stream. */
const RANGE_CHUNKS = 16;
/** Fewer whole chunks than this of a file that grew are not worth the look whether they are what they were. */
const LEAST_PREFIX = 3;
/** Entries held back behind a job that is still under way. */
const MAX_PENDING = 16_384;

/**
 * Walks the frozen tree once: unchanged files take over the parent's pieces unread, everything else goes to
 * the seal workers, small files in batches and big ones in ranges. Memory is bounded by the window of entries that wait.
 */
export async function scan(o: ScanOptions): Promise<ScanFigures> {
  const figures = { entries: 0, files: 0, bytes: 0, read: 0, reused: 0, added: 0 };
  const pending: Pending[] = [];
  const open: { plain: Batch | null; secret: Batch | null } = { plain: null, secret: null };
  const running = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | null = null;
  let head = 0;

  function drain(): void {
    for (; head < pending.length; head += 1) {
      const first = pending[head];
      if (first === undefined || first.missing > 0) break;
      o.sink(localEntry(first.entry, first.path, joinParts(first.parts)));
    }
    if (head > 1024) pending.splice(0, head);
    if (head > 1024) head = 0;
  }

  function settle(batch: Batch, { pieces, figures: done }: JobResult): void {
    let at = 0;
    for (const { pending: owner, part } of batch.owners) {
      const count = pieces[at] ?? 0;
      owner.parts[part] = pieces.subarray(at + 1, at + 1 + count);
      owner.missing -= 1;
      at += 1 + count;
      if (owner.missing === 0 && owner.check !== null) doubt(owner, owner.check);
    }
    figures.read += done.read;
    figures.reused += done.known;
    figures.added += done.added;
    o.progress.advance(batch.bytes);
    drain();
  }

  async function dispatch(batch: Batch): Promise<void> {
    if (failure !== null) throw failure.error;
    await o.pool.room();
    const job: Promise<void> = o.pool
      .files(batch.tasks, batch.secret)
      .then((result) => settle(batch, result))
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => running.delete(job));
    running.add(job);
  }

  /** Once the ends of a prefix were read: where they are others than before, all between them is read as well. */
  function doubt(owner: Pending, { first, last, part, from, to }: PrefixCheck): void {
    owner.check = null;
    const [now] = owner.parts[part] ?? [];
    const [then] = owner.parts[part + 2] ?? [];
    if (now === first && then === last) return;
    o.progress.warn(
      `${Buffer.from(owner.entry.path).toString("utf8")} is said to only grow, but what was stored of it has changed: it is read anew`,
    );
    figures.reused -= to - from;
    // It takes the place of a job, so that the end is waited for.
    owner.missing = 1;
    const again: Promise<void> = o.pool
      .files([...tasksOf(owner.entry, from, to)], owner.entry.secret)
      .then(({ pieces, figures: done }) => {
        owner.parts[part + 1] = piecesOfTasks(pieces);
        owner.missing = 0;
        figures.read += done.read;
        figures.reused += done.known;
        figures.added += done.added;
        drain();
      })
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => running.delete(again));
    running.add(again);
  }

  async function flush(kind: "plain" | "secret"): Promise<void> {
    const batch = open[kind];
    open[kind] = null;
    if (batch !== null) await dispatch(batch);
  }

  async function read(owner: Pending, from = 0, to = owner.entry.size): Promise<void> {
    const kind = owner.entry.secret ? "secret" : "plain";
    for (const task of tasksOf(owner.entry, from, to)) {
      const part = owner.parts.push(null) - 1;
      owner.missing += 1;
      open[kind] ??= { secret: owner.entry.secret, tasks: [], owners: [], bytes: 0 };
      const batch = open[kind];
      batch.tasks.push(task);
      batch.owners.push({ pending: owner, part });
      batch.bytes += task.to - task.from;
      if (batch.bytes >= BATCH_BYTES || batch.tasks.length >= BATCH_FILES) await flush(kind);
    }
  }

  /** Reads the first and the last of the chunks that the parent has, and what came since. */
  async function readGrown(owner: Pending, prefix: readonly number[]): Promise<void> {
    const { size } = owner.entry;
    const chunk = chunkBytes(size);
    const [from, to] = [chunk, (prefix.length - 1) * chunk];
    owner.check = { first: prefix[0] ?? 0, last: prefix.at(-1) ?? 0, part: 0, from, to };
    await read(owner, 0, from);
    owner.parts.push(prefix.slice(1, -1));
    figures.reused += to - from;
    o.progress.advance(to - from);
    await read(owner, to, size);
  }

  for await (const entry of o.tree.entries()) {
    const path = latin1(entry.path);
    const owner: Pending = { entry, path, parts: [], missing: 0, check: null };
    figures.entries += 1;
    if (entry.type === "file") {
      figures.files += 1;
      figures.bytes += entry.size;
      const known = entry.fingerprint === "" ? null : o.parent.piecesOf(path, entry);
      if (known === null) {
        assertReadable(entry);
        const prefix = o.parent.prefixOf(path, entry, chunkBytes(entry.size));
        // Held by one until all its parts are counted, so that it cannot be written between two of them.
        owner.missing = 1;
        pending.push(owner);
        if (prefix === null || prefix.length < LEAST_PREFIX) await read(owner);
        else await readGrown(owner, prefix);
        owner.missing -= 1;
        if (owner.missing === 0 && owner.check !== null) doubt(owner, owner.check);
      } else {
        owner.parts.push(known);
        pending.push(owner);
        figures.reused += entry.size;
        o.progress.advance(entry.size);
      }
    } else {
      pending.push(owner);
    }
    drain();
    if (pending.length - head > MAX_PENDING) {
      await flush("plain");
      await flush("secret");
      while (pending.length - head > MAX_PENDING / 2 && running.size > 0) await Promise.race(running);
    }
    if (failure !== null) throw failureOf(failure);
  }
  await flush("plain");
  await flush("secret");
  while (running.size > 0) await Promise.all(running);
  if (failure !== null) throw failureOf(failure);
  drain();
  return figures;
}

function failureOf(failure: { readonly error: unknown }): unknown {
  return failure.error;
}

/** The pieces of all tasks of one job, in one. */
function piecesOfTasks(pieces: Float64Array): number[] {
  const joined: number[] = [];
  for (let at = 0; at < pieces.length; at += 1 + (pieces[at] ?? 0)) {
    appendPieces(joined, pieces.subarray(at + 1, at + 1 + (pieces[at] ?? 0)));
  }
  return joined;
}

/** What was not copied since its content is known must be known. */
function assertReadable({ source, path }: FrozenEntry): void {
  if (source.length > 0) return;
  const on = Buffer.from(path).toString("utf8");
  throw new ColdkeepError("internal", { what: "a file is not in the frozen tree, and its content is not known", on });
}

/** The stretch from `start` to `end` in tasks; both lie on chunk boundaries, or at the file's end. */
function* tasksOf(entry: FrozenEntry, start: number, end: number): Generator<FileTask> {
  const chunk = chunkBytes(entry.size);
  const range = chunk * RANGE_CHUNKS;
  for (let from = start; from < end; from += range) {
    yield {
      source: latin1(entry.source),
      offset: entry.offset,
      shown: Buffer.from(entry.path).toString("utf8"),
      size: entry.size,
      from,
      to: Math.min(end, from + range),
      chunk,
      sparse: entry.sparse,
      linked: entry.linked,
      secret: entry.secret,
      mtimeNs: entry.linked && entry.mutability === "immutable" ? nanoseconds(entry.mtime) : null,
    };
  }
}

function nanoseconds({ seconds, nanoseconds: rest }: FrozenEntry["mtime"]): string {
  return (BigInt(seconds) * 1_000_000_000n + BigInt(rest)).toString();
}

function joinParts(parts: readonly (Iterable<number> | null)[]): number[] {
  const joined: number[] = [];
  for (const part of parts) if (part !== null) appendPieces(joined, part);
  return joined;
}
