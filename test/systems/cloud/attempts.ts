import { GenerateMacCommand, KMSClient, VerifyMacCommand } from "@aws-sdk/client-kms";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  PutObjectRetentionCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface AttemptOn {
  readonly endpoint: string;
  readonly bucket: string;
  /** A bucket of somebody else's. */
  readonly elsewhere: string;
  /** What the stack gave out. */
  readonly stack: Readonly<Record<string, string>>;
  /** A snapshot of node `demo`. */
  readonly snapshot: string;
}

/** What there is to be done to a vault and around it, by what it is. Whoever may do it changes nothing that is in use. */
export type Attempt = (typeof ATTEMPTS)[number];

const ATTEMPTS = [
  "list",
  "list versions",
  "read a card",
  "read a pack",
  "read an earlier version",
  "read the index",
  "read head.json",
  "read revoked tickets",
  "add a card",
  "add a pack",
  "add a marker",
  "add a pin",
  "add a plan",
  "add a ticket",
  "add for another node",
  "replace the index",
  "replace a report",
  "replace key.json",
  "replace a card",
  "replace revoked tickets",
  "overwrite the index",
  "overwrite key.json",
  "overwrite a new name",
  "hide",
  "delete a version",
  "lock",
  "unlock",
  "change the bucket's policy",
  "read another bucket",
  "queue a job",
  "call a function",
  "sign a ticket",
  "check a ticket",
  "tell people",
] as const;

/** Tries everything with these credentials. @returns what was not denied. */
export async function allowedOf(on: AttemptOn, credentials: Credentials): Promise<readonly Attempt[]> {
  const { endpoint, bucket: Bucket, elsewhere, stack, snapshot } = on;
  const config = { endpoint, region: "us-east-1", credentials, maxAttempts: 1 };
  const s3 = new S3Client({ ...config, forcePathStyle: true });
  const key = (name: string) => ({ Bucket, Key: `nodes/${name}` });
  const get =
    (name: string, more: object = {}) =>
    () =>
      s3.send(new GetObjectCommand({ ...key(name), ...more }));
  const put = (name: string, more: object) => () =>
    s3.send(new PutObjectCommand({ ...key(name), Body: "attempted", ...more }));
  // Under names that are taken, and over versions that never were: what is not denied fails for that, and does nothing.
  const add = (name: string) => put(name, { IfNoneMatch: "*" });
  const replace = (name: string) => put(name, { IfMatch: '"00000000000000000000000000000000"' });
  const card = `demo/snapshots/${snapshot}.card.json`;
  const pack = `demo/data/${snapshot}/00000.pack`;
  const Mac = { KeyId: stack.TicketKeyArn, MacAlgorithm: "HMAC_SHA_256", Message: Buffer.from("x") } as const;
  const until = { Mode: "GOVERNANCE", RetainUntilDate: new Date(Date.UTC(2040, 0, 1)) } as const;
  const runs: Record<Attempt, () => Promise<unknown>> = {
    list: () => s3.send(new ListObjectsV2Command({ Bucket })),
    "list versions": () => s3.send(new ListObjectVersionsCommand({ Bucket })),
    "read a card": get(card),
    "read a pack": get(pack),
    "read an earlier version": get(pack, { VersionId: "none" }),
    "read the index": get("demo/index.json"),
    "read head.json": get("demo/head.json"),
    "read revoked tickets": get("tickets/revoked.json"),
    "add a card": add(card),
    "add a pack": add(pack),
    "add a marker": add("demo/snapshots/attempted.expired.1.json"),
    "add a pin": add("demo/pins/attempted/1.json"),
    "add a plan": add("demo/plans/attempted.json"),
    "add a ticket": add("tickets/attempted.json"),
    "add for another node": add(`idle/data/${snapshot}/00000.pack`),
    "replace the index": replace("demo/index.json"),
    "replace a report": replace("demo/reports/retention.json"),
    "replace key.json": replace(`demo/data/${snapshot}/key.json`),
    "replace a card": replace(card),
    "replace revoked tickets": replace("tickets/revoked.json"),
    "overwrite the index": put("demo/index.json", {}),
    "overwrite key.json": put(`demo/data/${snapshot}/key.json`, {}),
    "overwrite a new name": put("demo/data/attempted/00000.pack", {}),
    hide: () => s3.send(new DeleteObjectCommand(key(pack))),
    "delete a version": () => s3.send(new DeleteObjectCommand({ ...key("demo/attempted"), VersionId: "none" })),
    lock: () => s3.send(new PutObjectRetentionCommand({ ...key(pack), Retention: until })),
    unlock: () =>
      s3.send(
        new PutObjectRetentionCommand({
          ...key(pack),
          Retention: { Mode: "GOVERNANCE" },
          BypassGovernanceRetention: true,
        }),
      ),
    "change the bucket's policy": () => s3.send(new PutBucketPolicyCommand({ Bucket, Policy: "no policy" })),
    "read another bucket": () => s3.send(new GetObjectCommand({ Bucket: elsewhere, Key: "secret" })),
    "queue a job": () =>
      new SQSClient(config).send(new SendMessageCommand({ QueueUrl: stack.RetentionQueue, MessageBody: "{}" })),
    "call a function": () =>
      new LambdaClient(config).send(new InvokeCommand({ FunctionName: stack.RetentionFunction, Payload: "{}" })),
    "sign a ticket": () => new KMSClient(config).send(new GenerateMacCommand(Mac)),
    "check a ticket": () => new KMSClient(config).send(new VerifyMacCommand({ ...Mac, Mac: new Uint8Array(32) })),
    "tell people": () =>
      new SNSClient(config).send(new PublishCommand({ TopicArn: stack.AlarmTopicArn, Message: "attempted" })),
  };
  const allowed: Attempt[] = [];
  for (const attempt of ATTEMPTS) if (!(await isDenied(runs[attempt]))) allowed.push(attempt);
  return allowed;
}

async function isDenied(run: () => Promise<unknown>): Promise<boolean> {
  try {
    await run();
    return false;
  } catch (error) {
    const { name, $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } };
    if ($metadata?.httpStatusCode === undefined) throw error;
    return /AccessDenied|NotAuthorized|AuthorizationError/.test(name ?? "") || $metadata.httpStatusCode === 403;
  }
}
