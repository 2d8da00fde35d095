import type { CardCore, NodeJson } from "../vault/card/index.ts";
import type { NodeName, SnapshotId } from "../vault/names/index.ts";
import type { WrittenIndex } from "./index-files.ts";
import { makeRecent } from "./recent.ts";
import type { StoredList, WrittenHead } from "./summaries.ts";

/** What an indexer that stays warm knows of a node since its last change of it. */
export interface Remembered {
  readonly node: NodeJson;
  readonly index: WrittenIndex;
  readonly list: StoredList;
  /** Null where another wrote it last. */
  readonly head: WrittenHead | null;
}

/**
 * What a process that indexes again and again keeps between two calls, so that it does not ask S3 for what it has just
 * written there. Nothing of it is believed where it would do harm: the three caches are replaced by compare-and-swap, so
 * that somebody else's change is met at the first write; a run from memory that finds a card broken, or nothing to change,
 * is made again from the vault itself; and the vault's and the node's record, which never change, are read again after a
 * while all the same.
 */
export interface IndexMemory {
  recall(node: NodeName): Remembered | null;
  remember(node: NodeName, what: Remembered): void;
  forget(node: NodeName): void;
  readonly cores: RecentCores;
}

const LASTS_MS = 300_000;
/** An index of 500 entries is some 400 kB. */
const MAX_NODES = 64;

/** @param clock milliseconds that never go backwards */
export function makeIndexMemory(clock: { monotonic(): number }): IndexMemory {
  const nodes = new Map<NodeName, Remembered & { readonly read: number }>();
  return {
    recall: (node) => {
      const found = nodes.get(node);
      return found === undefined || clock.monotonic() - found.read > LASTS_MS ? null : found;
    },
    remember: (node, what) => {
      // The records' age counts, not that of what was written last.
      const read = nodes.get(node)?.node === what.node ? (nodes.get(node)?.read as number) : clock.monotonic();
      nodes.delete(node);
      nodes.set(node, { ...what, read });
      for (const oldest of nodes.keys()) {
        if (nodes.size <= MAX_NODES) break;
        nodes.delete(oldest);
      }
    },
    forget: (node) => nodes.delete(node),
    cores: makeRecentCores(MAX_CORES),
  };
}

/** Cards that were read not long ago: they never change, and a child comes soon after its parent. */
export interface RecentCores {
  get(node: NodeName, id: SnapshotId): CardCore | null;
  /** @param size of the card, bytes */
  add(core: CardCore, size: number): void;
}

/** A card of a node with a long history is some 20 kB. Bytes. */
const MAX_CORES = 16 << 20;
/** A job goes from older snapshots to newer ones; as objects cards take a multiple of that. Bytes. */
const MAX_CORES_OF_JOB = 4 << 20;

/** Of a job that remembers nothing for the next. */
export function makeCoresOfJob(): RecentCores {
  return makeRecentCores(MAX_CORES_OF_JOB);
}

/** @param most bytes of cards */
function makeRecentCores(most: number): RecentCores {
  const cores = makeRecent<string, CardCore>(most);
  return {
    get: (node, id) => cores.get(`${node}/${id}`) ?? null,
    add: (core, size) => cores.set(`${core.node}/${core.snapshot}`, core, size),
  };
}
