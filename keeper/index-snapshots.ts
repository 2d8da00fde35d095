import type { Index, IndexEntry, NodeJson } from "../vault/card/index.ts";
import { makeSameIds, type NodeName, names, type SnapshotId, type VaultId } from "../vault/names/index.ts";
import type { Lister, Reader, Replacer } from "../vault/store/facets.ts";
import { damagesOf, withDamage } from "./damage-remarks.ts";
import { type Judge, judge } from "./evaluate.ts";
import {
  contended,
  cutIndex,
  dropFromMonths,
  knownEntries,
  MonthLost,
  monthsBeyond,
  newestOfMonths,
  readIndex,
  readSuspect,
  replaceIndex,
  type StoredIndex,
  writeMonth,
} from "./index-files.ts";
import { type IndexMemory, makeCoresOfJob, type RecentCores, type Remembered } from "./index-memory.ts";
import { assertMayChange } from "./may-change.ts";
import { type PackSlices, PacksLeft } from "./packs-left.ts";
import { type NodeScope, readNode } from "./read.ts";
import { INDEX_NEWEST } from "./rules.ts";
import { cardIds, proofTimes } from "./scan-names.ts";
import { readList, type StoredList, type WrittenHead, writeHead, writeList } from "./summaries.ts";

export type IndexStore = Reader & Replacer & Lister;

export interface IndexOptions {
  readonly store: IndexStore;
  /** Refuses another archive's vault where given. */
  readonly vault?: VaultId;
  readonly node: NodeName;
  /** base64url of the key that must sign the node's cards; default: the one node.json names. */
  readonly cardKey?: string;
  /** Snapshots whose card, marker or proof is new; in any order, also again. */
  readonly ids: readonly SnapshotId[];
  /** Names of proofs that are new. */
  readonly proofs?: readonly string[];
  /** An event told of these cards when they came: those that the index lacks bear no marks yet. Default: they may. */
  readonly justCame?: boolean;
  /** What a look at all objects of some of these ids found: the damage in words, or that there is none any more. */
  readonly looked?: ReadonlyMap<SnapshotId, readonly string[]>;
  /** Looks at so many new packs of a snapshot at most; where there are more, the outcome says how far it came. */
  readonly slices?: PackSlices;
  /** What an earlier call of this process left behind. */
  readonly memory?: IndexMemory;
  /** Waits before the next attempt, when so many were lost to others. Default: not at all. */
  readonly pause?: (lost: number) => Promise<void>;
}

export interface IndexOutcome {
  readonly index: Index;
  /** Entries of the ids asked for, newest first; ids without a committed card have none. */
  readonly entries: readonly IndexEntry[];
  /** Snapshots that are to be asked for again, and how many of their packs were looked at. */
  readonly left: ReadonlyMap<SnapshotId, number>;
  /** False where all was as it should be already. */
  readonly changed: boolean;
  /** The index was missing or damaged and was made anew from the cards. */
  readonly rebuilt: boolean;
}

const ATTEMPTS = 32;

/**
 * Takes snapshots into the node's index, backup_list and head.json, one compare-and-swap each (docs/FORMAT.md,
 * section 6). Each snapshot is judged by its own objects and its parent's, never by the order of events: late, repeated
 * and reordered calls end in the same index. Somebody faster makes it start over.
 * @throws ColdkeepError `not-found` without such a node, `refused` where something is of a newer format or the vault
 * asks for a newer keeper, `integrity` for another archive or a damaged node.json, `busy` where it lost every race; and what the store throws.
 */
export async function indexSnapshots(options: IndexOptions): Promise<IndexOutcome> {
  try {
    return await runIndex(options, false);
  } catch (error) {
    if (!(error instanceof MonthLost)) throw error;
    // As where index.json itself cannot be read.
    return runIndex(options, true);
  }
}

/** As indexSnapshots, but over all cards and proofs there are, and without believing the index that is there. */
export async function rebuildIndex(options: Omit<IndexOptions, "ids" | "proofs">): Promise<IndexOutcome> {
  return runIndex({ ...options, ids: [] }, true);
}

