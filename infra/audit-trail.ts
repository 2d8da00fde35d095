import { ArnFormat, RemovalPolicy, Stack } from "aws-cdk-lib";
import { Rule } from "aws-cdk-lib/aws-events";
import { CfnResourcePolicy, LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import type { VaultPlace } from "./place.ts";

/**
 * Writes down who put what by which somebody gets in, or which stays for good: tickets made and revoked, key files, marks of
 * operators. S3 tells EventBridge, which writes it into a log group: no function stands between, and nobody who may write to
 * the vault may write here.
 */
export class AuditTrail extends Construct {
  readonly logGroup: LogGroup;

  constructor(scope: Construct, id: string, { bucket, prefix }: VaultPlace, retention: RetentionDays) {
    super(scope, id);
    const stack = Stack.of(this);
    // EventBridge writes to names of this kind alone.
    const logGroupName = `/aws/events/coldkeep/${stack.stackName}`;
    this.logGroup = new LogGroup(this, "Log", {
      logGroupName,
      retention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const arn = stack.formatArn({
      ...{ service: "logs", resource: "log-group", resourceName: logGroupName },
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    const root = prefix === "" ? "" : `${prefix}/`;
    const rule = new Rule(this, "Rule", {
      description: "coldkeep: who put tickets, key files and marks",
      eventPattern: {
        source: ["aws.s3"],
        detailType: ["Object Created"],
        detail: {
          bucket: { name: [bucket.bucketName] },
          object: {
            key: [
              { prefix: `${root}tickets/` },
              { suffix: "/key.json" },
              { wildcard: `${root}*/snapshots/*.mark.*.json` },
            ],
          },
        },
      },
      targets: [{ bind: () => ({ arn: arn }) }],
    });
    new CfnResourcePolicy(this, "MayWrite", {
      policyName: `${stack.stackName}-audit`,
      policyDocument: stack.toJsonString({
        Version: "2012-10-17",
        Statement: [
          {
            Effect: "Allow",
            Principal: { Service: ["events.amazonaws.com", "delivery.logs.amazonaws.com"] },
            Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
            Resource: `${arn}:*`,
            Condition: { ArnEquals: { "aws:SourceArn": rule.ruleArn } },
          },
        ],
      }),
    });
  }
}
