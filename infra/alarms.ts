import { Duration } from "aws-cdk-lib";
import {
  Alarm,
  ComparisonOperator,
  Dashboard,
  GraphWidget,
  type IMetric,
  Metric,
  SingleValueWidget,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import { Effect, PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import { Construct } from "constructs";
import { METRIC_NAMESPACE } from "../lambdas/common/contract.ts";
import { INDEXER_METRICS } from "../lambdas/indexer/contract.ts";
import { PRESENTER_METRICS } from "../lambdas/presenter/contract.ts";
import { RETENTION_METRICS } from "../lambdas/retention/contract.ts";
import { VERIFIER_METRICS } from "../lambdas/verifier/contract.ts";
import type { Indexer } from "./indexer.ts";
import type { Nightly } from "./nightly.ts";
import type { Presenter } from "./presenter.ts";

/** The topic that alarms, and the verifier itself, tell people by. */
export class AlarmTopic extends Construct {
  readonly topic: Topic;

  constructor(scope: Construct, id: string, email: string | undefined) {
    super(scope, id);
    this.topic = new Topic(this, "Topic", { displayName: "coldkeep", enforceSSL: true });
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        effect: Effect.ALLOW,
        principals: [new ServicePrincipal("cloudwatch.amazonaws.com")],
        actions: ["sns:Publish"],
        resources: [this.topic.topicArn],
      }),
    );
    if (email !== undefined) this.topic.addSubscription(new EmailSubscription(email));
  }
}

export interface AlarmsProps {
  readonly topic: Topic;
  readonly indexer: Indexer;
  readonly retention: Nightly;
  readonly verifier: Nightly;
  readonly presenter: Presenter;
}

/** What rings, each with an article of the same name in docs/OPERATIONS.md, and a page of figures. */
export class Alarms extends Construct {
  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    const { topic, indexer, retention, verifier, presenter } = props;
    const action = new SnsAction(topic);
    const ring = (name: string, metric: IMetric, alarmDescription: string) => {
      const alarm = new Alarm(this, name, {
        metric,
        threshold: 1,
        evaluationPeriods: 1,
        comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treatMissingData: TreatMissingData.NOT_BREACHING,
        alarmDescription: `${alarmDescription} See docs/OPERATIONS.md, ${name}.`,
      });
      alarm.addAlarmAction(action);
    };
    const counted = (service: string, metricName: string) =>
      new Metric({
        namespace: METRIC_NAMESPACE,
        metricName,
        dimensionsMap: { service },
        statistic: "Sum",
        period: Duration.minutes(5),
      });
    const waiting = (queue: {
      metricApproximateNumberOfMessagesVisible: Indexer["dead"]["metricApproximateNumberOfMessagesVisible"];
    }) => queue.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(5), statistic: "Maximum" });

    ring("CardsBroken", counted("indexer", INDEXER_METRICS.broken), "A card came that the vault does not bear out.");
    ring("CardsNotIndexed", waiting(indexer.dead), "Cards could not be taken into their node's index.");
    ring(
      "RetentionHeldBack",
      counted("retention", RETENTION_METRICS.held),
      "A brake holds: nothing of a node expires.",
    );
    ring("RetentionFailed", waiting(retention.dead), "Retention failed for a node, three times over.");
    ring(
      "SnapshotsDamaged",
      counted("verifier", VERIFIER_METRICS.damaged),
      "Something of a snapshot is missing or changed.",
    );
    ring("NodesStale", counted("verifier", VERIFIER_METRICS.stale), "A node has no new snapshot.");
    ring("NodesUnlocked", counted("verifier", VERIFIER_METRICS.unlocked), "Locks of what is to stay run out.");
    ring("NodesOdd", counted("verifier", VERIFIER_METRICS.odd), "A node's snapshots do not look as they did.");
    ring("VerifierFailed", waiting(verifier.dead), "The verifier failed for a node, three times over.");
    ring(
      "RestoresFailing",
      counted("presenter", PRESENTER_METRICS.failed),
      "Who asked for a restore was not answered, for a reason of ours.",
    );
    const all = { Indexer: indexer, Retention: retention, Verifier: verifier, Presenter: presenter };
    for (const [name, { worker }] of Object.entries(all)) {
      ring(
        `${name}Errors`,
        worker.function.metricErrors({ period: Duration.minutes(15) }),
        `The ${name.toLowerCase()} function ended in an error.`,
      );
    }

    const graph = (title: string, left: IMetric[]) => new GraphWidget({ title, left, width: 8 });
    new Dashboard(this, "Dashboard", {
      widgets: [
        [
          new SingleValueWidget({
            title: "waiting in vain",
            metrics: [waiting(indexer.dead), waiting(retention.dead), waiting(verifier.dead)],
            width: 24,
          }),
        ],
        [
          graph("cards", [counted("indexer", INDEXER_METRICS.cards), counted("indexer", INDEXER_METRICS.broken)]),
          graph("retention", [
            counted("retention", RETENTION_METRICS.expired),
            counted("retention", RETENTION_METRICS.held),
          ]),
          graph("bytes deleted", [counted("retention", RETENTION_METRICS.deleted)]),
          graph("locks renewed", [counted("retention", RETENTION_METRICS.renewed)]),
        ],
        [
          graph("verified", [counted("verifier", VERIFIER_METRICS.done), counted("verifier", VERIFIER_METRICS.stale)]),
          graph("damage", [counted("verifier", VERIFIER_METRICS.damaged), counted("verifier", VERIFIER_METRICS.odd)]),
          graph("restores", [
            counted("presenter", PRESENTER_METRICS.plan),
            counted("presenter", PRESENTER_METRICS.refused),
            counted("presenter", PRESENTER_METRICS.failed),
            presenter.worker.function.metricThrottles(),
          ]),
        ],
        [graph("bytes read again", [counted("verifier", VERIFIER_METRICS.read)])],
      ],
    });
  }
}
