import { join } from "node:path";
import type { ManifestOrigin } from "../../vault/sealed/types.ts";
import type { LocalRun, ParentRun } from "./choose-parent.ts";
import { ROW_BYTES, rowsOf } from "./chunk-rows.ts";
import { ChunkTable, makeTableMemory } from "./chunk-table.ts";
import type { GivenUp } from "./given-up.ts";
import { readReceived, rowRange } from "./journal.ts";
import { hasSum, readBlocks } from "./local-files.ts";
import { makePackTable, type PackTable } from "./pack-table.ts";
import { type LocalSegment, type LocalTables, RUN_FILES, readTables } from "./run-files.ts";
import type { KnownSegments } from "./segments.ts";

/** What the vault holds already and this run may refer to. */
export interface KnownChunks {
  readonly table: ChunkTable;
  readonly packs: PackTable;
  /** Index of the run's own snapshot among the origins. */
  readonly ownOrigin: number;
  /** The parent's row number → this run's row; null without a usable parent. */
  readonly parentRows: Uint32Array | null;
}

/** Stands in `parentRows` for a chunk that must be stored anew. */
export const GONE = 0xffff_ffff;

export interface KnownChunksOptions {
  readonly own: ManifestOrigin;
  readonly parent: Parent | null;
  readonly adopted: readonly LocalRun[];
  /** Upper bound of chunks this snapshot itself can have. */
  readonly expected: number;
}

interface Parent {
  readonly tables: ParentTables;
  readonly givenUp: GivenUp;
}

/** Loads the chunks of the parent and of adopted runs. */
export function loadKnownChunks(o: KnownChunksOptions): KnownChunks {
  const { parent } = o;
  const received = o.adopted.map((run) => ({ run, packs: readReceived(run.folder) }));
  const adoptedRows = received.flatMap(({ packs }) => packs).reduce((sum, { pack }) => sum + pack.rows, 0);
  const rows = o.expected + (parent?.tables.run.record.rows ?? 0) + adoptedRows;
  const table = new ChunkTable(makeTableMemory(rows));
  const packs = makePackTable();
  const live = received.filter((r) => r.packs.length > 0);
  const parentRows = parent === null ? null : loadParent(parent, table, packs);
  // Oldest first: where the number of origins is limited, the oldest are the first to be given up.
  for (const { run, packs: notes } of live.reverse()) loadAdopted(run, notes, table, packs);
  return { table, packs, ownOrigin: packs.addOrigin(o.own), parentRows };
}

/** A parent whose local files are whole. */
export interface ParentTables {
  readonly run: ParentRun;
  readonly tables: LocalTables;
}

/**
 * Checks a parent's local files by their sums: a damaged one costs reading everything again, never a wrong reference.
 * Null where one is, which `warn` is told.
 */
export function readParentTables(run: ParentRun, warn: (text: string) => void): ParentTables | null {
  const { entries, chunks, tables } = run.record;
  const whole =
    hasSum(join(run.folder, RUN_FILES.tables), tables) &&
    hasSum(join(run.folder, RUN_FILES.chunks), chunks) &&
    hasSum(join(run.folder, RUN_FILES.entries), entries);
  const read = whole ? readTables(run.folder) : null;
  if (read !== null) return { run, tables: read };
  warn(
    `the local record of ${run.head.snapshot} is damaged or incomplete: this backup reads and stores everything anew`,
  );
  return null;
}

/** How many of these runs left something that will be referred to: each of them is an origin. */
export function countLive(adopted: readonly LocalRun[]): number {
  return adopted.filter(({ folder }) => readReceived(folder).length > 0).length;
}

function loadParent({ tables: { run, tables }, givenUp }: Parent, table: ChunkTable, packs: PackTable): Uint32Array {
  // Those of which nothing is left are not named: what no row refers to is in no snapshot.
  const origins = tables.origins.map((origin) => packs.addOrigin(origin));
  for (const pack of tables.packs) {
    const origin = origins[pack.origin] ?? -1;
    if (!givenUp.has(pack.origin, pack.index)) packs.add({ ...pack, origin, sha256: null });
  }
  const map = new Uint32Array(run.record.row_limit).fill(GONE);
  for (const chunk of rowsOf(readBlocks(join(run.folder, RUN_FILES.chunks)))) {
    const origin = origins[chunk.origin] ?? -1;
    if (origin < 0 || givenUp.has(chunk.origin, chunk.pack)) continue;
    const row = table.claim(chunk.id);
    if (row >= 0) table.setPlace(row, { ...chunk, origin });
    map[chunk.row] = row < 0 ? ~row : row;
  }
  return map;
}

function loadAdopted(run: LocalRun, notes: ReturnType<typeof readReceived>, table: ChunkTable, packs: PackTable): void {
  const { snapshot, suite, commit } = run.head;
  const origin = packs.addOrigin({ snapshot, suite, commit });
  for (const { size, sha256, pack } of notes) packs.add({ ...pack, origin, size, sha256 });
  const ranges = notes.map(({ pack }) => rowRange(pack)).sort((a, b) => a[0] - b[0]);
  let at = 0;
  let next = 0;
  for (const chunk of rowsOf(readBlocks(join(run.folder, RUN_FILES.sent)))) {
    while (next < ranges.length && (ranges[next]?.[1] ?? 0) <= at) next += 1;
    const range = ranges[next];
    if (range === undefined) break;
    const inside = at >= range[0];
    at += ROW_BYTES;
    if (!inside) continue;
    const row = table.claim(chunk.id);
    if (row >= 0) table.setPlace(row, { ...chunk, origin });
  }
}

/** The parent's segments by the line they begin with, in rows of this run. */
export function knownSegments(parent: ParentTables | null, rows: Uint32Array | null): KnownSegments["at"] {
  const segments = new Map<number, LocalSegment>();
  for (const segment of parent?.tables.segments ?? []) segments.set(segment[0], segment);
  return (line) => {
    const [from, count, parentRow, entries] = segments.get(line) ?? [0, 0, 0, 0];
    const row = rows?.[parentRow] ?? GONE;
    return count === 0 || row === GONE ? null : { row, entries, lines: { from, count } };
  };
}
