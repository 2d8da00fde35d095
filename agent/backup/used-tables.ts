import { join } from "node:path";
import type { ManifestOrigin } from "../../vault/sealed/types.ts";
import { ROW_BYTES, writeRow } from "./chunk-rows.ts";
import type { ChunkTable } from "./chunk-table.ts";
import { createSummedFile, type FileSum } from "./local-files.ts";
import type { KnownPack, PackTable } from "./pack-table.ts";
import {
  type LocalSegment,
  type LocalTables,
  RUN_FILES,
  type RunRecord,
  writeRunRecord,
  writeTables,
} from "./run-files.ts";
import type { StoredSegment } from "./segments.ts";
import { USE } from "./used-rows.ts";

/** Origins and packs that a snapshot really refers to, numbered anew, in the order of the manifest. */
export interface UsedTables {
  readonly origins: readonly ManifestOrigin[];
  readonly packs: readonly KnownPack[];
  /** The run's number of an origin → its number among `origins`; -1 where it is not used. */
  readonly originMap: readonly number[];
}

export function usedTables(used: Uint8Array, table: ChunkTable, packs: PackTable): UsedTables {
  const seen = new Map<string, Counted>();
  let last: Counted | null = null;
  for (let row = 0; row < used.length; row += 1) {
    if (used[row] === 0) continue;
    const { origin, pack, stored, plain } = table.place(row);
    // Rows of one pack mostly follow each other.
    if (last === null || last.origin !== origin || last.index !== pack) {
      const key: string = `${origin} ${pack}`;
      last = seen.get(key) ?? { ...packs.get(origin, pack), live: 0, copies: 0 };
      seen.set(key, last);
    }
    last.live += stored;
    const by = used[row] ?? 0;
    if ((by & USE.largeCopy) !== 0) last.copies = -1;
    else if ((by & USE.smallCopy) !== 0 && last.copies >= 0) last.copies += plain;
  }
  const inUse = new Set([...seen.values()].map((pack) => pack.origin));
  const originMap: number[] = [];
  let count = 0;
  for (let n = 0; n < packs.origins.length; n += 1) originMap.push(inUse.has(n) ? count++ : -1);
  const renumbered = [...seen.values()].map((pack) => ({ ...pack, origin: originMap[pack.origin] ?? -1 }));
  return {
    origins: packs.origins.filter((_, n) => inUse.has(n)),
    packs: renumbered.sort((a, b) => a.origin - b.origin || a.index - b.index),
    originMap,
  };
}

/** A pack, and what of it is in use. */
type Counted = KnownPack & { live: number; copies: number };

/** Writes what the next run needs to build on this one; the record comes last and makes it whole. */
export function writeLocalRecord(o: {
  readonly folder: string;
  readonly entries: FileSum;
  readonly used: Uint8Array;
  readonly table: ChunkTable;
  readonly tables: UsedTables;
  readonly segments: readonly StoredSegment[];
}): void {
  const file = createSummedFile(join(o.folder, RUN_FILES.chunks));
  const bytes = Buffer.alloc(ROW_BYTES);
  const memory = { bytes, words: new DataView(bytes.buffer, bytes.byteOffset, ROW_BYTES) };
  let rows = 0;
  try {
    for (let row = 0; row < o.used.length; row += 1) {
      if (o.used[row] === 0) continue;
      const place = o.table.place(row);
      writeRow(memory, 0, row, o.table.id(row), { ...place, origin: o.tables.originMap[place.origin] ?? 0 });
      file.add(bytes);
      rows += 1;
    }
    const local: LocalTables = {
      origins: o.tables.origins,
      packs: o.tables.packs.map(({ sha256: _, copies = 0, ...pack }) => ({
        ...pack,
        ...(copies === 0 ? {} : { copies }),
      })),
      segments: o.segments.flatMap(({ row, entries, lines }): LocalSegment[] =>
        lines === null ? [] : [[lines.from, lines.count, row, entries]],
      ),
    };
    const chunks = file.finish();
    const tables = writeTables(o.folder, local);
    const record: RunRecord = { version: 1, entries: o.entries, chunks, tables, rows, row_limit: o.used.length };
    writeRunRecord(o.folder, record);
  } finally {
    file.close();
  }
}
