import { Duration, Stack } from "aws-cdk-lib";
import { Effect, PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { SqsEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { INDEXER_ENV } from "../lambdas/indexer/contract.ts";
import { type FunctionBase, KeeperFunction } from "./function.ts";
import { grantFacets } from "./grant.ts";
import { JOBS } from "./jobs.ts";
import { makeQueues } from "./queues.ts";
import type { VaultBucket } from "./vault-bucket.ts";

const TIMEOUT = Duration.minutes(2);

/** Cards that arrive → queue → the function that takes them into their node's index. */
export class Indexer extends Construct {
  readonly worker: KeeperFunction;
  readonly queue: Queue;
  readonly dead: Queue;

  constructor(scope: Construct, id: string, props: { readonly base: FunctionBase; readonly vault: VaultBucket }) {
    super(scope, id);
    const { base, vault } = props;
    // SQS wants six times the function's own time, so that a throttled batch is not handed out twice.
    const { queue, dead } = makeQueues(this, Duration.seconds(6 * TIMEOUT.toSeconds()), 5);
    this.queue = queue;
    this.dead = dead;
    queue.addToResourcePolicy(
      new PolicyStatement({
        sid: "S3TellsOfCards",
        effect: Effect.ALLOW,
        principals: [new ServicePrincipal("s3.amazonaws.com")],
        actions: ["sqs:SendMessage"],
        resources: [queue.queueArn],
        // The account, as naming the bucket would close a circle.
        conditions: { StringEquals: { "aws:SourceAccount": Stack.of(this).account } },
      }),
    );
    this.worker = new KeeperFunction(this, "Worker", {
      base,
      name: "indexer",
      description: "coldkeep: takes new cards into their node's index and backup_list",
      memory: 512,
      timeout: TIMEOUT,
      environment: { [INDEXER_ENV.queue]: queue.queueUrl },
    });
    grantFacets(this.worker.role, base.place, JOBS.indexer);
    queue.grantConsumeMessages(this.worker.role);
    this.worker.role.addToPrincipalPolicy(
      new PolicyStatement({
        sid: "GoOn",
        effect: Effect.ALLOW,
        actions: ["sqs:SendMessage"],
        resources: [queue.queueArn],
      }),
    );
    this.worker.function.addEventSource(
      new SqsEventSource(queue, {
        batchSize: 100,
        maxBatchingWindow: Duration.seconds(1),
        maxConcurrency: 2,
        reportBatchItemFailures: true,
      }),
    );
    vault.notify(queue);
  }
}
