import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { EXIT_CODES } from "../../../agent/exit-codes.ts";
import { readPage } from "../../../keeper/page/index.ts";
import { systemClock } from "../../../posix/clock.ts";
import { VERSION } from "../../../vault/names/index.ts";
import { runHere } from "../../cli/run.ts";
import { startLocalStack } from "../../e2e/emulator/localstack.ts";
import { endpointOf, makeBucket, plainClient } from "../../e2e/s3.ts";
import { sharedTempDir, tempDir } from "../../support/tmp.ts";
import { bootstrap, type Deployed, deploy } from "./deploy.ts";
import { type Host, makeHost } from "./host.ts";
import { relayTo } from "./relay.ts";
import { until } from "./until.ts";

const aws = await startLocalStack();
const missing = "missing" in aws ? ` (${aws.missing})` : "";

describe.skipIf(missing !== "")(`the stack, deployed by cdk to LocalStack${missing}`, { timeout: 300_000 }, () => {
  const folder = sharedTempDir("coldkeep-cloud");
  let host: Host;
  let coldkeep: Host["run"];
  let stack: Deployed["outputs"];
  let first: string;
  let lambda: LambdaClient;
  let sqs: SQSClient;

  beforeAll(async () => {
    const endpoint = endpointOf(aws);
    const account = { endpoint, folder };
    await bootstrap(account);
    ({ outputs: stack } = await deploy(account, { nodes: { demo: null, idle: null }, prefix: "nodes", tickets: true }));
    lambda = new LambdaClient({ endpoint, region: "us-east-1" });
    sqs = new SQSClient({ endpoint, region: "us-east-1" });
    const made = makeHost({ folder, endpoint, vault: stack.VaultUrl ?? "", node: "demo" });
    host = made;
    coldkeep = host.run;
    await made.init();
    host.putOnly();
    vi.stubEnv("AWS_ENDPOINT_URL", endpoint);
    vi.stubEnv("AWS_REGION", "us-east-1");
  });
  afterAll(() => vi.unstubAllEnvs());
  afterAll(() => ("stop" in aws ? aws.stop() : undefined));

  async function call<T>(name: string, payload: object): Promise<T> {
    const { Payload, FunctionError } = await lambda.send(
      new InvokeCommand({ FunctionName: stack[name], Payload: JSON.stringify(payload) }),
    );
    const text = Buffer.from(Payload ?? new Uint8Array(0)).toString();
    if (FunctionError !== undefined) throw new Error(`${name}: ${text}`);
    return JSON.parse(text) as T;
  }

  const bucket = () => (stack.VaultUrl ?? "").split("/")[2] ?? "";

  /** Messages that wait or are being worked on. */
  const waiting = async (queue: string) => {
    const AttributeNames = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"] as const;
    const asked = { QueueUrl: stack[queue], AttributeNames: [...AttributeNames] };
    const { Attributes = {} } = await sqs.send(new GetQueueAttributesCommand(asked));
    return AttributeNames.reduce((sum, name) => sum + Number(Attributes[name] ?? 0), 0);
  };

  const depth = async (queue: string) => {
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: stack[queue], AttributeNames: ["ApproximateNumberOfMessages"] }),
    );
    return Number(Attributes?.ApproximateNumberOfMessages ?? 0);
  };

  it("lists a backup that its host only put: card, event, queue, function, backup_list", async () => {
    const done = await coldkeep<{ snapshot: string; listed: boolean }>("backup");
    expect(done.listed).toBe(true);
    first = done.snapshot;
    const list = await plainClient(endpointOf(aws)).send(
      new GetObjectCommand({ Bucket: bucket(), Key: "nodes/demo/backup_list" }),
    );
    expect(await list.Body?.transformToString()).toBe(`${first.slice(0, 8)}/${first}\n`);
    const second = await coldkeep<{ parent: string; listed: boolean }>("backup");
    expect(second).toMatchObject({ parent: first, listed: true });
    const { snapshots } = await coldkeep<{ snapshots: { state: string }[] }>("list");
    expect(snapshots.map(({ state }) => state)).toEqual(["good", "good"]);
    await until("the status page tells of both nodes", async () => {
      const page = await plainClient(endpointOf(aws)).send(
        new GetObjectCommand({ Bucket: bucket(), Key: "nodes/status.html" }),
      );
      const nodes = readPage((await page.Body?.transformToByteArray()) ?? new Uint8Array(0)) ?? [];
      const told = nodes.map(({ node, counts, alarms }) => [node, counts[0], alarms[0]?.[0]].join(" "));
      return told.join("; ") === "idle 0 none; demo 2 " ? true : null;
    });
  });

  it("restores by a ticket on a machine that has nothing but the key", async () => {
    // The emulator's host names end in a number, which is no URL.
    const relay = await relayTo(endpointOf(aws), stack.TicketUrl?.split("/")[2] ?? "");
    const empty = tempDir("coldkeep-empty");
    const ticketFile = join(empty, "demo.ticket");
    const key = `kms:${stack.TicketKeyArn}`;
    await coldkeep("ticket", "create", "--ticket-key", key, "--expires", "1h", "--to", ticketFile);
    const restore = (to: string) =>
      runHere(["restore", "--from", relay.url, "--ticket-file", ticketFile, "--identity", host.keyFile, "--to", to], {
        clock: systemClock,
      });
    const { code, stdout, stderr } = await restore(join(empty, "restored"));
    expect(code, stdout + stderr).toBe(0);
    expect(readFileSync(join(empty, "restored", "data", "large")).equals(readFileSync(host.file))).toBe(true);
    const authorization = `Bearer ${readFileSync(ticketFile, "utf8").trim()}`;
    const page = await fetch(`${relay.url}/status.html`, { headers: { authorization } });
    expect(page.headers.get("content-security-policy")).toMatch(/^default-src 'none'; .*frame-ancestors 'none'$/);
    expect((readPage(Buffer.from(await page.arrayBuffer())) ?? []).map(({ node }) => node)).toEqual(["demo"]);
    const { status } = await fetch(`${relay.url}/nodes/demo/latest`);
    expect(status).toBe(401);
    await relay.stop();
  });

  it("has written down who made the ticket, put key files and set a tag: S3 tells it, by no function of ours", async () => {
    await coldkeep("tag", first, "--add", "audited");
    // By the API itself: nothing else here asks for logs.
    const headers = {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": "Logs_20140328.FilterLogEvents",
      authorization:
        "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/logs/aws4_request, SignedHeaders=host, Signature=0",
    };
    const body = JSON.stringify({ logGroupName: stack.AuditLog });
    const wanted = [
      /"nodes\/tickets\/issued\/[^"]+\.json"/,
      /"nodes\/demo\/data\/[^"]+\/key\.json"/,
      /\.mark\.1\.json"/,
    ];
    const told = await until("the audit log's lines", async () => {
      const answer = await fetch(endpointOf(aws), { method: "POST", headers, body });
      const text = await answer.text();
      if (!answer.ok) throw new Error(text);
      const { events } = JSON.parse(text) as { events: { message: string }[] };
      const lines = events.map(({ message }) => message);
      return wanted.every((one) => lines.some((line) => one.test(line))) ? lines : null;
    });
    // Nothing of it is about what every backup puts.
    expect(told.filter((line) => /\.pack"|\.card\.json"/.test(line))).toEqual([]);
    expect(told[0]).toMatch(/"requester"|"source-ip-address"/);
  });

  it("changes nothing for events that come again, out of order, late, or that are none", async () => {
    const { snapshots } = await coldkeep<{ snapshots: { snapshot: string }[] }>("list");
    const read = async () =>
      (
        await plainClient(endpointOf(aws)).send(
          new GetObjectCommand({ Bucket: bucket(), Key: "nodes/demo/index.json" }),
        )
      ).ETag;
    const before = await read();
    const keys = snapshots.map(({ snapshot }) => `nodes/demo/snapshots/${snapshot}.card.json`);
    const bodies = [...keys, ...keys.reverse(), `${keys[0]}x`, "%"].map((key) =>
      JSON.stringify({ Records: [{ s3: { bucket: { name: bucket() }, object: { key } } }] }),
    );
    bodies.push("not json", "{}", JSON.stringify({ Service: "Amazon S3", Event: "s3:TestEvent" }));
    for (const MessageBody of bodies) {
      await sqs.send(new SendMessageCommand({ QueueUrl: stack.IndexerQueue, MessageBody }));
    }
    await until("an empty queue", async () => ((await waiting("IndexerQueue")) === 0 ? true : null));
    expect(await read()).toBe(before);
    expect(await depth("IndexerDeadLetters")).toBe(0);
  });

  it("loses nothing where retention runs while a host backs up", async () => {
    const nights = Array.from({ length: 4 }, () => call("RetentionFunction", { node: "demo" }));
    const [done] = await Promise.all([coldkeep<{ snapshot: string; listed: boolean }>("backup"), ...nights]);
    expect(done.listed).toBe(true);
    const { snapshots } = await coldkeep<{ snapshots: { snapshot: string; state: string }[] }>("list");
    expect(snapshots.map(({ state }) => state)).toEqual(["good", "good", "good"]);
    expect(snapshots[0]?.snapshot).toBe(done.snapshot);
    await coldkeep("verify", "--all", "--without-key");
  });

  it.each(["RetentionFunction", "VerifierFunction"])("has a status page that %s writes", async (name) => {
    const client = plainClient(endpointOf(aws));
    const page = { Bucket: bucket(), Key: "nodes/status.html" };
    await client.send(new DeleteObjectCommand(page));
    await call(name, { node: "demo" });
    const { Body } = await client.send(new GetObjectCommand(page));
    const told = readPage((await Body?.transformToByteArray()) ?? new Uint8Array(0)) ?? [];
    expect(told.map(({ node, counts }) => [node, counts[0]])).toEqual([
      ["idle", 0],
      ["demo", 3],
    ]);
  });

  it("makes the index anew when asked to", async () => {
    const client = plainClient(endpointOf(aws));
    await client.send(new DeleteObjectCommand({ Bucket: bucket(), Key: "nodes/demo/index.json" }));
    expect(await call("IndexerFunction", { rebuild: "demo" })).toMatchObject({ node: "demo", snapshots: 3 });
    expect(await coldkeep("list")).toMatchObject({ snapshots: Array(3).fill({ state: "good" }) });
  });

  it("passes over foreign cards, and lays what cannot be done with the dead letters", async () => {
    const client = plainClient(endpointOf(aws));
    // Five tries at once, in place of one every twelve minutes.
    await sqs.send(
      new SetQueueAttributesCommand({ QueueUrl: stack.IndexerQueue, Attributes: { VisibilityTimeout: "1" } }),
    );
    await client.send(new PutObjectCommand({ Bucket: bucket(), Key: "elsewhere/x.card.json", Body: "{}" }));
    // A node of this deployment without a node.json: nobody can tell whose its cards are.
    const Key = `nodes/idle/snapshots/${first}.card.json`;
    await client.send(new PutObjectCommand({ Bucket: bucket(), Key, Body: "{}" }));
    const body = await until("a dead letter", async () => {
      const { Messages } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl: stack.IndexerDeadLetters, VisibilityTimeout: 0 }),
      );
      return Messages?.[0]?.Body ?? null;
    });
    expect(body).toContain(`nodes/idle/snapshots/${first}.card.json`);
    expect(await depth("IndexerQueue")).toBe(0);

    // The host makes itself known after all, and an operator sends the dead letters on their way again.
    await client.send(new DeleteObjectCommand({ Bucket: bucket(), Key }));
    const late = makeHost({
      folder: join(folder, "late"),
      endpoint: endpointOf(aws),
      vault: stack.VaultUrl ?? "",
      node: "idle",
    });
    await late.init();
    const arnOf = async (output: string) =>
      (await sqs.send(new GetQueueAttributesCommand({ QueueUrl: stack[output], AttributeNames: ["QueueArn"] })))
        .Attributes?.QueueArn;
    await sqs.send(
      new StartMessageMoveTaskCommand({
        SourceArn: await arnOf("IndexerDeadLetters"),
        DestinationArn: await arnOf("IndexerQueue"),
      }),
    );
    await until("the dead letters' end", async () => ((await waiting("IndexerDeadLetters")) === 0 ? true : null));
    await until("the redriven event's end", async () => ((await waiting("IndexerQueue")) === 0 ? true : null));
    expect(await depth("IndexerDeadLetters")).toBe(0);
  });

  it("refuses in plain words to work on a vault that asks for a newer keeper", async () => {
    const client = plainClient(endpointOf(aws));
    const at = { Bucket: bucket(), Key: "nodes/vault.json" };
    const before = (await (await client.send(new GetObjectCommand(at))).Body?.transformToString()) ?? "";
    const newer = before.replace(/"min_keeper":"[^"]*"/, '"min_keeper":"99.0.0"');
    expect(newer).not.toBe(before);
    await client.send(new PutObjectCommand({ ...at, Body: newer }));
    for (const payload of [{ node: "demo" }, { node: "demo", dry_run: false }]) {
      await expect(call("RetentionFunction", payload)).rejects.toThrow(/99\.0\.0/);
    }
    await expect(call("IndexerFunction", { rebuild: "demo" })).rejects.toThrow(/99\.0\.0/);
    await client.send(new PutObjectCommand({ ...at, Body: before }));
    expect(await call("IndexerFunction", { rebuild: "demo" })).toMatchObject({ node: "demo" });
  });

  it("works through a tick: the nodes whose hour has come, one message each, and their reports", async () => {
    const tick = "2026-01-02T00:00:00Z";
    for (const job of ["retention", "verifier"]) {
      const Key = `nodes/demo/reports/${job}.json`;
      await plainClient(endpointOf(aws)).send(new PutObjectCommand({ Bucket: bucket(), Key, Body: "none yet" }));
    }
    expect(await call("RetentionFunction", { tick })).toEqual({ due: ["demo", "idle"] });
    expect(await call("RetentionFunction", { tick: "2026-01-02T11:15:00Z" })).toEqual({ due: [] });
    const client = plainClient(endpointOf(aws));
    const report = (job: string) =>
      until(`the report of ${job}`, async () => {
        try {
          const found = await client.send(
            new GetObjectCommand({ Bucket: bucket(), Key: `nodes/demo/reports/${job}.json` }),
          );
          return JSON.parse((await found.Body?.transformToString()) ?? "") as Record<string, unknown>;
        } catch {
          return null;
        }
      });
    expect(await report("retention")).toMatchObject({ applied: true, snapshots: 3, expired: [], held: [], locked: 0 });
    await call("VerifierFunction", { tick });
    expect(await report("verifier")).toMatchObject({ snapshots: 3, findings: [] });
    expect(await depth("RetentionDeadLetters")).toBe(0);
    expect(await depth("VerifierDeadLetters")).toBe(0);
  });

  it("keeps everything locked: by the bucket's own rule, and by retention where that runs out", async () => {
    const client = plainClient(endpointOf(aws));
    const Key = `nodes/demo/data/${first}/00000.pack`;
    const lockOf = async () =>
      (await client.send(new HeadObjectCommand({ Bucket: bucket(), Key }))).ObjectLockRetainUntilDate?.getTime() ?? 0;
    const days = async () => ((await lockOf()) - Date.now()) / 86_400_000;
    expect(await days()).toBeGreaterThan(29);
    const told = await call<{ locks: { renewed: number; finished: boolean } }>("RetentionFunction", { node: "demo" });
    expect(told.locks).toEqual({ renewed: 0, finished: true });
    const again = await call<typeof told>("RetentionFunction", { node: "demo", relock: true });
    expect(again.locks.renewed).toBeGreaterThan(10);
    expect(await days()).toBeGreaterThan(29.99);
  });

  it("says what it would do, and changes nothing, in a dry run", async () => {
    const said = await call("RetentionFunction", { node: "demo", dry_run: true });
    expect(said).toMatchObject({ applied: false, snapshots: 3 });
    await expect(call("RetentionFunction", { node: "nobody" })).rejects.toThrow(/none of this deployment/);
  });

  it("tells what is deployed, what waited in vain, and how each node does", async () => {
    await sqs.send(new SendMessageCommand({ QueueUrl: stack.VerifierDeadLetters, MessageBody: "{}" }));
    const env = { AWS_ENDPOINT_URL: endpointOf(aws) };
    const words = ["cloud", "status", "--region", "us-east-1"];
    const { code, stdout, stderr } = await runHere([...words, "--json"], { clock: systemClock, env });
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      stack: { name: "Coldkeep", region: "us-east-1", status: "CREATE_COMPLETE", version: VERSION },
      ok: false,
      queues: {
        found: [
          { name: "indexer", waiting: expect.any(Number) },
          { name: "retention", dead: 0 },
          { name: "verifier", dead: 1 },
        ],
      },
      alarms: { found: expect.arrayContaining([expect.objectContaining({ name: "NodesStale" })]) },
      nodes: {
        found: [
          {
            node: "demo",
            latest: expect.stringMatching(/^\d{8}T/),
            retention: { words: "0 expired, 0 objects deleted" },
          },
          { node: "idle" },
        ],
      },
      outputs: { VaultUrl: stack.VaultUrl },
    });
    const { stdout: text } = await runHere(words, { clock: systemClock, env });
    expect(text).toMatch(/^stack +Coldkeep in us-east-1: CREATE_COMPLETE/);
    expect(text).toMatch(/^verifier +\d+ +\d+ +1$/m);
    expect(text).toMatch(/^idle +none yet +- +no retention yet; /m);
    const none = await runHere([...words, "--stack", "Elsewhere", "--json"], { clock: systemClock, env });
    expect(none.code).toBe(EXIT_CODES["not-found"].code);
    expect(none.stderr).toContain("there is no such stack");
  });

  it("tells people of damage, with what to do", async () => {
    const endpoint = endpointOf(aws);
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: "people" }));
    const Endpoint = "arn:aws:sqs:us-east-1:000000000000:people";
    const sns = new SNSClient({ endpoint, region: "us-east-1" });
    await sns.send(new SubscribeCommand({ TopicArn: stack.AlarmTopicArn, Protocol: "sqs", Endpoint }));
    const client = plainClient(endpoint);
    const Key = `nodes/demo/data/${first}/00000.pack`;
    await client.send(new PutObjectCommand({ Bucket: bucket(), Key, Body: "not a pack" }));
    const { findings } = await call<{ findings: { kind: string; words: string }[] }>("VerifierFunction", {
      node: "demo",
    });
    expect(findings.find(({ kind }) => kind === "damage")?.words).toContain("00000.pack");
    // Other nodes' news may come first: the night's tick is not held back for this.
    const message = await until("the message", async () => {
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
      const told = Messages.map(({ Body = "" }) => JSON.parse(Body) as { Subject: string; Message: string });
      return told.find(({ Subject }) => Subject === "coldkeep: demo: damaged") ?? null;
    });
    expect(message.Message).toMatch(/00000\.pack: .*\n[\s\S]*coldkeep backup --full/);
  });

  it("takes over a bucket that is there already, whose owner has it tell the queue", async () => {
    const endpoint = endpointOf(aws);
    const existing = await makeBucket(endpoint, true, true);
    const account = { endpoint, folder: join(folder, "adopting") };
    mkdirSync(account.folder);
    const config = { stack: "Adopting", bucket: { existing }, nodes: { found: null } };
    const { outputs } = await deploy(account, config);
    expect(outputs.VaultUrl).toBe(`s3://${existing}`);
    const QueueUrl = outputs.IndexerQueue;
    const asked = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] });
    const rules = { FilterRules: [{ Name: "suffix" as const, Value: ".card.json" }] };
    const QueueArn = (await sqs.send(asked)).Attributes?.QueueArn;
    const told = { QueueArn, Events: ["s3:ObjectCreated:*" as const], Filter: { Key: rules } };
    await plainClient(endpoint).send(
      new PutBucketNotificationConfigurationCommand({
        Bucket: existing,
        NotificationConfiguration: { QueueConfigurations: [told] },
      }),
    );
    const found = makeHost({ folder: join(folder, "found"), endpoint, vault: outputs.VaultUrl ?? "", node: "found" });
    await found.init();
    found.putOnly();
    expect(await found.run("backup")).toMatchObject({ listed: true });
  });

  it("keeps its bucket, and its nodes' snapshots, through an update by `coldkeep cloud deploy`", async () => {
    const before = stack.VaultUrl;
    const file = join(folder, "coldkeep.cdk.yaml");
    writeFileSync(file, "nodes: { demo: }\nprefix: nodes\nstale_after: 48h\ntickets: true\n");
    const env = {
      ...{ AWS_ENDPOINT_URL: endpointOf(aws), AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" },
      ...{ PATH: process.env.PATH, HOME: folder },
    };
    const words = ["cloud", "deploy", "--file", file, "--region", "us-east-1", "--yes", "--json"];
    const { code, stdout, stderr } = await runHere(words, { clock: systemClock, env });
    expect(code, stderr).toBe(0);
    ({ outputs: stack } = JSON.parse(stdout) as Deployed);
    expect(stderr).toContain("UPDATE_COMPLETE");
    expect(stack.VaultUrl).toBe(before);
    expect(await coldkeep<{ listed: boolean }>("backup")).toMatchObject({ listed: true });
  });
});
