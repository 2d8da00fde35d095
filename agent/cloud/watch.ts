import { CloudWatchClient, DescribeAlarmsCommand } from "@aws-sdk/client-cloudwatch";
import { GetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { type CloudPlace, clientConfig, limited } from "./clients.ts";
import { cloudError } from "./errors.ts";
import type { Stack } from "./stack.ts";

/** What waits before one function, as SQS counts it: nearly. */
export interface Queue {
  readonly name: string;
  readonly waiting: number;
  /** Handed out, and not done yet. */
  readonly underWay: number;
  /** Tried in vain. */
  readonly dead: number;
}

const JOBS = ["Indexer", "Retention", "Verifier"] as const;

/** The queues that a stack's outputs name. */
export function readQueues({ outputs }: Stack, place: CloudPlace): Promise<readonly Queue[]> {
  const client = new SQSClient(clientConfig(place));
  const ask = async (QueueUrl: string) => {
    try {
      const AttributeNames = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"] as const;
      const input = { QueueUrl, AttributeNames: [...AttributeNames] };
      const { Attributes = {} } = await client.send(new GetQueueAttributesCommand(input), limited(place));
      return {
        waiting: Number(Attributes.ApproximateNumberOfMessages ?? 0),
        underWay: Number(Attributes.ApproximateNumberOfMessagesNotVisible ?? 0),
      };
    } catch (error) {
      throw cloudError(error, "cannot look at a queue", QueueUrl, "sqs:GetQueueAttributes");
    }
  };
  const named = JOBS.flatMap((job) => {
    const queue = outputs[`${job}Queue`];
    const dead = outputs[`${job}DeadLetters`];
    return queue === undefined || dead === undefined ? [] : [{ name: job.toLowerCase(), queue, dead }];
  });
  return Promise.all(
    named.map(async ({ name, queue, dead }) => {
      const [live, lost] = await Promise.all([ask(queue), ask(dead)]);
      return { name, ...live, dead: lost.waiting + lost.underWay };
    }),
  );
}

export interface Alarm {
  /** As the article in docs/OPERATIONS.md is called. */
  readonly name: string;
  /** CloudWatch's own word: OK, ALARM or INSUFFICIENT_DATA. */
  readonly state: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly why: string;
}

const A_CALL = 100;

/** A stack's alarms, those that ring first. */
export async function readAlarms({ alarms, name }: Stack, place: CloudPlace): Promise<readonly Alarm[]> {
  const client = new CloudWatchClient(clientConfig(place));
  const found: Alarm[] = [];
  try {
    for (let at = 0; at < alarms.length; at += A_CALL) {
      const input = { AlarmNames: alarms.slice(at, at + A_CALL) };
      const { MetricAlarms = [] } = await client.send(new DescribeAlarmsCommand(input), limited(place));
      for (const one of MetricAlarms) {
        found.push({
          name: /OPERATIONS\.md, (\w+)\.$/.exec(one.AlarmDescription ?? "")?.[1] ?? one.AlarmName ?? "?",
          state: one.StateValue ?? "unknown",
          since: one.StateUpdatedTimestamp?.getTime() ?? Number.NaN,
          why: one.StateReason ?? "",
        });
      }
    }
  } catch (error) {
    throw cloudError(error, "cannot look at the alarms", name, "cloudwatch:DescribeAlarms");
  }
  const rank = ({ state }: Alarm) => (state === "ALARM" ? 0 : 1);
  return found.sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
}
