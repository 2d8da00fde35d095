import type { Heights, Index, IndexEntry } from "../vault/card/index.ts";
import {
  ColdkeepError,
  isSnapshotId,
  type NodeName,
  names,
  type SnapshotId,
  type VaultId,
} from "../vault/names/index.ts";
import type { Reader } from "../vault/store/facets.ts";
import { readIndex, readMonth } from "./index-files.ts";
import { isLatestMaterial } from "./order.ts";
import { type NodeScope, readNode } from "./read.ts";
import { seeStanding } from "./retire/standing.ts";

/** Which snapshot is wanted. Times are milliseconds since the epoch. */
export type Selection =
  | { readonly by: "latest" }
  /** An id, or the beginning of one that no other id shares. */
  | { readonly by: "id"; readonly id: string }
  /** The newest received at this time or before. */
  | { readonly by: "at"; readonly time: number }
  /** The newest whose height is this or lower; `channel` where the node has several. */
  | { readonly by: "height"; readonly height: number; readonly channel?: string };

export interface SelectOptions {
  readonly store: Reader;
  readonly vault?: VaultId;
  readonly node: NodeName;
  readonly selection: Selection;
}

/**
 * The snapshot that is meant. `latest`, `at` and `height` answer with good snapshots whose time is believable only; an
 * id is answered in whatever state it is: look at `state` and `remarks`.
 * @throws ColdkeepError `not-found`, telling what there is; `usage` for an ambiguous id or channel.
 */
export async function selectSnapshot(options: SelectOptions): Promise<IndexEntry> {
  const { store, selection } = options;
  const node = await readNode(store, options.node, options.vault);
  const scope: NodeScope = { vault: node.vault, node: node.node };
  const { index } = await readIndex(store, scope);
  if (index === null) throw (await deletedNode(store, scope)) ?? noIndex(scope);
  switch (selection.by) {
    case "id":
      return selectById(store, scope, index, selection.id);
    case "latest":
      return firstGood(store, scope, index, () => true, "no good snapshot");
    case "at": {
      const wanted = `no good snapshot received at ${iso(selection.time)} or before`;
      return firstGood(store, scope, index, (entry) => entry.received <= selection.time, wanted);
    }
    case "height": {
      const { height, channel } = selection;
      const wanted = `no good snapshot of height ${height} or lower${channel === undefined ? "" : ` in channel ${channel}`}`;
      return firstGood(store, scope, index, (entry) => heightOf(entry, channel) <= height, wanted);
    }
  }
}

/** All entries of a node, newest first: index.json, then month by month as far as they are asked for. */
export async function* listSnapshots(options: Omit<SelectOptions, "selection">): AsyncGenerator<IndexEntry> {
  const node = await readNode(options.store, options.node, options.vault);
  const scope: NodeScope = { vault: node.vault, node: node.node };
  const { index } = await readIndex(options.store, scope);
  if (index === null) throw (await deletedNode(options.store, scope)) ?? noIndex(scope);
  yield* indexEntries(options.store, scope, index);
}

/** The entries of an index and of its months, newest first, each once. */
export async function* indexEntries(store: Reader, scope: NodeScope, index: Index): AsyncGenerator<IndexEntry> {
  yield* index.snapshots;
  const told = new Set(index.snapshots.map(({ snapshot }) => snapshot));
  for (const month of [...index.months].sort().reverse()) {
    // A crash while an entry moved to its month leaves it in both.
    for (const entry of await readMonth(store, scope, month)) if (!told.has(entry.snapshot)) yield entry;
  }
}

async function firstGood(
  store: Reader,
  scope: NodeScope,
  index: Index,
  fits: (entry: IndexEntry) => boolean,
  wanted: string,
): Promise<IndexEntry> {
  const seen = new Tally();
  for await (const entry of indexEntries(store, scope, index)) {
    seen.add(entry);
    if (isLatestMaterial(entry) && fits(entry)) return entry;
  }
  throw notFound(scope, wanted, seen);
}

async function selectById(store: Reader, scope: NodeScope, index: Index, id: string): Promise<IndexEntry> {
  const seen = new Tally();
  const matches: IndexEntry[] = [];
  for await (const entry of indexEntries(store, scope, index)) {
    seen.add(entry);
    if (entry.snapshot === id) return entry;
    if (id !== "" && entry.snapshot.startsWith(id)) matches.push(entry);
  }
  const [match, other] = matches;
  if (match !== undefined && other === undefined) return match;
  if (match !== undefined) {
    throw new ColdkeepError("usage", {
      what: "the id is not unique",
      on: id,
      why: `${matches.length} snapshots begin with it: ${sample(matches.map(({ snapshot }) => snapshot))}`,
      todo: "Give more of it",
    });
  }
  if (isSnapshotId(id)) await explainUnindexed(store, scope, id);
  throw notFound(scope, `no snapshot whose id is or begins with ${JSON.stringify(id)}`, seen);
}

