import type { CardCore, PackListRow } from "../vault/card/index.ts";
import type { SnapshotId } from "../vault/names/index.ts";
import type { ObjectDamage } from "./pack-lists.ts";
import type { PackRecords } from "./pack-records.ts";
import type { PackRows } from "./pack-rows.ts";

export interface UsedPacks {
  /** What the lists tell of an origin's packs. Of two that tell of one pack the first counts. */
  rowsOf(origin: SnapshotId): readonly PackRows[];
  /** The record of a pack that the snapshot uses: where it is from, how large, its digest; null where no list names it. */
  find(origin: SnapshotId, index: number): PackListRow | null;
  /** Pack lists that are missing or damaged. */
  readonly damages: readonly ObjectDamage[];
  readonly notes: readonly string[];
}

/** Of what lists tell of an origin, that of the list that counts for a pack. */
export function tellingOf(rows: readonly PackRows[], index: number): PackRows | undefined {
  return rows.find((one) => one.slotOf(index) >= 0);
}

/**
 * Finds the record of every pack a snapshot uses: in its own pack lists and in those of its origins, each held against
 * the card that names it. A dead run has no lists: its packs are in those of the run that adopted it.
 */
export async function findUsedPacks(records: PackRecords, core: CardCore): Promise<UsedPacks> {
  const rows = new Map<SnapshotId, PackRows[]>();
  const damages: ObjectDamage[] = [];
  const notes: string[] = [];
  const read = new Set<SnapshotId>();
  for (const holder of [core.snapshot, ...core.origins.map(({ snapshot }) => snapshot)]) {
    const told = holder === core.snapshot ? await records.toldBy(core) : await records.toldOf(holder);
    if (typeof told === "string") {
      notes.push(told);
      continue;
    }
    if (read.has(told.by)) continue;
    read.add(told.by);
    if (told.note !== null) notes.push(told.note);
    damages.push(...told.damages);
    // The run that put a pack first is read first: what later lists say of it changes nothing.
    for (const one of told.rows) {
      const ofOrigin = rows.get(one.origin);
      if (ofOrigin === undefined) rows.set(one.origin, [one]);
      else ofOrigin.push(one);
    }
  }
  const rowsOf = (origin: SnapshotId) => rows.get(origin) ?? [];
  const find = (origin: SnapshotId, index: number) => {
    const told = tellingOf(rowsOf(origin), index);
    return told === undefined ? null : told.rowAt(told.slotOf(index));
  };
  return { rowsOf, find, damages, notes };
}
