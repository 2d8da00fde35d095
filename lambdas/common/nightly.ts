import type { SQSEvent } from "aws-lambda";
import { systemClock } from "../../posix/clock.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import type { NodeJob, TickEvent } from "./contract.ts";
import { dueNodes } from "./due.ts";
import type { SendJobs } from "./jobs.ts";
import type { NodeSettings, Settings } from "./settings.ts";

export interface NightlyOn {
  readonly settings: Settings;
  readonly send: SendJobs;
  /** The night's work for one node. */
  readonly work: (node: NodeSettings) => Promise<unknown>;
}

/** A tick puts the nodes that are due into the queue; a message of the queue is one node's work. */
export async function onNightly(on: NightlyOn, event: TickEvent | SQSEvent): Promise<object> {
  if ("tick" in event) {
    const planned = Date.parse(event.tick);
    const due = dueNodes(on.settings, Number.isNaN(planned) ? systemClock.now() : planned);
    await on.send(due.map(({ name }) => ({ node: name })));
    return { due: due.map(({ name }) => name) };
  }
  for (const { body } of event.Records) {
    const { node } = JSON.parse(body) as NodeJob;
    await on.work(nodeOf(on.settings, node));
  }
  return { done: event.Records.length };
}

/** @throws ColdkeepError `not-found` for a node that is none of this deployment. */
export function nodeOf(settings: Settings, name: string): NodeSettings {
  const node = settings.get(name);
  if (node !== undefined) return node;
  throw new ColdkeepError("not-found", {
    what: "the node is none of this deployment's",
    on: JSON.stringify(name),
    todo: "name it under nodes in coldkeep.cdk.yaml, and deploy",
  });
}
