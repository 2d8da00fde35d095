import { Duration, Stack, TimeZone } from "aws-cdk-lib";
import { Effect, PolicyStatement } from "aws-cdk-lib/aws-iam";
import { SqsEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import { ContextAttribute, Schedule, ScheduleExpression, ScheduleTargetInput } from "aws-cdk-lib/aws-scheduler";
import { LambdaInvoke } from "aws-cdk-lib/aws-scheduler-targets";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { NIGHTLY_ENV, TICK_MINUTES } from "../lambdas/common/contract.ts";
import { type FunctionBase, KeeperFunction } from "./function.ts";
import { grantFacets } from "./grant.ts";
import type { Grants } from "./jobs.ts";
import { acknowledgeWildcards } from "./nag.ts";
import { makeQueues } from "./queues.ts";

/** As long as Lambda lets a function run. */
const TIMEOUT = Duration.minutes(15);

export interface NightlyProps {
  readonly base: FunctionBase;
  readonly name: "retention" | "verifier";
  readonly description: string;
  readonly grants: Grants;
  /** MB. */
  readonly memory: number;
  /** Nodes that are worked on at once. */
  readonly atOnce: number;
  readonly environment?: Readonly<Record<string, string>>;
}

/**
 * A job that each node has once a day at its own hour: one tick every 15 minutes for all of them, which puts the nodes
 * that are due into a queue, and the same function that takes them out, one a call.
 */
export class Nightly extends Construct {
  readonly worker: KeeperFunction;
  readonly queue: Queue;
  readonly dead: Queue;
  /** Name of the schedule. */
  readonly schedule: string;

  constructor(scope: Construct, id: string, props: NightlyProps) {
    super(scope, id);
    const { base, name, description, grants, memory, atOnce, environment } = props;
    const { queue, dead } = makeQueues(this, TIMEOUT, 3);
    this.queue = queue;
    this.dead = dead;
    this.worker = new KeeperFunction(this, "Worker", {
      base,
      name,
      description,
      memory,
      timeout: TIMEOUT,
      environment: { [NIGHTLY_ENV.queue]: queue.queueUrl, ...environment },
    });
    grantFacets(this.worker.role, base.place, grants);
    queue.grantConsumeMessages(this.worker.role);
    this.worker.role.addToPrincipalPolicy(
      new PolicyStatement({
        sid: "FanOut",
        effect: Effect.ALLOW,
        actions: ["sqs:SendMessage"],
        resources: [queue.queueArn],
      }),
    );
    this.worker.function.addEventSource(new SqsEventSource(queue, { batchSize: 1, maxConcurrency: atOnce }));
    const schedule = new Schedule(this, "Tick", {
      description: `coldkeep: nodes whose hour of ${name} has come`,
      schedule: ScheduleExpression.cron({ minute: `0/${TICK_MINUTES}`, timeZone: TimeZone.ETC_UTC }),
      target: new LambdaInvoke(this.worker.function, {
        // The time that was planned: a tick that comes late means the same nodes.
        input: ScheduleTargetInput.fromObject({ tick: ContextAttribute.scheduledTime }),
        deadLetterQueue: dead,
        retryAttempts: 20,
        maxEventAge: Duration.hours(6),
      }),
    });
    for (const role of Stack.of(this)
      .node.findAll()
      .filter((one) => one.node.id.startsWith("SchedulerRoleForTarget"))) {
      acknowledgeWildcards(
        role as Construct,
        [`${this.worker.function.functionArn}:*`],
        "any version of the one function it calls",
      );
    }
    this.schedule = schedule.scheduleName;
  }
}
