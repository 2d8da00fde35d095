import type { Context, SQSEvent } from "aws-lambda";
import { type Despite, publishStatus } from "../../keeper/index.ts";
import { systemClock } from "../../posix/clock.ts";
import { NIGHTLY_ENV, type TickEvent } from "../common/contract.ts";
import { requireEnv } from "../common/env.ts";
import { sendJobsTo } from "../common/jobs.ts";
import { nodeOf, onNightly } from "../common/nightly.ts";
import { makeTeller, tryTo } from "../common/report.ts";
import { allStandards, type NodeSettings, readSettings } from "../common/settings.ts";
import { openVault } from "../common/vault.ts";
import type { RetainEvent } from "./contract.ts";
import { type RetainHow, retainNode } from "./retain-node.ts";

const on = { store: openVault(process.env), tell: makeTeller("retention"), now: systemClock.now };
const settings = readSettings(new URL(".", import.meta.url));
const send = sendJobsTo(requireEnv(process.env, NIGHTLY_ENV.queue));

/** Left for the report. Milliseconds. */
const RESERVE = 60_000;

/** A tick, a node whose turn it is, or, called by hand, `{"node": "<name>", "dry_run": true}`. */
export async function handler(event: TickEvent | SQSEvent | RetainEvent, context: Context): Promise<object> {
  const until = AbortSignal.timeout(Math.max(0, context.getRemainingTimeInMillis() - RESERVE));
  try {
    if ("node" in event) {
      const { node, dry_run, relock = false, despite = [] } = event;
      return await retain(nodeOf(settings, node), {
        apply: dry_run !== true,
        relock,
        until,
        despite: new Set(despite as readonly Despite[]),
      });
    }
    return await onNightly({ settings, send, work: (node) => retain(node, { apply: true, until }) }, event);
  } finally {
    on.tell.flush();
  }
}

async function retain(node: NodeSettings, how: RetainHow): Promise<object> {
  const done = await retainNode(on, node, how);
  if (how.apply) {
    const page = { store: on.store, news: [node.name], all: allStandards(settings), now: on.now() };
    await tryTo("write the status page", on.tell, () => publishStatus(page));
  }
  return done;
}
