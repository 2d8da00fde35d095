import type { IndexEntry } from "../vault/card/index.ts";
import { isColdkeepError, type NodeName, names } from "../vault/names/index.ts";
import type { Tiers } from "../vault/retain/index.ts";
import type { Reader, Replacer } from "../vault/store/facets.ts";
import { judge, type WatchLimits } from "../vault/watch/index.ts";
import { contended, readIndex } from "./index-files.ts";
import { isLatestMaterial, oddity } from "./order.ts";
import { describeNode, type PageInput, type PageNode, readPage, renderPage } from "./page/index.ts";
import { readNode } from "./read.ts";

const MAX_PAGE = 32 << 20;
const ATTEMPTS = 16;

/** What a status page tells of one node. */
export function pageNode(input: Omit<PageInput, "isOdd">): PageNode {
  return describeNode({ ...input, isOdd: (entry) => oddity(entry) !== null });
}

/** By what a node is judged: what is kept, and how old may be what. */
export interface Standards {
  readonly tiers: Tiers;
  readonly limits: WatchLimits;
}

/** What a page tells of a node by its index alone. @param now milliseconds since the epoch */
export function pageNodeOf(
  node: NodeName,
  { entries, more }: { readonly entries: readonly IndexEntry[]; readonly more: boolean },
  { tiers, limits }: Standards,
  now: number,
): PageNode {
  const standing = judge({ entries, isGood: isLatestMaterial, now }, limits);
  return pageNode({ node, vault: "", standing, entries, more, next: null, paused: null, tiers, now });
}

export interface PublishOptions {
  readonly store: Reader & Replacer;
  /** The nodes of which there is news. */
  readonly news: readonly NodeName[];
  /** All nodes that the page is to tell of. Those that it lacks are looked at as well, so a lost page comes back whole. */
  readonly all: ReadonlyMap<NodeName, Standards>;
  readonly now: number;
}

/**
 * Brings the vault's status page up to date with the indexes of some nodes, by compare-and-swap: whoever else has news of another node
 * loses none of it. What the page tells is public as the index is, and a cache as that is.
 * @throws ColdkeepError `busy` where others were faster each time; and what the store throws.
 */
export async function publishStatus(options: PublishOptions): Promise<void> {
  const { store, news, all, now } = options;
  const looked = new Map<NodeName, PageNode>();
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const stored = await readStored(store);
    const told = new Map((stored.nodes ?? []).map((one) => [one.node, one]));
    const shown: PageNode[] = [];
    for (const [name, standards] of all) {
      const known = news.includes(name) ? undefined : told.get(name);
      const one = known ?? looked.get(name) ?? (await lookAt(store, name, standards, now));
      if (known === undefined) looked.set(name, one);
      shown.push(one);
    }
    const page = Buffer.from(renderPage(shown, now));
    if ((await store.replace(names.STATUS_PAGE, page, stored.etag)).replaced) return;
    // The winner may have been another's news of the same nodes.
    for (const name of news) looked.delete(name);
  }
  throw contended(names.STATUS_PAGE);
}

/** The page's nodes as they lie in the vault, and the version of it; null where there is none that can be read. */
export async function readStored(
  store: Reader,
): Promise<{ readonly nodes: readonly PageNode[] | null; readonly etag: string | null }> {
  try {
    const object = await store.get(names.STATUS_PAGE, { maxBytes: MAX_PAGE });
    return object === null ? { nodes: null, etag: null } : { nodes: readPage(object.bytes), etag: object.info.etag };
  } catch (error) {
    if (!isColdkeepError(error, "integrity")) throw error;
    return { nodes: null, etag: (await store.head(names.STATUS_PAGE))?.etag ?? null };
  }
}

async function lookAt(store: Reader, node: NodeName, standards: Standards, now: number): Promise<PageNode> {
  try {
    const { vault } = await readNode(store, node, undefined);
    const { index } = await readIndex(store, { vault, node });
    const evidence = { entries: index?.snapshots ?? [], more: (index?.months.length ?? 0) > 0 };
    return pageNodeOf(node, evidence, standards, now);
  } catch (error) {
    if (!isColdkeepError(error, "not-found")) throw error;
    return pageNodeOf(node, { entries: [], more: false }, standards, now);
  }
}
