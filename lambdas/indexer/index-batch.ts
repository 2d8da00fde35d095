import { setTimeout as sleep } from "node:timers/promises";
import type { SQSBatchResponse, SQSRecord } from "aws-lambda";
import { type IndexMemory, type IndexStore, indexSnapshots } from "../../keeper/index.ts";
import { type NodeName, parseS3Url, type SnapshotId } from "../../vault/names/index.ts";
import { type Teller, tryTo } from "../common/report.ts";
import type { Settings } from "../common/settings.ts";
import { cardsOf, messageOf } from "./cards.ts";
import { INDEXER_METRICS, PACKS_A_CALL } from "./contract.ts";

export interface IndexerOn {
  readonly store: IndexStore & { readonly url: string };
  readonly settings: Settings;
  readonly tell: Teller;
  /** Puts a message into the function's own queue. */
  readonly send: (body: string) => Promise<void>;
  /** New packs of one card that one call looks at. */
  readonly packs?: number;
  /** Brings the status page up to date with what these nodes' indexes say now. */
  readonly publish?: (nodes: readonly NodeName[]) => Promise<void>;
  /** Of the function while it is warm. */
  readonly memory?: IndexMemory;
}

/** The records of one node, of which each tells of some of its cards. */
interface OfNode {
  readonly ids: Set<SnapshotId>;
  readonly looked: Map<SnapshotId, number>;
  readonly records: Set<string>;
}

/**
 * Takes the cards of a batch into their nodes' indexes, one compare-and-swap a node. Nodes do not wait for each other,
 * and one that fails brings back its own records only: what was done already is done again to the same end.
 */
export async function indexBatch(on: IndexerOn, records: readonly SQSRecord[]): Promise<SQSBatchResponse> {
  const failed = new Set<string>();
  const news: NodeName[] = [];
  const work = async ([node, { ids, looked, records: of }]: readonly [NodeName, OfNode]) => {
    if (await indexNode(on, node, [...ids], looked)) {
      news.push(node);
      return;
    }
    for (const record of of) failed.add(record);
  };
  await Promise.all([...byNode(on, records)].map(work));
  const { publish } = on;
  // The index is what counts: without the page no card comes again.
  if (publish !== undefined && news.length > 0) await tryTo("write the status page", on.tell, () => publish(news));
  on.tell.count(INDEXER_METRICS.failed, failed.size === 0 ? 0 : 1);
  return { batchItemFailures: [...failed].map((itemIdentifier) => ({ itemIdentifier })) };
}

function byNode({ store, settings, tell }: IndexerOn, records: readonly SQSRecord[]): Map<NodeName, OfNode> {
  const place = parseS3Url(store.url);
  if (typeof place === "string") throw new Error(place);
  const found = new Map<NodeName, OfNode>();
  for (const record of records) {
    const { cards, ignored } = cardsOf(record, place);
    for (const { node, snapshot, looked } of cards) {
      if (!settings.has(node)) {
        ignored.push(`${node}: it is not among the nodes of this deployment`);
        continue;
      }
      const of = found.get(node) ?? { ids: new Set(), looked: new Map(), records: new Set() };
      found.set(node, of);
      of.ids.add(snapshot);
      if (looked !== undefined) of.looked.set(snapshot, looked);
      of.records.add(record.messageId);
    }
    if (ignored.length === 0) continue;
    tell.count(INDEXER_METRICS.ignored, ignored.length);
    tell.warn("passed over", { ignored: ignored.slice(0, 20).map((text) => text.slice(0, 300)) });
  }
  return found;
}

/** False where it is worth another try. */
async function indexNode(on: IndexerOn, node: NodeName, ids: SnapshotId[], looked: OfNode["looked"]): Promise<boolean> {
  const { store, settings, tell, memory, send, packs: most = PACKS_A_CALL } = on;
  const cardKey = settings.get(node)?.cardKey;
  try {
    const { entries, rebuilt, index, left } = await indexSnapshots({
      store,
      node,
      ids,
      pause,
      justCame: true,
      slices: { most, looked },
      ...(memory === undefined ? {} : { memory }),
      ...(cardKey === undefined ? {} : { cardKey }),
    });
    for (const [snapshot, so] of left) await send(messageOf({ node, snapshot, looked: so }));
    const broken = entries.filter(({ state }) => state === "broken");
    tell.count(INDEXER_METRICS.cards, entries.length);
    tell.count(INDEXER_METRICS.broken, broken.length);
    for (const { snapshot, remarks } of broken) tell.warn("broken card", { node, snapshot, remarks });
    tell.info("indexed", { node, cards: ids.length, rebuilt, left: left.size, generation: index.generation });
    return true;
  } catch (error) {
    tell.error("could not index", error, { node, cards: ids.length });
    return false;
  }
}

/** With full jitter: functions that met once must not meet again. At most 1.6 s. */
function pause(lost: number): Promise<void> {
  return sleep(Math.random() * 25 * 2 ** Math.min(lost, 6));
}
