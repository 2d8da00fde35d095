import { type CardCore, isCommitted, type PackListRow } from "../vault/card/index.ts";
import { names, type SnapshotId } from "../vault/names/index.ts";
import type { Reader } from "../vault/store/facets.ts";
import { missing, type ObjectDamage, readPackList } from "./pack-lists.ts";
import { firstNotCovered, rangesOf } from "./ranges.ts";
import { type NodeScope, readCard } from "./read.ts";

/** What is recorded of one pack: where it is from, how large, its digest. */
export type PackRow = PackListRow;

export interface UsedPacks {
  /** Rows of the packs the snapshot uses, by origin and index; a pack that no list names is missing here. */
  readonly rows: ReadonlyMap<SnapshotId, ReadonlyMap<number, PackRow>>;
  /** Pack lists that are missing or damaged. */
  readonly damages: readonly ObjectDamage[];
  readonly notes: readonly string[];
}

/**
 * Finds the record of every pack a snapshot uses: in its own pack lists and in those of its origins, each held against
 * the card that names it. A dead run has no lists: its packs are in those of the run that adopted it.
 */
export async function findUsedPacks(store: Reader, scope: NodeScope, core: CardCore): Promise<UsedPacks> {
  const rows = new Map<SnapshotId, Map<number, PackRow>>();
  const damages: ObjectDamage[] = [];
  const notes: string[] = [];
  const read = new Set<SnapshotId>();
  const take = (row: PackRow) => {
    const used = rangesOf(core.origins, row.origin);
    if (firstNotCovered([[row.index, row.index]], used) !== null) return;
    const ofOrigin = rows.get(row.origin) ?? new Map<number, PackRow>();
    // The run that put a pack first is read first: what later lists say of it changes nothing.
    if (!ofOrigin.has(row.index)) ofOrigin.set(row.index, row);
    rows.set(row.origin, ofOrigin);
  };
  for (const holder of [core.snapshot, ...core.origins.map(({ snapshot }) => snapshot)]) {
    const card = holder === core.snapshot ? core : await holderOf(store, scope, holder, notes);
    if (card === null || read.has(card.snapshot)) continue;
    read.add(card.snapshot);
    for (let at = 0; at < card.pack_lists.length; at += 1) {
      const list = await readPackList(store, scope, card, at);
      if ("damage" in list) damages.push(list.damage);
      else for (const row of list.list.rows) take(row);
    }
  }
  return { rows, damages, notes };
}

/** The committed card whose lists hold an origin's packs: its own, or its adopter's. */
async function holderOf(
  store: Reader,
  scope: NodeScope,
  origin: SnapshotId,
  notes: string[],
): Promise<CardCore | null> {
  const name = names.card(scope.node, origin);
  const read = await readCard(store, scope, origin);
  if (read.found === "it" && isCommitted(read.value)) return read.value.core;
  if (read.found === "it" && !isCommitted(read.value) && read.value.by !== undefined) {
    const adopter = await readCard(store, scope, read.value.by);
    if (adopter.found === "it" && isCommitted(adopter.value)) return adopter.value.core;
  }
  notes.push(read.found === "malformed" ? `${name}: ${read.why}` : `${name}: ${missing(name).detail}`);
  return null;
}
