import { encodeIndex, type Index, type IndexEntry, parseIndex, salvageIndex } from "../vault/card/index.ts";
import { ColdkeepError, names, type SnapshotId } from "../vault/names/index.ts";
import type { Reader, Replacer } from "../vault/store/facets.ts";
import { newestFirst } from "./order.ts";
import { type NodeScope, readObject } from "./read.ts";
import { INDEX_NEWEST, MAX_BYTES } from "./rules.ts";

/** A cache as it was read: what it says, and the version to replace. */
export interface StoredIndex {
  /** Null where there is none or it cannot be read; then it is made anew from the cards. */
  readonly index: Index | null;
  readonly etag: string | null;
}

/** An index that is there and can be read. */
export interface WrittenIndex extends StoredIndex {
  readonly index: Index;
}

function isWritten(stored: StoredIndex): stored is WrittenIndex {
  return stored.index !== null;
}

/** Reads index.json. @throws `refused` where a newer coldkeep wrote it. */
export async function readIndex(store: Reader, scope: NodeScope): Promise<StoredIndex> {
  return readIndexAt(store, scope, names.indexJson(scope.node));
}

/**
 * What index.json still says where it is well formed and its sum does not fit: one bit is not to take along what no card
 * tells. Null where it says nothing. Only for what does no harm where it is wrong.
 */
export async function readSuspect(store: Reader, scope: NodeScope): Promise<Index | null> {
  const name = names.indexJson(scope.node);
  const read = await readObject(store, name, MAX_BYTES.index, (bytes) => salvageIndex(bytes, scope, name));
  return read.found === "it" ? read.value : null;
}

/** The file of a month that index.json names is missing or damaged: what it held is known to the cards alone. */
export class MonthLost extends ColdkeepError {
  constructor(on: string) {
    super("not-found", {
      what: "the list of a month's snapshots cannot be read",
      on,
      why: "it is missing or damaged; it is only a cache of the cards",
      todo: "Run `coldkeep rebuild`",
    });
  }
}

/**
 * The entries that left index.json for the file of their month, newest first.
 * @param month One that index.json names. @throws MonthLost
 */
export async function readMonth(store: Reader, scope: NodeScope, month: string): Promise<readonly IndexEntry[]> {
  const name = names.indexMonth(scope.node, month);
  const { index } = await readIndexAt(store, scope, name);
  if (index === null) throw new MonthLost(name);
  return index.snapshots;
}

/** The UTC month a snapshot was received in, `YYYY-MM`. */
function monthOf(received: number): string {
  return new Date(received).toISOString().slice(0, 7);
}

/** Sorts entries and cuts them into the newest, which index.json holds, and the rest, by month. */
export function cutIndex(entries: Iterable<IndexEntry>): {
  readonly newest: readonly IndexEntry[];
  readonly months: ReadonlyMap<string, readonly IndexEntry[]>;
} {
  const sorted = [...entries].sort(newestFirst);
  const months = new Map<string, IndexEntry[]>();
  for (const entry of sorted.slice(INDEX_NEWEST)) {
    const month = monthOf(entry.received);
    const list = months.get(month);
    if (list === undefined) months.set(month, [entry]);
    else list.push(entry);
  }
  return { newest: sorted.slice(0, INDEX_NEWEST), months };
}

/**
 * Puts entries into the file of their month: into what is there, or, with `whole`, in its place. Done before index.json
 * lets go of them, so that a crash between the two leaves them in both and never in none.
 * @param named Whether index.json names the month, so that the file is to be there. @throws MonthLost where it is not, or is damaged.
 */
export async function writeMonth(
  store: Reader & Replacer,
  scope: NodeScope,
  month: string,
  entries: readonly IndexEntry[],
  { whole, named }: { readonly whole: boolean; readonly named: boolean },
): Promise<void> {
  const name = names.indexMonth(scope.node, month);
  for (let attempt = 0; attempt < 32; attempt += 1) {
    const { index, etag } = await readIndexAt(store, scope, name);
    if (!whole && index === null && (named || etag !== null)) throw new MonthLost(name);
    const kept = new Map((whole ? [] : (index?.snapshots ?? [])).map((entry) => [entry.snapshot, entry]));
    for (const entry of entries) kept.set(entry.snapshot, entry);
    const snapshots = [...kept.values()].sort(newestFirst);
    const outcome = await replaceIndex(store, scope, name, { index, etag }, snapshots, []);
    if (outcome !== "lost") return;
  }
  throw contended(name);
}