async function runIndex(options: IndexOptions, all: boolean): Promise<IndexOutcome> {
  const { store, memory } = options;
  const cores = memory?.cores ?? makeCoresOfJob();
  const remembered = all ? null : (memory?.recall(options.node) ?? null);
  if (remembered !== null && isAskedFor(options, remembered.node)) {
    const on: Run = { options, all, node: remembered.node, memo: new Map(), same: makeSameIds(), cores, remembered };
    const outcome = await tryIndex(on, 0);
    if (outcome !== "lost" && !("ahead" in outcome)) return outcome;
  }
  memory?.forget(options.node);
  await assertMayChange(store);
  const node = await readNode(store, options.node, options.vault, options.cardKey);
  const on: Run = { options, all, node, memo: new Map(), same: makeSameIds(), cores, remembered: null };
  let since = 0;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const outcome = await tryIndex(on, since);
    if (outcome === "lost") {
      await options.pause?.(attempt + 1);
      continue;
    }
    if (!("ahead" in outcome)) return outcome;
    since = outcome.ahead;
  }
  throw contended(names.indexJson(node.node));
}

/** One call's work, over all its attempts. */
interface Run {
  readonly options: IndexOptions;
  readonly all: boolean;
  readonly node: NodeJson;
  /** Verdicts of this run. */
  readonly memo: Judge["memo"];
  readonly same: Judge["same"];
  readonly cores: RecentCores;
  /** What it begins from, in place of what the vault says; then what it finds is believed only where all is well. */
  readonly remembered: Remembered | null;
}

/** Whether a node's record is the one that this call would have read. */
function isAskedFor({ vault, cardKey }: IndexOptions, node: NodeJson): boolean {
  return (vault === undefined || vault === node.vault) && (cardKey === undefined || cardKey === node.key);
}

interface Caches {
  readonly list: StoredList;
  readonly stored: StoredIndex;
  readonly head: WrittenHead | null;
}

async function readCaches({ options: { store }, remembered }: Run, scope: NodeScope): Promise<Caches> {
  if (remembered !== null) return { list: remembered.list, stored: remembered.index, head: remembered.head };
  // The list before the index: whoever changes the index after this makes our write of the list fail.
  const list = await readList(store, scope);
  return { list, stored: await readIndex(store, scope), head: null };
}

