import { SegmentWriter, splitEntry } from "../../vault/sealed/segment.ts";
import type { EntryPiece, ManifestEntry, ManifestOrigin } from "../../vault/sealed/types.ts";
import type { ChunkTable } from "./chunk-table.ts";
import { type LocalEntry, lineToEntry } from "./entry-line.ts";
import type { LineFile } from "./local-files.ts";
import type { SameLines } from "./same-lines.ts";
import type { SealPool } from "./seal-pool.ts";
import type { UsedRows } from "./used-rows.ts";

/** A segment of the entry list, by the row under which it is stored. */
export interface StoredSegment {
  readonly row: number;
  readonly entries: number;
  /** Where it holds whole lines of the run's list of entries: the first, and how many. */
  readonly lines: SegmentLines | null;
}

export interface SegmentLines {
  readonly from: number;
  readonly count: number;
}

/** What is known of the parent's segments. */
export interface KnownSegments {
  readonly sameLines: SameLines;
  /** The parent's segment that begins with this line of its list, by rows of this run; null where there is none to refer to. */
  at(line: number): (StoredSegment & { readonly lines: SegmentLines }) | null;
}

/** Segments under way at once. */
const WINDOW = 4;
/** Most segments are smaller; pages that are not touched cost nothing. Bytes. */
const LENT_LEAST = 256 * 1024;

/**
 * Turns the run's local entries into segments, with rows replaced by places, and stores each like a chunk. Where a
 * segment ends depends on the names in it, so that a file added in one folder moves no other segment's borders and
 * unchanged segments are known already: where all lines of one are the parent's, it is not even made again.
 */
export async function storeSegments(o: {
  readonly lines: LineFile;
  readonly known: KnownSegments;
  readonly table: ChunkTable;
  readonly origins: readonly ManifestOrigin[];
  readonly pool: SealPool;
  readonly used: UsedRows;
}): Promise<StoredSegment[]> {
  const segments: StoredSegment[] = [];
  const running: Promise<void>[] = [];
  const lent = makeLentMemory();
  const writer = new SegmentWriter();
  /** The line that is read next, the one with which the open segment began, and whether it began with all of it. */
  let next = 0;
  let first = 0;
  let whole = true;

  async function cut(endsLine: boolean): Promise<void> {
    const entries = writer.entries;
    if (running.length >= WINDOW) await running.shift();
    const bytes = writer.finish(lent.take);
    const lines = whole && endsLine ? { from: first, count: next - first } : null;
    first = next;
    whole = endsLine;
    const at = segments.push({ row: -1, entries, lines }) - 1;
    running.push(
      o.pool.segment(bytes).then(({ pieces }) => {
        lent.giveBack(bytes);
        segments[at] = { row: pieces[1] ?? -1, entries, lines };
      }),
    );
  }

  /** The parent's segment that says what comes next in this one. */
  function sameSegment(): ReturnType<KnownSegments["at"]> {
    const same = writer.entries === 0 && whole ? o.known.sameLines.from(next) : null;
    const found = same === null ? null : o.known.at(same.parent);
    return same !== null && found !== null && found.lines.count <= same.lines ? found : null;
  }

  try {
    for (;;) {
      const same = sameSegment();
      if (same !== null) {
        const { count } = same.lines;
        segments.push({ ...same, lines: { from: next, count } });
        o.lines.skip(count);
        next += count;
        first = next;
        continue;
      }
      const line = o.lines.next();
      if (line === null) break;
      next += 1;
      const parts = [...splitEntry(manifestEntry(lineToEntry(line), o.table, o.origins))];
      for (const [i, part] of parts.entries()) {
        writer.add(part);
        if (writer.ends) await cut(i === parts.length - 1);
      }
    }
    if (writer.entries > 0) await cut(true);
  } finally {
    o.lines.close();
    await Promise.allSettled(running);
  }
  await Promise.all(running);
  for (const { row } of segments) o.used.mark(row);
  return segments;
}

/**
 * Memory that threads read segments from. Used again: what is sent to a thread otherwise is that thread's to collect, and
 * one that makes few objects of its own lets tens of MiB gather before it does.
 */
function makeLentMemory() {
  const free: SharedArrayBuffer[] = [];
  return {
    take: (length: number): Uint8Array<SharedArrayBuffer> => {
      const found = free.pop();
      const fits = found !== undefined && found.byteLength >= length;
      return new Uint8Array(fits ? found : new SharedArrayBuffer(Math.max(length, LENT_LEAST)), 0, length);
    },
    giveBack: ({ buffer }: Uint8Array) => {
      if (buffer instanceof SharedArrayBuffer) free.push(buffer);
    },
  };
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