/** Takes entries of snapshots that are gone out of the files of their months. */
export async function dropFromMonths(
  store: Reader & Replacer,
  scope: NodeScope,
  months: readonly string[],
  gone: ReadonlySet<SnapshotId>,
): Promise<void> {
  for (const month of months) {
    const entries = await readMonth(store, scope, month);
    if (!entries.some(({ snapshot }) => gone.has(snapshot))) continue;
    const name = names.indexMonth(scope.node, month);
    for (let attempt = 0; ; attempt += 1) {
      if (attempt === 32) throw contended(name);
      const { index, etag } = await readIndexAt(store, scope, name);
      const left = (index?.snapshots ?? []).filter(({ snapshot }) => !gone.has(snapshot));
      if ((await replaceIndex(store, scope, name, { index, etag }, left, [])) !== "lost") break;
    }
  }
}

/** The newest entries of these months that are not held already, at most so many: they move up where others went. */
export async function newestOfMonths(
  store: Reader,
  scope: NodeScope,
  months: readonly string[],
  held: ReadonlyMap<SnapshotId, IndexEntry>,
  count: number,
): Promise<readonly IndexEntry[]> {
  const found: IndexEntry[] = [];
  for (const month of [...months].sort().reverse()) {
    if (found.length >= count) break;
    for (const entry of await readMonth(store, scope, month)) if (!held.has(entry.snapshot)) found.push(entry);
  }
  return found.slice(0, count);
}

/** The months that hold an entry which index.json does not. */
export async function monthsBeyond(
  store: Reader,
  scope: NodeScope,
  months: readonly string[],
  held: ReadonlySet<SnapshotId>,
): Promise<readonly string[]> {
  const needed: string[] = [];
  for (const month of months) {
    if ((await readMonth(store, scope, month)).some(({ snapshot }) => !held.has(snapshot))) needed.push(month);
  }
  return needed;
}

/**
 * Replaces an index where its entries differ; its generation grows with each change.
 * @param since a generation that it must be beyond
 * @returns what is there now; the very `stored` where nothing had to change
 */
export async function replaceIndex(
  store: Replacer,
  scope: NodeScope,
  name: string,
  stored: StoredIndex,
  snapshots: readonly IndexEntry[],
  months: readonly string[],
  since = 0,
): Promise<WrittenIndex | "lost"> {
  const generation = Math.max(stored.index?.generation ?? 0, since);
  const now: Index = { format: 1, ...scope, generation, snapshots, months };
  if (isWritten(stored) && sameBytes(encodeIndex(stored.index), encodeIndex(now))) return stored;
  const index: Index = { ...now, generation: now.generation + 1 };
  const outcome = await store.replace(name, encodeIndex(index), stored.etag);
  return outcome.replaced ? { index, etag: outcome.info.etag } : "lost";
}

/** Finds entries that are already in the index, in index.json or in the month they were received in. */
export function knownEntries(
  store: Reader,
  scope: NodeScope,
  index: Index | null,
): (id: SnapshotId, received: number) => Promise<IndexEntry | null> {
  const newest = new Map((index?.snapshots ?? []).map((entry) => [entry.snapshot, entry]));
  const months = new Map<string, readonly IndexEntry[]>();
  return async (id, received) => {
    const entry = newest.get(id);
    if (entry !== undefined) return entry;
    const month = monthOf(received);
    if (!index?.months.includes(month)) return null;
    const entries = months.get(month) ?? (await readMonth(store, scope, month));
    months.set(month, entries);
    return entries.find(({ snapshot }) => snapshot === id) ?? null;
  };
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

export function contended(on: string): ColdkeepError {
  return new ColdkeepError("busy", {
    what: "others keep changing it",
    on,
    why: "every attempt met a newer version",
    todo: "Try again in a moment",
    retryable: true,
  });
}

async function readIndexAt(store: Reader, scope: NodeScope, name: string): Promise<StoredIndex> {
  const parse = (bytes: Uint8Array) => parseIndex(bytes, scope, name);
  const read = await readObject(store, name, MAX_BYTES.index, parse);
  if (read.found === "nothing") return { index: null, etag: null };
  if (read.found === "it") return { index: read.value, etag: read.info.etag };
  const info = read.info ?? (await store.head(name));
  return { index: null, etag: info?.etag ?? null };
}