async function tryIndex(run: Run, since: number): Promise<IndexOutcome | "lost" | { readonly ahead: number }> {
  const { options, all, node, remembered } = run;
  const { store } = options;
  const scope: NodeScope = { vault: node.vault, node: node.node };
  const { list, stored, head } = await readCaches(run, scope);
  const before = all ? null : stored.index;
  const rebuilding = before === null;
  const ids = rebuilding ? await cardIds(store, scope.node) : [...new Set(options.ids)];
  const proofs = rebuilding ? await proofTimes(store, scope.node) : await timesOf(options);
  const asked = byAge([...ids, ...proofs.keys()]);
  const on = judgeOf(run, scope, before, new Set(asked));
  const found = new Map<SnapshotId, IndexEntry | null>();
  const left = new Map<SnapshotId, number>();
  // That something is damaged no card tells: it is taken over, also where all else is made anew.
  const of = stored.index ?? (stored.etag === null ? null : await readSuspect(store, scope));
  const earlierOnes = new Map((of?.snapshots ?? []).map((entry) => [entry.snapshot, entry]));
  for (const id of asked) {
    const entry = await judgeSome(on, id, left);
    if (entry === undefined) continue;
    const earlier = entry === null ? null : await on.known(id, entry.received);
    const proven = withProof(entry, earlier?.proven, proofs.get(id));
    found.set(id, withDamage(proven, options.looked?.get(id) ?? damagesOf(earlier ?? earlierOnes.get(id))));
  }
  if (remembered !== null && !isGoodNews(found)) return "lost";
  const merged = new Map((before?.snapshots ?? []).map((entry) => [entry.snapshot, entry]));
  const gone = new Set<SnapshotId>();
  for (const [id, entry] of found) {
    if (entry !== null) merged.set(id, entry);
    else if (gone.add(id)) merged.delete(id);
  }
  const closed = before?.months ?? [];
  if (gone.size > 0) await dropFromMonths(store, scope, closed, gone);
  // What is gone leaves room for the newest of the closed months.
  const room = Math.min(gone.size, INDEX_NEWEST - merged.size);
  for (const entry of await newestOfMonths(store, scope, room > 0 ? closed : [], merged, room)) {
    if (!gone.has(entry.snapshot)) merged.set(entry.snapshot, entry);
  }
  const { newest, months } = cutIndex(merged.values());
  for (const [month, entries] of months) {
    await writeMonth(store, scope, month, entries, { whole: rebuilding, named: closed.includes(month) });
  }
  const still = room > 0 ? await monthsBeyond(store, scope, closed, new Set(newest.map((e) => e.snapshot))) : closed;
  const named = [...new Set([...still, ...months.keys()])].sort().reverse();
  const written = await replaceIndex(store, scope, names.indexJson(scope.node), stored, newest, named, since);
  // Nothing to change in an index of memory: that there is such an index was not seen.
  if (written === "lost" || (remembered !== null && written === stored && left.size === 0)) return "lost";
  const { index } = written;
  const listed = await writeList(store, index, list);
  if (listed === null) return "lost";
  const told = await writeHead(store, scope, index, head);
  if (told !== null && "ahead" in told) return told;
  options.memory?.remember(scope.node, { node, index: written, list: listed, head: told });
  const entries = options.ids.map((id) => found.get(id)).filter((entry) => entry !== undefined && entry !== null);
  return { index, entries, left, changed: index !== stored.index, rebuilt: rebuilding };
}

/** Undefined where there are more packs than one call looks at, its own or its parent's. */
async function judgeSome(
  on: Judge,
  id: SnapshotId,
  left: Map<SnapshotId, number>,
): Promise<IndexEntry | null | undefined> {
  try {
    return await judge(on, id);
  } catch (error) {
    if (!(error instanceof PacksLeft)) throw error;
    left.set(id, error.snapshot === id ? error.looked : (on.slices?.looked.get(id) ?? 0));
    return undefined;
  }
}

function judgeOf(
  { options, node, memo, same, cores }: Run,
  scope: NodeScope,
  before: Index | null,
  asked: Judge["asked"],
): Judge {
  const { store, slices, justCame = false } = options;
  const known = knownEntries(store, scope, before);
  const isNew = async (id: SnapshotId, received: number) =>
    justCame && before !== null && (await known(id, received)) === null;
  const newest = before === null ? null : new Map(before.snapshots.map((entry) => [entry.snapshot, entry]));
  return { store, scope, node, known, newest, asked, cores, justCame: isNew, memo, same, ...(slices && { slices }) };
}

/** All of them are there and whole; else the vault itself is asked before that is said. */
function isGoodNews(found: ReadonlyMap<SnapshotId, IndexEntry | null>): boolean {
  return [...found.values()].every((entry) => entry !== null && entry.state !== "broken");
}

async function timesOf(options: IndexOptions): Promise<Map<SnapshotId, number>> {
  return proofTimes(options.store, options.node, options.proofs ?? []);
}

function withProof(
  entry: IndexEntry | null,
  earlier: number | undefined,
  proof: number | undefined,
): IndexEntry | null {
  if (entry === null || (earlier === undefined && proof === undefined)) return entry;
  return { ...entry, proven: Math.max(earlier ?? 0, proof ?? 0) };
}

/** Parents mostly before children, so that judging goes up no long chains. */
function byAge(ids: Iterable<SnapshotId>): SnapshotId[] {
  return [...new Set(ids)].sort();
}
