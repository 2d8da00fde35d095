import { type Card, type CardCore, type ClosingCard, isCommitted, parsePackList } from "../vault/card/index.ts";
import { names, type SnapshotId } from "../vault/names/index.ts";
import type { Reader } from "../vault/store/facets.ts";
import { type ObjectDamage, readPackList } from "./pack-lists.ts";
import { type PackRows, packRowsOf } from "./pack-rows.ts";
import { type Found, type NodeScope, readCard, readObject } from "./read.ts";
import { makeRecent } from "./recent.ts";
import { MAX_ADOPTIONS, MAX_BYTES } from "./rules.ts";

/** 100,000 packs in lists of 10,000 rows would be ten; the bound ends a walk over planted lists. */
const MAX_LISTS = 1000;

/** Bytes of cards that are kept, as they are stored; as objects they take a multiple. */
const CARDS = 4 << 20;
/** Bytes of what lists tell: some million packs. */
const LISTS = 48 << 20;

/** What the lists of one snapshot tell. */
export interface ToldPacks {
  readonly by: SnapshotId;
  /** In the order of the lists. */
  readonly rows: readonly PackRows[];
  /** Lists that are missing or damaged. */
  readonly damages: readonly ObjectDamage[];
  /** Where its card is gone. */
  readonly note: string | null;
}

/**
 * Cards of a node and what their pack lists tell: each is read, taken apart and held against what names it once a job, as
 * far as a job comes to it again before the bound is full. Every snapshot asks for those of all its origins.
 */
export interface PackRecords {
  readonly scope: NodeScope;
  card(id: SnapshotId): Promise<Found<Card | ClosingCard>>;
  /** What a committed snapshot's own lists tell. */
  toldBy(core: CardCore): Promise<ToldPacks>;
  /**
   * What those lists tell that hold an origin's packs: its own, or those of the run that took it over in the end; else a
   * note why there are none.
   */
  toldOf(origin: SnapshotId): Promise<ToldPacks | string>;
}

/** @param lists Bytes that are kept of what lists tell. */
export function makePackRecords(store: Reader, scope: NodeScope, lists: number = LISTS): PackRecords {
  const cards = makeRecent<SnapshotId, Found<Card | ClosingCard>>(CARDS);
  const told = makeRecent<SnapshotId, ToldPacks | string>(lists);

  async function card(id: SnapshotId): Promise<Found<Card | ClosingCard>> {
    const known = cards.get(id);
    if (known !== undefined) return known;
    const read = await readCard(store, scope, id);
    cards.set(id, read, SMALL + (read.found === "it" ? read.info.size : 0));
    return read;
  }

  function keep<Told extends ToldPacks | string>(id: SnapshotId, found: Told): Told {
    told.set(id, found, weightOf(found));
    return found;
  }

  async function toldBy(core: CardCore): Promise<ToldPacks> {
    const known = told.get(core.snapshot);
    if (known !== undefined && typeof known !== "string" && known.note === null) return known;
    return keep(core.snapshot, await readVouched(store, scope, core));
  }

  async function toldWithout(holder: SnapshotId): Promise<ToldPacks> {
    const known = told.get(holder);
    if (known !== undefined && typeof known !== "string") return known;
    return keep(holder, await readUnvouched(store, scope, holder));
  }

  async function find(origin: SnapshotId): Promise<ToldPacks | string> {
    let id = origin;
    for (let hops = 0; hops < MAX_ADOPTIONS; hops += 1) {
      const name = names.card(scope.node, id);
      const read = await card(id);
      // Collected: its lists outlive it as long as a pack they name is in use.
      if (read.found === "nothing") return toldWithout(id);
      if (read.found === "malformed") return `${name}: ${read.why}`;
      if (isCommitted(read.value)) return toldBy(read.value.core);
      if (read.value.by === undefined) return `${name}: it closes a run that nobody took over`;
      id = read.value.by;
    }
    return `${names.card(scope.node, origin)}: runs that took it over lead in a circle`;
  }

  async function toldOf(origin: SnapshotId): Promise<ToldPacks | string> {
    return told.get(origin) ?? keep(origin, await find(origin));
  }

  return { scope, card, toldBy, toldOf };
}

/** Lists of a card, each held against the card. */
async function readVouched(store: Reader, scope: NodeScope, core: CardCore): Promise<ToldPacks> {
  const rows: PackRows[] = [];
  const damages: ObjectDamage[] = [];
  for (let at = 0; at < core.pack_lists.length; at += 1) {
    const read = await readPackList(store, scope, core, at);
    if ("damage" in read) damages.push(read.damage);
    else rows.push(...packRowsOf(read.list.rows));
  }
  return { by: core.snapshot, rows, damages, note: null };
}

/** Lists outlive their snapshot's card as long as its packs are in use; then they are found by their names alone. */
async function readUnvouched(store: Reader, scope: NodeScope, origin: SnapshotId): Promise<ToldPacks> {
  const rows: PackRows[] = [];
  const note = `${names.card(scope.node, origin)}: it is not there, so nothing vouches for its pack lists`;
  for (let at = 0; at < MAX_LISTS; at += 1) {
    const name = names.packList(scope.node, origin, at);
    const expected = { vault: scope.vault, node: scope.node, snapshot: origin };
    const read = await readObject(store, name, MAX_BYTES.packList, (bytes) => parsePackList(bytes, expected, name));
    if (read.found !== "it") break;
    rows.push(...packRowsOf(read.value.rows));
  }
  return { by: origin, rows, damages: [], note };
}

/** Bytes of one that tells nothing; each list of one that does; a row. */
const SMALL = 512;
const LIST = 512;
const ROW = 45;

function weightOf(found: ToldPacks | string): number {
  if (typeof found === "string") return SMALL;
  const { rows, damages } = found;
  return SMALL + (rows.length + damages.length) * LIST + rows.reduce((sum, { length }) => sum + length * ROW, 0);
}
