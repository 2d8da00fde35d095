import { readFileSync } from "node:fs";
import { join } from "node:path";
import { IAMClient, UpdateAssumeRolePolicyCommand } from "@aws-sdk/client-iam";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { GetScheduleCommand, SchedulerClient, UpdateScheduleCommand } from "@aws-sdk/client-scheduler";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { systemClock } from "../../../posix/clock.ts";
import { ROOT, startMiniStack } from "../../e2e/ministack/index.ts";
import { createUser, type Statement, type UserEnv } from "../../e2e/ministack/users.ts";
import { endpointOf } from "../../e2e/s3.ts";
import { sharedTempDir, tempDir } from "../../support/tmp.ts";
import { type Attempt, allowedOf, type Credentials } from "./attempts.ts";
import { bootstrap, deploy } from "./deploy.ts";
import { type Host, makeHost } from "./host.ts";
import { until } from "./until.ts";

const aws = await startMiniStack();
const missing = "missing" in aws ? ` (${aws.missing})` : "";
afterAll(() => ("stop" in aws ? aws.stop() : undefined));

const READS: readonly Attempt[] = [
  ...(["list", "list versions", "read a card", "read a pack", "read an earlier version"] as const),
  ...(["read the index", "read head.json", "read revoked tickets"] as const),
];

const credentialsOf = (keys: UserEnv): Credentials => ({
  accessKeyId: keys.AWS_ACCESS_KEY_ID,
  secretAccessKey: keys.AWS_SECRET_ACCESS_KEY,
});