async function explainUnindexed(store: Reader, scope: NodeScope, id: SnapshotId): Promise<void> {
  if ((await store.head(names.card(scope.node, id))) === null) return;
  throw new ColdkeepError("not-found", {
    what: "the snapshot is not in the index",
    on: id,
    why: "its card is in the vault, but it closes a run that did not commit, or the index is behind",
    todo: "Run `coldkeep rebuild`, then try again",
  });
}

/** The height that counts; Infinity where the snapshot tells none. @throws `usage` where it takes a channel to tell. */
function heightOf(entry: IndexEntry, channel: string | undefined): number {
  const heights: Heights = entry.heights ?? {};
  if (channel !== undefined) return Object.hasOwn(heights, channel) ? (heights[channel] ?? Infinity) : Infinity;
  const [only, ...others] = Object.keys(heights);
  if (only === undefined) return Infinity;
  if (Object.hasOwn(heights, "")) return heights[""] ?? Infinity;
  if (others.length === 0) return heights[only] ?? Infinity;
  throw new ColdkeepError("usage", {
    what: "the node has several heights",
    on: entry.snapshot,
    why: `its channels are ${sample([only, ...others])}`,
    todo: "Name the channel",
  });
}

/** What there is, for messages: counts and ends, never the whole list. */
class Tally {
  good = 0;
  others = 0;
  #newest: IndexEntry | null = null;
  #oldest: IndexEntry | null = null;

  get all(): number {
    return this.good + this.others;
  }

  add(entry: IndexEntry): void {
    if (!isLatestMaterial(entry)) {
      this.others += 1;
      return;
    }
    this.good += 1;
    this.#newest ??= entry;
    this.#oldest = entry;
  }

  toString(): string {
    if (this.all === 0) return "there are no snapshots yet";
    const others = this.others === 0 ? "" : `, and ${this.others} broken, damaged, expired or odd`;
    if (this.#newest === null || this.#oldest === null) return `all ${this.all} are broken, damaged, expired or odd`;
    if (this.good === 1) return `the only good one is ${tell(this.#newest)}${others}`;
    return `there are ${this.good} good ones, from ${tell(this.#oldest)} to ${tell(this.#newest)}${others}`;
  }
}

function tell(entry: IndexEntry): string {
  const heights = Object.entries(entry.heights ?? {}).map(([name, height]) =>
    name === "" ? `${height}` : `${name} ${height}`,
  );
  const height = heights.length === 0 ? "" : `, height ${sample(heights)}`;
  return `${entry.snapshot} (received ${iso(entry.received)}${height})`;
}

function notFound(scope: NodeScope, wanted: string, seen: Tally): ColdkeepError {
  return new ColdkeepError("not-found", {
    what: `there is ${wanted}`,
    on: scope.node,
    why: String(seen),
    todo: seen.all === 0 ? "`coldkeep backup` makes the first one" : "`coldkeep list` shows all",
  });
}

/** Of a node that is deleted, or about to be, there are no lists; said so, nobody makes them anew in vain. */
async function deletedNode(store: Reader, scope: NodeScope): Promise<ColdkeepError | null> {
  const standing = await seeStanding(store, scope);
  if (standing?.state !== "deleting" && standing?.state !== "deleted") return null;
  return new ColdkeepError("not-found", {
    what: standing.state === "deleted" ? "the node was deleted" : "the node is being deleted",
    on: scope.node,
    why: `an operator said so at ${iso(standing.since)}; what opened its snapshots is gone, or goes as its locks end`,
    todo: "a copy in another vault is not touched: --vault names one",
  });
}

function noIndex(scope: NodeScope): ColdkeepError {
  return new ColdkeepError("not-found", {
    what: "the node has no readable index",
    on: names.indexJson(scope.node),
    why: "it is missing or damaged; it is only a cache of the cards",
    todo: "Run `coldkeep rebuild`",
  });
}

function sample(values: readonly string[]): string {
  return values.length <= 5 ? values.join(", ") : `${values.slice(0, 5).join(", ")} and ${values.length - 5} more`;
}

function iso(time: number): string {
  return Number.isFinite(time) && Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : `${time} ms`;
}
