import { Duration } from "aws-cdk-lib";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";

/** A queue and where its messages go that were tried in vain; both hold theirs as long as SQS can. */
export function makeQueues(scope: Construct, visibility: Duration, tries: number): { queue: Queue; dead: Queue } {
  const common = { enforceSSL: true, encryption: QueueEncryption.SQS_MANAGED, retentionPeriod: Duration.days(14) };
  const dead = new Queue(scope, "Dead", common);
  const queue = new Queue(scope, "Queue", {
    ...common,
    visibilityTimeout: visibility,
    deadLetterQueue: { queue: dead, maxReceiveCount: tries },
  });
  return { queue, dead };
}
