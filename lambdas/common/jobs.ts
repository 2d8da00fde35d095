import { SendMessageBatchCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { NodeJob } from "./contract.ts";

/** SQS takes so many messages in one call. */
const BATCH = 10;

/** Puts nodes into the queue that the same function takes out of. @throws Error where SQS did not take them all. */
export type SendJobs = (jobs: readonly NodeJob[]) => Promise<void>;

export function sendJobsTo(queue: string): SendJobs {
  const client = new SQSClient({});
  return async (jobs) => {
    for (let from = 0; from < jobs.length; from += BATCH) {
      const Entries = jobs
        .slice(from, from + BATCH)
        .map((job, at) => ({ Id: String(at), MessageBody: JSON.stringify(job) }));
      const { Failed = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl: queue, Entries }));
      const [first] = Failed;
      // The whole tick is repeated: a node that is worked on twice in a night comes to the same end.
      if (first !== undefined)
        throw new Error(`the queue took ${Failed.length} jobs fewer: ${first.Message ?? first.Code}`);
    }
  };
}

/** Puts one message into a queue. */
export function sendTo(QueueUrl: string): (body: string) => Promise<void> {
  const client = new SQSClient({});
  return async (MessageBody) => {
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody }));
  };
}
