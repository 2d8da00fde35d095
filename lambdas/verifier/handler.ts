import type { Context, SQSEvent } from "aws-lambda";
import { publishStatus } from "../../keeper/index.ts";
import { systemClock } from "../../posix/clock.ts";
import { NIGHTLY_ENV, type TickEvent } from "../common/contract.ts";
import { requireEnv } from "../common/env.ts";
import { sendJobsTo } from "../common/jobs.ts";
import { nodeOf, onNightly } from "../common/nightly.ts";
import { makeTeller, tryTo } from "../common/report.ts";
import { allStandards, type NodeSettings, readSettings } from "../common/settings.ts";
import { openVault } from "../common/vault.ts";
import { VERIFIER_ENV, type VerifyEvent } from "./contract.ts";
import { tellBy } from "./tell-people.ts";
import { verifyNode } from "./verify-node.ts";

const settings = readSettings(new URL(".", import.meta.url));
const send = sendJobsTo(requireEnv(process.env, NIGHTLY_ENV.queue));
const people = tellBy(requireEnv(process.env, VERIFIER_ENV.topic));
const on = { store: openVault(process.env), tell: makeTeller("verifier"), people, send, now: systemClock.now };

/** Left for what comes after the last snapshot that is looked at. Milliseconds. */
const RESERVE = 60_000;

/** A tick, a node whose turn it is, or, called by hand, `{"node": "<name>"}`. */
export async function handler(event: TickEvent | SQSEvent | VerifyEvent, context: Context): Promise<object> {
  const until = AbortSignal.timeout(Math.max(0, context.getRemainingTimeInMillis() - RESERVE));
  const work = async (node: NodeSettings) => {
    const found = await verifyNode(on, node, until);
    // What was found damaged the index tells by now.
    const page = { store: on.store, news: [node.name], all: allStandards(settings), now: on.now() };
    await tryTo("write the status page", on.tell, () => publishStatus(page));
    return found;
  };
  try {
    if ("node" in event) return await work(nodeOf(settings, event.node));
    return await onNightly({ settings, send, work }, event);
  } finally {
    on.tell.flush();
  }
}
