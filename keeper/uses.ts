import { type CardCore, isCommitted, type PackListRow, parsePackList } from "../vault/card/index.ts";
import { names, type SnapshotId } from "../vault/names/index.ts";
import type { Reader } from "../vault/store/facets.ts";
import { type ObjectDamage, readPackList } from "./pack-lists.ts";
import { firstNotCovered, rangesOf } from "./ranges.ts";
import { type NodeScope, readCard, readObject } from "./read.ts";
import { MAX_ADOPTIONS, MAX_BYTES } from "./rules.ts";

/** 100,000 packs in lists of 10,000 rows would be ten; the bound ends a walk over planted lists. */
const MAX_LISTS = 1000;

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
    const card = holder === core.snapshot ? core : await holderOf(store, scope, holder);
    if (typeof card === "object" && "gone" in card) {
      notes.push(`${names.card(scope.node, card.gone)}: it is not there, so nothing vouches for its pack lists`);
      for await (const row of unvouchedRows(store, scope, card.gone)) take(row);
      continue;
    }
    if (typeof card === "string") {
      notes.push(card);
      continue;
    }
    if (read.has(card.snapshot)) continue;
    read.add(card.snapshot);
    for (let at = 0; at < card.pack_lists.length; at += 1) {
      const list = await readPackList(store, scope, card, at);
      if ("damage" in list) damages.push(list.damage);
      else for (const row of list.list.rows) take(row);
    }
  }
  return { rows, damages, notes };
}

/**
 * The committed card whose lists hold an origin's packs: its own, or that of the run that took it over in the end; else
 * a note why there is none.
 */
async function holderOf(
  store: Reader,
  scope: NodeScope,
  origin: SnapshotId,
): Promise<CardCore | { readonly gone: SnapshotId } | `${string}: ${string}`> {
  let id = origin;
  for (let hops = 0; hops < MAX_ADOPTIONS; hops += 1) {
    const name = names.card(scope.node, id);
    const read = await readCard(store, scope, id);
    // Collected: its lists outlive it as long as a pack they name is in use.
    if (read.found === "nothing") return { gone: id };
    if (read.found === "malformed") return `${name}: ${read.why}`;
    if (isCommitted(read.value)) return read.value.core;
    if (read.value.by === undefined) return `${name}: it closes a run that nobody took over`;
    id = read.value.by;
  }
  return `${names.card(scope.node, origin)}: runs that took it over lead in a circle`;
}

/** Lists outlive their snapshot's card as long as its packs are in use; then they are found by their names alone. */
async function* unvouchedRows(store: Reader, scope: NodeScope, origin: SnapshotId): AsyncGenerator<PackRow> {
  for (let at = 0; at < MAX_LISTS; at += 1) {
    const name = names.packList(scope.node, origin, at);
    const expected = { vault: scope.vault, node: scope.node, snapshot: origin };
    const read = await readObject(store, name, MAX_BYTES.packList, (bytes) => parsePackList(bytes, expected, name));
    if (read.found !== "it") return;
    yield* read.value.rows;
  }
}
