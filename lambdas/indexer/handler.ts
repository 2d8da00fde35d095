import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { makeIndexMemory, publishStatus, rebuildIndex } from "../../keeper/index.ts";
import { systemClock } from "../../posix/clock.ts";
import { type NodeName, toNodeName } from "../../vault/names/index.ts";
import { requireEnv } from "../common/env.ts";
import { sendTo } from "../common/jobs.ts";
import { makeTeller, tryTo } from "../common/report.ts";
import { allStandards, readSettings } from "../common/settings.ts";
import { openVault } from "../common/vault.ts";
import { INDEXER_ENV, type RebuildEvent } from "./contract.ts";
import { indexBatch } from "./index-batch.ts";

const tell = makeTeller("indexer");
const store = openVault(process.env);
const memory = makeIndexMemory(systemClock);
const send = sendTo(requireEnv(process.env, INDEXER_ENV.queue));
const settings = readSettings(new URL(".", import.meta.url));

/** Cards that arrived, by way of the queue; or, called by hand, `{"rebuild": "<node>"}`. */
export async function handler(event: SQSEvent | RebuildEvent): Promise<SQSBatchResponse | object> {
  try {
    if ("rebuild" in event) return await rebuild(event.rebuild);
    return await indexBatch({ store, settings, tell, send, memory, publish }, event.Records);
  } finally {
    tell.flush();
  }
}

function publish(news: readonly NodeName[]): Promise<void> {
  return publishStatus({ store, news, all: allStandards(settings), now: systemClock.now() });
}

async function rebuild(name: string): Promise<object> {
  const node = toNodeName(name);
  const cardKey = settings.get(node)?.cardKey;
  memory.forget(node);
  const { index, changed } = await rebuildIndex({ store, node, ...(cardKey === undefined ? {} : { cardKey }) });
  await tryTo("write the status page", tell, () => publish([node]));
  const snapshots = index.snapshots.length;
  tell.info("rebuilt", { node, changed, snapshots, months: index.months.length });
  return { node, changed, snapshots, months: index.months, generation: index.generation };
}
