import { SegmentWriter, splitEntry } from "../../vault/sealed/segment.ts";
import type { EntryPiece, ManifestEntry, ManifestOrigin } from "../../vault/sealed/types.ts";
import type { ChunkTable } from "./chunk-table.ts";
import { type LocalEntry, lineToEntry } from "./entry-line.ts";
import type { SealPool } from "./seal-pool.ts";

/** A segment of the entry list, by the row under which it is stored. */
export interface StoredSegment {
  readonly row: number;
  readonly entries: number;
}

export interface StoredSegments {
  readonly segments: readonly StoredSegment[];
  /** One byte a row of the chunk table: 1 where this snapshot refers to it. */
  readonly used: Uint8Array;
}

/** Segments under way at once. */
const WINDOW = 4;

/**
 * Turns the run's local entries into segments, with rows replaced by places, and stores each like a chunk. Where a
 * segment ends depends on the names in it, so that a file added in one folder moves no other segment's borders and
 * unchanged segments are known already.
 */
export async function storeSegments(o: {
  readonly lines: Iterable<string>;
  readonly table: ChunkTable;
  readonly origins: readonly ManifestOrigin[];
  readonly pool: SealPool;
}): Promise<StoredSegments> {
  const used = new Uint8Array(o.table.rows);
  const segments: StoredSegment[] = [];
  const running: Promise<void>[] = [];
  let writer = new SegmentWriter();

  async function cut(): Promise<void> {
    const entries = writer.entries;
    const bytes = writer.finish();
    writer = new SegmentWriter();
    const at = segments.push({ row: -1, entries }) - 1;
    if (running.length >= WINDOW) await running.shift();
    running.push(
      o.pool.segment(bytes).then(({ pieces }) => {
        segments[at] = { row: pieces[1] ?? -1, entries };
      }),
    );
  }

  try {
    for (const line of o.lines) {
      const entry = lineToEntry(line);
      for (const piece of entry.pieces) if (piece >= 0) used[piece] = 1;
      for (const part of splitEntry(manifestEntry(entry, o.table, o.origins))) {
        writer.add(part);
        if (writer.ends) await cut();
      }
    }
    if (writer.entries > 0) await cut();
  } finally {
    await Promise.allSettled(running);
  }
  await Promise.all(running);
  return { segments, used: markSegments(used, segments, o.table.rows) };
}

function markSegments(used: Uint8Array, segments: readonly StoredSegment[], rows: number): Uint8Array {
  const all = new Uint8Array(rows);
  all.set(used);
  for (const { row } of segments) all[row] = 1;
  return all;
}

function manifestEntry(e: LocalEntry, table: ChunkTable, origins: readonly ManifestOrigin[]): ManifestEntry {
  return {
    path: Buffer.from(e.path, "latin1"),
    type: e.type,
    mode: e.mode,
    uid: e.uid,
    gid: e.gid,
    mtime: { seconds: e.mtime[0], nanoseconds: e.mtime[1] },
    size: e.size,
    pieces: e.pieces.map((piece) => entryPiece(piece, table, origins)),
    ...(e.target === null ? {} : { target: Buffer.from(e.target, "latin1") }),
    ...(e.xattrs.length === 0
      ? {}
      : { xattrs: e.xattrs.map(([name, value]) => ({ name, value: Buffer.from(value, "latin1") })) }),
    ...(e.secret ? { secret: true as const } : {}),
  };
}

function entryPiece(piece: number, table: ChunkTable, origins: readonly ManifestOrigin[]): EntryPiece {
  if (piece < 0) return { hole: -piece };
  const { origin, ...place } = table.place(piece);
  const snapshot = origins[origin]?.snapshot;
  if (snapshot === undefined) throw new RangeError(`origin ${origin} of ${origins.length}`);
  return { ...place, origin: snapshot, id: table.id(piece) };
}