describe.skipIf(missing !== "")(`the stack, where policies are enforced${missing}`, { timeout: 300_000 }, () => {
  const folder = sharedTempDir("coldkeep-rights");
  const elsewhere = "somebody-elses";
  let endpoint: string;
  let stack: Readonly<Record<string, string>>;
  let host: Host;
  let asHost: Credentials;
  let snapshot: string;
  let root: S3Client;

  beforeAll(async () => {
    endpoint = endpointOf(aws);
    const account = {
      endpoint,
      folder,
      credentials: { id: ROOT.accessKeyId, secret: ROOT.secretAccessKey },
      context: { cli_credentials: "true" },
    };
    await bootstrap(account);
    ({ outputs: stack } = await deploy(account, { nodes: { demo: null, idle: null }, prefix: "nodes", tickets: true }));
    root = new S3Client({ endpoint, region: "us-east-1", forcePathStyle: true, credentials: ROOT });
    await root.send(new CreateBucketCommand({ Bucket: elsewhere }));
    await root.send(new PutObjectCommand({ Bucket: elsewhere, Key: "secret", Body: "x" }));
    const made = makeHost({ folder, endpoint, vault: stack.VaultUrl ?? "", node: "demo" });
    host = made;
    await as(ROOT, () => made.init());
    made.putOnly();
    const { Statement } = await host.run<{ Statement: Statement[] }>("cloud", "agent-policy", "--node", "demo");
    asHost = credentialsOf(await createUser(endpoint, Statement));
    await everyMinute();
  });
  afterAll(() => vi.unstubAllEnvs());

  const bucket = () => (stack.VaultUrl ?? "").split("/")[2] ?? "";

  /** Runs something whose AWS credentials are these. */
  async function as<T>({ accessKeyId, secretAccessKey, sessionToken }: Credentials, run: () => Promise<T>) {
    vi.stubEnv("AWS_ACCESS_KEY_ID", accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", secretAccessKey);
    if (sessionToken !== undefined) vi.stubEnv("AWS_SESSION_TOKEN", sessionToken);
    vi.stubEnv("AWS_ENDPOINT_URL", endpoint);
    vi.stubEnv("AWS_REGION", "us-east-1");
    try {
      return await run();
    } finally {
      vi.unstubAllEnvs();
    }
  }

  /** Credentials of a role of the stack, whoever it trusts. */
  async function roleOf(output: string): Promise<Credentials> {
    const RoleArn = stack[output] ?? "";
    // The service that has it, too, goes on.
    const Principal = { AWS: "arn:aws:iam::000000000000:root", Service: "lambda.amazonaws.com" };
    const trust = { Effect: "Allow", Principal, Action: "sts:AssumeRole" };
    await new IAMClient({ endpoint, region: "us-east-1", credentials: ROOT }).send(
      new UpdateAssumeRolePolicyCommand({
        RoleName: RoleArn.split("/").at(-1),
        PolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement: [trust] }),
      }),
    );
    const sts = new STSClient({ endpoint, region: "us-east-1", credentials: ROOT });
    const { Credentials: c } = await sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: "test" }));
    return {
      accessKeyId: c?.AccessKeyId ?? "",
      secretAccessKey: c?.SecretAccessKey ?? "",
      sessionToken: c?.SessionToken ?? "",
    };
  }

  const allowed = (credentials: Credentials) =>
    allowedOf({ endpoint, bucket: bucket(), elsewhere, stack, snapshot }, credentials);

  /** The schedule as it was deployed, but for its hour: the emulator knows no placeholders, nor has anybody a quarter of one. */
  async function everyMinute(): Promise<void> {
    const scheduler = new SchedulerClient({ endpoint, region: "us-east-1", credentials: ROOT });
    const deployed = await scheduler.send(new GetScheduleCommand({ Name: stack.RetentionSchedule }));
    const { Name, FlexibleTimeWindow, Target } = deployed;
    expect(deployed).toMatchObject({ State: "ENABLED", ScheduleExpression: "cron(0/15 * * * ? *)" });
    const Input = Target?.Input?.replace("<aws.scheduler.scheduled-time>", "2026-01-02T00:00:00Z");
    expect(Input).toBe('{"tick":"2026-01-02T00:00:00Z"}');
    const changed = { ...Target, Arn: Target?.Arn, RoleArn: Target?.RoleArn, Input };
    await scheduler.send(
      new UpdateScheduleCommand({ Name, FlexibleTimeWindow, Target: changed, ScheduleExpression: "rate(1 minute)" }),
    );
  }

  /** A Function URL, as the emulator answers it. */
  const urlOf = (output: string) =>
    `${endpoint}/_aws/lambda-url/${new URL(stack[output] ?? "").hostname.split(".")[0]}`;

  async function restore(from: string, by: Credentials, ...words: string[]) {
    const to = join(tempDir("coldkeep-elsewhere"), "restored");
    const ran = await as(by, () => host.attempt("restore", "--from", from, "--to", to, ...words));
    return { ...ran, same: () => readFileSync(join(to, "data", "large")).equals(readFileSync(host.file)) };
  }

  it("lists what a host put that may do nothing else: its policy and the indexer's are enough", async () => {
    const done = await as(asHost, () => host.run<{ snapshot: string; listed: boolean }>("backup"));
    expect(done.listed).toBe(true);
    snapshot = done.snapshot;
    const second = await as(asHost, () => host.run<{ parent: string; listed: boolean }>("backup"));
    expect(second).toMatchObject({ parent: snapshot, listed: true });
  });

  it("lets a host read, list, overwrite, delete and lock nothing, nor write elsewhere", async () => {
    expect(await allowed(asHost)).toEqual<Attempt[]>(["read the index", "read head.json", "add a card", "add a pack"]);
  });

  it.each<[string, readonly Attempt[]]>([
    ["IndexerRoleArn", [...READS, "replace the index"]],
    [
      "RetentionRoleArn",
      [
        ...READS,
        ...(["add a card", "add a marker", "add a plan", "replace the index", "replace a report"] as const),
        ...(["delete a version", "lock", "queue a job"] as const),
      ],
    ],
    ["VerifierRoleArn", [...READS, "replace the index", "replace a report", "tell people"]],
    ["PresenterRoleArn", [...READS.filter((one) => one !== "read head.json"), "add a pin", "check a ticket"]],
    [
      "OperatorRoleArn",
      [...READS, "add a pin", "add a ticket", "replace key.json", "replace revoked tickets", "sign a ticket"],
    ],
  ])("lets %s do its job, and nothing else", async (role, expected) => {
    expect(await allowed(await roleOf(role))).toEqual(expected);
  });

  it("verifies by the verifier's own rights, and puts its report", async () => {
    const lambda = new LambdaClient({ endpoint, region: "us-east-1", credentials: ROOT });
    const { Payload, FunctionError } = await lambda.send(
      new InvokeCommand({ FunctionName: stack.VerifierFunction, Payload: '{"node":"demo"}' }),
    );
    expect(FunctionError, Buffer.from(Payload ?? []).toString()).toBeUndefined();
    expect(await report("verifier")).toMatchObject({ snapshots: 2, findings: [] });
  });

  it("answers at the iam URL whom IAM lets call it, and nobody else", async () => {
    const from = urlOf("RestoreUrl");
    const { status } = await fetch(`${from}/nodes`);
    expect(status).toBe(403);
    const nobody = credentialsOf(
      await createUser(endpoint, [{ Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::*" }]),
    );
    expect((await restore(from, nobody)).code).toBe(14);
    const Resource = `arn:aws:lambda:us-east-1:000000000000:function:${stack.PresenterFunction}:iam`;
    const rights = [
      { Effect: "Allow", Action: ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"], Resource } as const,
    ];
    const { code, stderr, same } = await restore(from, credentialsOf(await createUser(endpoint, rights)));
    expect(code, stderr).toBe(0);
    expect(same()).toBe(true);
  });

  it("answers at the ticket URL a valid ticket, made by the operator, and nothing else", async () => {
    const from = urlOf("TicketUrl");
    const operator = await roleOf("OperatorRoleArn");
    const ticket = async (name: string, now: () => number) => {
      const file = join(folder, `${name}.ticket`);
      const made = ["ticket", "create", "--ticket-key", `kms:${stack.TicketKeyArn}`, "--expires", "1h", "--to", file];
      await as(operator, () => host.runAt(now, ...made));
      return file;
    };
    const nobody = { accessKeyId: "", secretAccessKey: "" };
    const file = await ticket("good", systemClock.now);
    const { code, stderr, same } = await restore(from, nobody, "--ticket-file", file);
    expect(code, stderr).toBe(0);
    expect(same()).toBe(true);

    const asked = async (authorization?: string) =>
      (await fetch(`${from}/nodes/demo/latest`, { headers: authorization === undefined ? {} : { authorization } }))
        .status;
    const text = readFileSync(file, "utf8").trim();
    expect(await asked(`Bearer ${text}`)).toBe(200);
    const expired = await ticket("expired", () => systemClock.now() - 2 * 3_600_000);
    const [prefix, payload, mac = ""] = text.split(".");
    const other = Buffer.from(
      JSON.stringify({ ...JSON.parse(Buffer.from(payload ?? "", "base64url").toString()), node: "idle" }),
    );
    const refused = [
      undefined,
      "Bearer nonsense",
      `Bearer ${readFileSync(expired, "utf8").trim()}`,
      `Bearer ${prefix}.${payload}.${Buffer.from(mac, "base64url").reverse().toString("base64url")}`,
      `Bearer ${prefix}.${other.toString("base64url")}.${mac}`,
      "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=00",
    ];
    for (const one of refused) expect(await asked(one), one).toBe(401);
    const idle = await fetch(`${from}/nodes/idle/latest`, { headers: { authorization: `Bearer ${text}` } });
    expect(idle.status).toBe(403);
  });

  it("has retention run by its schedule, by the scheduler's own role", async () => {
    expect(await report("retention")).toMatchObject({ applied: true, snapshots: 2, expired: [], held: [] });
  });

  /** What a job laid down, once it has. */
  const report = (job: string) =>
    until(`the report of ${job}`, async () => {
      try {
        const Key = `nodes/demo/reports/${job}.json`;
        const { Body } = await root.send(new GetObjectCommand({ Bucket: bucket(), Key }));
        return JSON.parse((await Body?.transformToString()) ?? "") as Record<string, unknown>;
      } catch {
        return null;
      }
    });
});
