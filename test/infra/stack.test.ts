import { readFileSync } from "node:fs";
import { Validations } from "aws-cdk-lib";
import { Match } from "aws-cdk-lib/assertions";
import { AwsSolutionsChecks } from "cdk-nag";
import { describe, expect, it } from "vitest";
import { JOBS } from "../../infra/jobs.ts";
import type { WrittenInfraConfig } from "../../infra/types.ts";
import { BUCKET_ACTIONS, type FacetName, OBJECT_ACTIONS } from "../../vault/store/s3/rights.ts";
import { sharedTempDir } from "../support/tmp.ts";
import { makeStack } from "./stack.ts";

const NODES = { nodes: { icon: null, eth: null } };

interface Statement {
  readonly Sid?: string;
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

const listOf = <T>(value: T | readonly T[]): readonly T[] => (Array.isArray(value) ? value : [value]) as readonly T[];

describe("the stack", () => {
  const { template: made } = makeStack(sharedTempDir("coldkeep-stack"), { ...NODES, prefix: "nodes" });
  const template = made();
  const all = (type: string) => Object.entries(template.findResources(type)) as [string, { Properties: never }][];

  it("has a bucket that keeps versions, locks them, is private and encrypted, and stays", () => {
    template.hasResource("AWS::S3::Bucket", {
      DeletionPolicy: "Retain",
      UpdateReplacePolicy: "Retain",
      Properties: {
        VersioningConfiguration: { Status: "Enabled" },
        ObjectLockEnabled: true,
        ObjectLockConfiguration: {
          ObjectLockEnabled: "Enabled",
          Rule: { DefaultRetention: { Mode: "GOVERNANCE", Days: 30 } },
        },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        OwnershipControls: { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] },
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } }],
        },
        LifecycleConfiguration: {
          Rules: [
            {
              AbortIncompleteMultipartUpload: { DaysAfterInitiation: 3 },
              NoncurrentVersionExpiration: { NoncurrentDays: 30 },
              Status: "Enabled",
            },
          ],
        },
        NotificationConfiguration: {
          QueueConfigurations: [
            { Event: "s3:ObjectCreated:*", Filter: { S3Key: { Rules: [{ Name: "suffix", Value: ".card.json" }] } } },
          ],
        },
      },
    });
  });

  it("denies plain HTTP, old TLS, overwriting, delete markers, and deletion to all but retention", () => {
    const policies = template.findResources("AWS::S3::BucketPolicy");
    const [policy] = Object.values(policies) as { Properties: { PolicyDocument: { Statement: Statement[] } } }[];
    const statements = policy?.Properties.PolicyDocument.Statement ?? [];
    const by = (sid: string) => statements.find(({ Sid }) => Sid === sid);
    expect(statements.every(({ Effect }) => Effect === "Deny")).toBe(true);
    expect(JSON.stringify(statements)).toContain('"aws:SecureTransport":"false"');
    expect(JSON.stringify(statements)).toContain('"s3:TlsVersion":1.2');
    expect(by("CreateOnly")).toMatchObject({
      Action: "s3:PutObject",
      Principal: { AWS: "*" },
      Condition: {
        Null: { "s3:if-none-match": "true" },
        Bool: { "s3:ObjectCreationOperation": "true" },
        ArnNotEquals: { "aws:PrincipalArn": expect.any(Array) },
      },
    });
    expect(by("OperatorReplacesKeyFilesOnly")).toMatchObject({
      Action: "s3:PutObject",
      NotResource: expect.any(Array),
    });
    expect(by("NoDeleteMarkers")).toMatchObject({ Action: "s3:DeleteObject", Principal: { AWS: "*" } });
    expect(by("NoDeleteMarkers")?.Condition).toBeUndefined();
    const deleters = by("RetentionAloneDeletes")?.Condition;
    expect(JSON.stringify(deleters)).toMatch(/RetentionWorkerRole/);
    expect(JSON.stringify(deleters)).not.toMatch(/Indexer|Verifier|Operator/);
  });

  it("runs every function on Node 24, arm64, with a log that ends, and nothing secret in its environment", () => {
    const functions = all("AWS::Lambda::Function") as unknown as [string, { Properties: Record<string, unknown> }][];
    expect(functions).toHaveLength(4);
    for (const [, { Properties }] of functions) {
      expect(Properties).toMatchObject({ Runtime: "nodejs24.x", Architectures: ["arm64"], Handler: "index.handler" });
      expect(Object.keys((Properties.Environment as { Variables: object }).Variables)).toEqual(
        expect.arrayContaining(["COLDKEEP_VAULT"]),
      );
    }
    // One a function, and the audit trail.
    template.resourceCountIs("AWS::Logs::LogGroup", 5);
    template.allResourcesProperties("AWS::Logs::LogGroup", { RetentionInDays: 90 });
    // No function that CDK brings along.
    template.resourcePropertiesCountIs("AWS::Lambda::Function", { Handler: "index.handler" }, 4);
  });

  it("hands out batches whose failures come back alone, and keeps what failed for good", () => {
    template.hasResourceProperties("AWS::Lambda::EventSourceMapping", {
      BatchSize: 100,
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      ScalingConfig: { MaximumConcurrency: 2 },
    });
    template.resourcePropertiesCountIs("AWS::SQS::Queue", { RedrivePolicy: Match.anyValue() }, 3);
    template.allResourcesProperties("AWS::SQS::Queue", { SqsManagedSseEnabled: true, MessageRetentionPeriod: 1209600 });
  });

  it("ticks every 15 minutes, for both nightly jobs, and says which tick it is", () => {
    template.resourcePropertiesCountIs(
      "AWS::Scheduler::Schedule",
      {
        ScheduleExpression: "cron(0/15 * * * ? *)",
        State: "ENABLED",
        Target: Match.objectLike({
          Input: '{"tick":"<aws.scheduler.scheduled-time>"}',
          DeadLetterConfig: Match.anyValue(),
        }),
      },
      2,
    );
  });

  it("gives each function what its job's facets ask for, and nothing else", () => {
    const policies = template.findResources("AWS::IAM::Policy") as Record<
      string,
      { Properties: { PolicyDocument: { Statement: Statement[] }; Roles: { Ref: string }[] } }
    >;
    for (const [job, grants] of Object.entries(JOBS)) {
      const title = job[0]?.toUpperCase() + job.slice(1);
      const found = Object.entries(policies).find(([name]) => name.startsWith(`${title}WorkerRole`));
      const statements = found?.[1].Properties.PolicyDocument.Statement ?? [];
      const s3 = statements.flatMap(({ Action, Effect }) => {
        expect(Effect).toBe("Allow");
        return listOf(Action).filter((action) => action.startsWith("s3:"));
      });
      const asked = (Object.keys(grants) as FacetName[]).flatMap((facet) => [
        ...OBJECT_ACTIONS[facet],
        ...BUCKET_ACTIONS[facet],
      ]);
      expect(new Set(s3), job).toEqual(new Set(asked));
      const others = statements.flatMap(({ Action }) => listOf(Action)).filter((action) => !action.startsWith("s3:"));
      expect(
        others.every((action) => /^(logs|sqs|sns):/.test(action)),
        `${job}: ${others}`,
      ).toBe(true);
      expect(JSON.stringify(statements)).not.toContain('"Resource":"*"');
      // What is put is put on a condition: that nothing is there, or that it is what was read.
      for (const { Sid, Action, Condition } of statements.filter(({ Action }) =>
        listOf(Action).includes("s3:PutObject"),
      )) {
        expect(Action, Sid).toBe("s3:PutObject");
        expect(JSON.stringify(Condition), Sid).toMatch(/^{"Null":{"s3:if-(none-)?match":"false"}}$/);
      }
      // All of them below the vault's prefix.
      for (const { Sid, Resource } of statements.filter(({ Action }) =>
        listOf(Action).some((action) => /^s3:(?!.*Bucket).*Object/.test(action)),
      )) {
        for (const one of listOf(Resource)) expect(JSON.stringify(one), Sid).toMatch(/"\/nodes\//);
      }
    }
  });

  it("lets the operator replace key files and the list of revoked tickets, on condition, and delete nothing", () => {
    const [, policy] =
      Object.entries(template.findResources("AWS::IAM::Policy")).find(([name]) => name.startsWith("OperatorRole")) ??
      [];
    const statements = (policy as { Properties: { PolicyDocument: { Statement: Statement[] } } }).Properties
      .PolicyDocument.Statement;
    expect(JSON.stringify(statements)).not.toMatch(/Delete|Bypass|"s3:\*"/);
    const replace = statements.find(({ Sid }) => Sid === "ReplaceWhatWasRead");
    expect(replace?.Condition).toEqual({ Null: { "s3:if-match": "false" } });
    expect(JSON.stringify(replace?.Resource)).toMatch(/\*\/key\.json.*tickets\/revoked\.json/);
    expect(statements.find(({ Sid }) => Sid === "Add")?.Condition).toEqual({ Null: { "s3:if-none-match": "false" } });
  });

  it("answers restores by IAM alone, unless tickets are asked for", () => {
    template.resourcePropertiesCountIs("AWS::Lambda::Url", { AuthType: "AWS_IAM", Qualifier: "iam" }, 1);
    template.resourceCountIs("AWS::Lambda::Url", 1);
    template.resourceCountIs("AWS::KMS::Key", 0);
    const { template: other } = makeStack(sharedTempDir("coldkeep-tickets"), { ...NODES, tickets: true });
    const made = other();
    made.hasResourceProperties("AWS::Lambda::Url", { AuthType: "NONE", Qualifier: "ticket" });
    made.hasResourceProperties("AWS::KMS::Key", { KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" });
    made.hasResourceProperties("AWS::Lambda::Function", {
      ReservedConcurrentExecutions: 20,
      Environment: { Variables: Match.objectLike({ COLDKEEP_TICKET_KEY: Match.anyValue() }) },
    });
    // The function checks tickets and signs none; the operator signs and needs not check.
    const policies = made.findResources("AWS::IAM::Policy");
    const rights = (name: string) =>
      JSON.stringify(Object.entries(policies).find(([id]) => id.startsWith(name))?.[1]).match(/kms:\w+/g);
    expect(rights("PresenterWorkerRole")).toEqual(["kms:VerifyMac"]);
    expect(rights("OperatorRole")).toEqual(["kms:GenerateMac"]);
  });

  it("writes down who put tickets, key files and marks, by no function of ours", () => {
    template.hasResourceProperties("AWS::S3::Bucket", {
      NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } },
    });
    const [rule] = Object.values(template.findResources("AWS::Events::Rule")) as {
      Properties: { EventPattern: object; Targets: { Arn: unknown }[] };
    }[];
    expect(rule?.Properties.EventPattern).toMatchObject({
      source: ["aws.s3"],
      detail: {
        object: {
          key: [{ prefix: "nodes/tickets/" }, { suffix: "/key.json" }, { wildcard: "nodes/*/snapshots/*.mark.*.json" }],
        },
      },
    });
    expect(JSON.stringify(rule?.Properties.Targets)).toContain(":log-group:/aws/events/coldkeep/Coldkeep");
    // Nobody of the stack may write there but EventBridge, by this rule.
    const policies = template.findResources("AWS::Logs::ResourcePolicy");
    expect(JSON.stringify(policies)).toMatch(/events\.amazonaws\.com.*logs:PutLogEvents.*aws:SourceArn/);
    expect(JSON.stringify(template.findResources("AWS::IAM::Policy"))).not.toContain("/aws/events/");
  });

  it("rings for each thing that has an article in docs/OPERATIONS.md", () => {
    const alarms = template.findResources("AWS::CloudWatch::Alarm") as Record<
      string,
      { Properties: { AlarmActions: unknown[]; AlarmDescription: string } }
    >;
    for (const { Properties } of Object.values(alarms)) {
      expect(Properties.AlarmActions).toHaveLength(1);
      expect(Properties.AlarmDescription).toMatch(/See docs\/OPERATIONS\.md, \w+\.$/);
    }
    const page = readFileSync(new URL("../../docs/OPERATIONS.md", import.meta.url), "utf8");
    const articles = [...page.matchAll(/^### (\w+)$/gm)].map(([, name]) => name);
    const named = Object.values(alarms).map(({ Properties }) => /, (\w+)\.$/.exec(Properties.AlarmDescription)?.[1]);
    expect(named.sort()).toEqual(articles.sort());
  });

  it("tells what to paste into an agent's configuration", () => {
    const outputs = template.toJSON().Outputs as Record<string, { Value: unknown }>;
    expect(JSON.stringify(outputs.AgentConfig?.Value)).toContain("put_only: true");
    expect(Object.keys(outputs)).toEqual(expect.arrayContaining(["VaultUrl", "OperatorRoleArn", "IndexerDeadLetters"]));
  });
});

describe("a stack", () => {
  it("does not grow with its nodes", () => {
    const count = (nodes: number) => {
      const names = Object.fromEntries(Array.from({ length: nodes }, (_, n) => [`node-${n}`, null]));
      const { template } = makeStack(sharedTempDir("coldkeep-many"), { nodes: names });
      return Object.keys(template().toJSON().Resources).length;
    };
    expect(count(2000)).toBe(count(1));
  });

  it.each([
    ["aws-cn", "cn-north-1"],
    ["aws-us-gov", "us-gov-west-1"],
    ["aws", "eu-central-1"],
  ])("names nothing of another partition in %s", (partition, region) => {
    const { template } = makeStack(
      sharedTempDir("coldkeep-partition"),
      {
        ...{ ...NODES, prefix: "nodes", tickets: true, xray: true, alarm_email: "ops@example.com" },
        bucket: {
          kms_key_arn: `arn:${partition}:kms:${region}:123456789012:key/00000000-0000-0000-0000-000000000000`,
          transitions: [{ class: "DEEP_ARCHIVE", after_days: 60 }],
        },
        operators: [`arn:${partition}:iam::123456789012:role/ops`],
        replication: { bucket_arn: `arn:${partition}:s3:::far-away` },
      },
      { account: "123456789012", region },
    );
    const text = JSON.stringify(template().toJSON());
    const named = [...text.matchAll(/arn:([a-z-]*):/g)].map(([, name]) => name);
    expect(new Set(named)).toEqual(new Set([partition]));
    // Services are called alike in all of them, but for those that AWS says otherwise of.
    const services = [...text.matchAll(/"Service":"([^"]+)"/g)].map(([, name]) => name);
    expect(new Set(services)).toEqual(
      new Set(["lambda", "s3", "scheduler", "cloudwatch"].map((name) => `${name}.amazonaws.com`)),
    );
  });

  it("answers restores by HTTP APIs in GovCloud, which has no Function URLs: by IAM, and by ticket", () => {
    const env = { account: "123456789012", region: "us-gov-west-1" };
    const { app, template } = makeStack(sharedTempDir("coldkeep-gov"), { ...NODES, tickets: true }, env);
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app, { verbose: true }));
    const made = template();
    made.resourceCountIs("AWS::Lambda::Url", 0);
    made.resourceCountIs("AWS::ApiGatewayV2::Api", 2);
    made.resourcePropertiesCountIs("AWS::ApiGatewayV2::Route", { AuthorizationType: "AWS_IAM" }, 1);
    made.resourcePropertiesCountIs("AWS::ApiGatewayV2::Route", { AuthorizationType: "NONE" }, 1);
    made.allResourcesProperties("AWS::ApiGatewayV2::Integration", { PayloadFormatVersion: "2.0" });
    const { RestoreUrl, TicketUrl } = made.toJSON().Outputs;
    expect(JSON.stringify([RestoreUrl, TicketUrl])).toMatch(/ApiEndpoint.*ApiEndpoint/);
  });

  it("leaves its partition open where it is not known yet", () => {
    const { template } = makeStack(sharedTempDir("coldkeep-partition"), { ...NODES, tickets: true });
    expect(JSON.stringify(template().toJSON())).not.toMatch(/arn:aws/);
  });

  it("leaves a bucket that is there already as it is", () => {
    const { template } = makeStack(sharedTempDir("coldkeep-old"), { ...NODES, bucket: { existing: "my-old-bucket" } });
    const made = template();
    made.resourceCountIs("AWS::S3::Bucket", 0);
    made.resourceCountIs("AWS::S3::BucketPolicy", 0);
    expect(JSON.stringify(made.toJSON().Outputs.VaultUrl.Value)).toContain("s3://my-old-bucket");
  });

  it("encrypts with a key of the account, moves packs to cheaper classes, and replicates, where asked to", () => {
    const { template } = makeStack(sharedTempDir("coldkeep-rich"), {
      ...NODES,
      bucket: {
        kms_key_arn: "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000",
        lock: { mode: "compliance", days: 90 },
        transitions: [{ class: "GLACIER_IR", after_days: 30 }],
      },
      replication: { bucket_arn: "arn:aws:s3:::far-away" },
      alarm_email: "ops@example.com",
      xray: true,
    });
    const made = template();
    made.hasResourceProperties("AWS::S3::Bucket", {
      ObjectLockConfiguration: { Rule: { DefaultRetention: { Mode: "COMPLIANCE", Days: 90 } } },
      LifecycleConfiguration: {
        Rules: Match.arrayWith([
          Match.objectLike({
            ObjectSizeGreaterThan: 1048576,
            Transitions: [{ StorageClass: "GLACIER_IR", TransitionInDays: 30 }],
          }),
        ]),
      },
      ReplicationConfiguration: Match.objectLike({
        Rules: [Match.objectLike({ DeleteMarkerReplication: { Status: "Disabled" } })],
      }),
    });
    made.hasResourceProperties("AWS::SNS::Subscription", { Protocol: "email", Endpoint: "ops@example.com" });
    made.hasResourceProperties("AWS::Lambda::Function", { TracingConfig: { Mode: "Active" } });
    expect(JSON.stringify(made.findResources("AWS::IAM::Policy"))).toContain("kms:GenerateDataKey");
  });

  it("has packs brought back from archives where there are any, and its owner does not say off", () => {
    const bucketOf = (more: object) => ({
      ...NODES,
      bucket: { transitions: [{ class: "DEEP_ARCHIVE" as const, after_days: 60 }], ...more },
    });
    const rights = (written: WrittenInfraConfig) => {
      const { template } = makeStack(sharedTempDir("coldkeep-archive"), written);
      const made = template();
      const [, policy] =
        Object.entries(made.findResources("AWS::IAM::Policy")).find(([id]) => id.startsWith("PresenterWorkerRole")) ??
        [];
      const told = JSON.stringify(made.findResources("AWS::Lambda::Function")).match(
        /"COLDKEEP_BRING_BACK":"(\w+)"/,
      )?.[1];
      return [/s3:RestoreObject/.test(JSON.stringify(policy)), told];
    };
    expect(rights(NODES)).toEqual([false, undefined]);
    expect(rights(bucketOf({}))).toEqual([true, "bulk"]);
    expect(rights(bucketOf({ bring_back: "off" }))).toEqual([false, "off"]);
  });

  it.each([
    ["plain", {}],
    ["with an archive", { bucket: { transitions: [{ class: "GLACIER" as const, after_days: 30 }] } }],
    ["with tickets", { tickets: true }],
    [
      "with a key and replication",
      {
        bucket: { kms_key_arn: "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000" },
        replication: { bucket_arn: "arn:aws:s3:::far-away" },
      },
    ],
    ["over an existing bucket", { bucket: { existing: "my-old-bucket" }, prefix: "a/b" }],
  ])("has nothing that cdk-nag finds and nobody explains: %s", (_name, more) => {
    const { app } = makeStack(sharedTempDir("coldkeep-nag"), { ...NODES, ...more });
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app, { verbose: true }));
    expect(() => app.synth()).not.toThrow();
  });
});
