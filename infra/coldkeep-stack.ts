import { CfnOutput, Stack, type StackProps } from "aws-cdk-lib";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { RetentionDays } from "aws-cdk-lib/aws-logs";
import type { Topic } from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";
import { VERIFIER_ENV } from "../lambdas/verifier/contract.ts";
import { VERSION } from "../vault/names/index.ts";
import { Alarms, AlarmTopic } from "./alarms.ts";
import { AuditTrail } from "./audit-trail.ts";
import type { FunctionBase } from "./function.ts";
import { defaultHandlers } from "./handlers.ts";
import { Indexer } from "./indexer.ts";
import { JOBS } from "./jobs.ts";
import { Nightly } from "./nightly.ts";
import { vaultUrl } from "./place.ts";
import { Presenter, type PresenterProps } from "./presenter.ts";
import { agentLines, OperatorRole } from "./roles.ts";
import { settingsOf } from "./settings.ts";
import type { InfraConfig } from "./types.ts";
import { VaultBucket } from "./vault-bucket.ts";

export interface ColdkeepStackProps extends StackProps {
  readonly config: InfraConfig;
  /** Folder of the built functions. Default: those that came with the package. */
  readonly handlers?: string;
  /** The bucket's name goes into the path; for servers other than AWS's. */
  readonly pathStyle?: boolean;
}

/** Everything a vault in AWS needs. What it makes does not grow with the number of nodes. */
export class ColdkeepStack extends Stack {
  readonly vault: VaultBucket;
  readonly indexer: Indexer;
  readonly retention: Nightly;
  readonly verifier: Nightly;
  readonly presenter: Presenter;
  readonly alarms: Alarms;
  /** Hears of every alarm, and of what the verifier finds. */
  readonly alarmTopic: Topic;

  constructor(scope: Construct, id: string, props: ColdkeepStackProps) {
    super(scope, id, { description: "coldkeep: a vault of sealed snapshots, and what keeps it", ...props });
    const { config, handlers = defaultHandlers(), pathStyle = false } = props;
    this.vault = new VaultBucket(this, "Vault", { config });
    const place = { bucket: this.vault.bucket, prefix: config.prefix };
    const base: FunctionBase = {
      place,
      handlers,
      settings: settingsOf(config),
      logDays: config.log_days as RetentionDays,
      xray: config.xray,
      pathStyle,
    };
    const { topic } = new AlarmTopic(this, "Tell", config.alarm_email);
    this.alarmTopic = topic;
    this.indexer = new Indexer(this, "Indexer", { base, vault: this.vault });
    this.retention = new Nightly(this, "Retention", {
      base,
      name: "retention",
      description: "coldkeep: lets the tiers rule, and deletes what no snapshot uses any more",
      grants: JOBS.retention,
      memory: 1024,
      atOnce: 5,
    });
    this.verifier = new Nightly(this, "Verifier", {
      base,
      name: "verifier",
      description: "coldkeep: looks whether everything is there, unchanged and as new as it should be",
      grants: JOBS.verifier,
      memory: 1024,
      atOnce: 5,
      environment: { [VERIFIER_ENV.topic]: topic.topicArn },
    });
    this.verifier.worker.role.addToPrincipalPolicy(
      new PolicyStatement({ sid: "TellPeople", actions: ["sns:Publish"], resources: [topic.topicArn] }),
    );
    this.presenter = new Presenter(this, "Presenter", { base, tickets: config.tickets, ...bringBackOf(config) });
    const { ticketKey, ticketUrl, iamUrl } = this.presenter;
    const operator = new OperatorRole(this, "Operator", { place, config, ticketKey });
    this.vault.protect(
      [this.indexer, this.retention, this.verifier].map(({ worker }) => worker.role.roleArn),
      [this.retention.worker.role.roleArn],
      operator.role.roleArn,
    );
    this.alarms = new Alarms(this, "Alarms", {
      topic,
      indexer: this.indexer,
      retention: this.retention,
      verifier: this.verifier,
      presenter: this.presenter,
    });

    const audit = new AuditTrail(this, "Audit", place, base.logDays);
    const url = vaultUrl(place);
    agentLines(this, url);
    const output = (name: string, value: string, description: string) =>
      new CfnOutput(this, name, { value, description });
    output("Version", VERSION, "of coldkeep, which made this stack");
    output("VaultUrl", url, "where the vault lies");
    output("OperatorRoleArn", operator.role.roleArn, "who changes keys, pins snapshots and makes tickets");
    output("RestoreUrl", iamUrl, "answers whoever IAM lets call it");
    if (ticketUrl !== null) output("TicketUrl", ticketUrl, "answers whoever has a ticket");
    if (ticketKey !== null) output("TicketKeyArn", ticketKey.keyArn, "signs tickets, for the operator role");
    output("RetentionSchedule", this.retention.schedule, "when it looks whose hour has come");
    output("AuditLog", audit.logGroup.logGroupName, "who put tickets, key files and marks");
    output("AlarmTopicArn", topic.topicArn, "what people are told by");
    for (const [name, { worker, queue, dead }] of Object.entries({
      Indexer: this.indexer,
      Retention: this.retention,
      Verifier: this.verifier,
    })) {
      output(`${name}Function`, worker.function.functionName, "called by hand, and by its queue");
      output(`${name}RoleArn`, worker.role.roleArn, `whom the bucket's policy lets by`);
      output(`${name}Queue`, queue.queueUrl, "what waits");
      output(`${name}DeadLetters`, dead.queueUrl, "what waited in vain");
    }
    const { worker } = this.presenter;
    output("PresenterFunction", worker.function.functionName, "coldkeep cloud status asks it");
    output("PresenterRoleArn", worker.role.roleArn, "whose rights URLs to restore by have");
  }
}

function bringBackOf({ bucket }: InfraConfig): Pick<PresenterProps, "bringBack"> {
  const archives = bucket.transitions.some((one) => one.class === "GLACIER" || one.class === "DEEP_ARCHIVE");
  return archives ? { bringBack: bucket.bring_back } : {};
}
