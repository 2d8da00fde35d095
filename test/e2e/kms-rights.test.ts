import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from "@aws-sdk/client-s3";

import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { systemClock } from "../../posix/clock.ts";
import { type KeyedNode, keyedNode } from "../support/keyed-node.ts";
import { keepSecret } from "../support/secrets.ts";
import { sharedTempDir } from "../support/tmp.ts";
import { toolOrSkip } from "../support/tools.ts";
import { ROOT, startMiniStack } from "./ministack/index.ts";
import { createUser, type Statement, type UserEnv } from "./ministack/users.ts";
import { endpointOf } from "./s3.ts";
import { HIDDEN_NAME, securedFront, startConnect } from "./tls.ts";

const server = await startMiniStack();
afterAll(async () => {
  if ("stop" in server) await server.stop();
});
const why = "missing" in server ? ` (skipped: ${server.missing})` : "";
const openssl = toolOrSkip("openssl", "openssl");
const REGION = "us-east-1";

/** Rights as AWS's policies give them: a host that may encrypt and create, an operator who may decrypt and read. */
describe.skipIf(why !== "")(`rights in KMS and S3${why}`, { timeout: 180_000 }, () => {
  const folder = sharedTempDir("coldkeep-rights");
  const bucket = "vault";
  const objects = `arn:aws:s3:::${bucket}/nodes/*`;
  let arn = "";
  let node: KeyedNode;
  let host: UserEnv;
  let operator: UserEnv;
  const kmsAt = (endpoint: string) => `keys: [{ key: "kms:${arn}", region: ${REGION}, endpoint: "${endpoint}" }]`;

  const as = (user: UserEnv) => {
    for (const [name, value] of Object.entries(user)) vi.stubEnv(name, value);
  };
  const allow = (Action: readonly string[], Resource: string): Statement => ({ Effect: "Allow", Action, Resource });

  beforeAll(async () => {
    const endpoint = endpointOf(server);
    const kms = new KMSClient({ endpoint, region: REGION, credentials: ROOT });
    arn = (await kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? "";
    const s3 = new S3Client({ endpoint, region: REGION, forcePathStyle: true, credentials: ROOT });
    await s3.send(new CreateBucketCommand({ Bucket: bucket }));
    const VersioningConfiguration = { Status: "Enabled" } as const;
    await s3.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
    const created = ["data", "snapshots", "begins"].map((part) => `${objects.slice(0, -1)}demo/${part}/*`);
    host = await createUser(endpoint, [
      allow(["kms:Encrypt"], arn),
      // It keeps the list of snapshots itself, and looks for that whether all of a snapshot is there.
      allow(["s3:PutObject", "s3:GetObject"], objects),
      allow(["s3:ListBucket"], `arn:aws:s3:::${bucket}`),
      {
        Effect: "Deny",
        Action: "s3:PutObject",
        Resource: created,
        Condition: { Null: { "s3:if-none-match": "true" }, Bool: { "s3:ObjectCreationOperation": "true" } },
      },
    ]);
    operator = await createUser(endpoint, [
      allow(["kms:Decrypt"], arn),
      allow(["s3:GetObject"], objects),
      allow(["s3:ListBucket"], `arn:aws:s3:::${bucket}`),
    ]);
    for (const { AWS_SECRET_ACCESS_KEY } of [host, operator]) keepSecret(AWS_SECRET_ACCESS_KEY);
    as(host);
    const vault = `{ url: "s3://${bucket}/nodes", endpoint: "${endpoint}", region: ${REGION} }`;
    node = await keyedNode(kmsAt(endpoint), folder, undefined, vault);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it("a host that may only encrypt and create backs up again and again, and can open nothing", async () => {
    as(host);
    const first = await node.json<{ snapshot: string }>("backup");
    writeFileSync(join(node.data, "more"), "more");
    const second = await node.json<{ parent: string; figures: { reused: number } }>("backup");
    expect(second.parent).toBe(first.snapshot);
    expect(second.figures.reused).toBeGreaterThan(0);
    const tries = [
      ["restore", "--to", node.path("never")],
      ["verify", "--read-data"],
      ["key", "test"],
    ];
    for (const words of tries) {
      const ran = await node.run(words);
      expect(ran.code, words.join(" ")).not.toBe(0);
      expect(ran.stderr + ran.stdout, words.join(" ")).toMatch(/access is denied/);
    }
  });

  it("is warned by doctor that nobody here can show that the key opens, beside another key that does, too", async () => {
    as(host);
    const warned = /WARN +key unproven +nobody here can show that .*this host may encrypt with AWS KMS and not decrypt/;
    const alone = await node.run(["doctor"]);
    expect(alone.stdout).toMatch(warned);
    expect(alone.stdout).not.toMatch(/ok +key proven/);
    const identity = await generateX25519Identity();
    node.file("own.txt", identity);
    const own = `{ key: "kms:${arn}", region: ${REGION}, endpoint: "${endpointOf(server)}" }`;
    node.setKeys(`keys: [${own}, ${await identityToRecipient(identity)}]\nidentities: [age:HOME/own.txt]`);
    // S3 tells whole seconds: of two snapshots of one second the greater id is the newest.
    const clock = { ...systemClock, now: () => systemClock.now() + 2_000 };
    expect((await node.run(["backup"], { clock })).code).toBe(0);
    const beside = await node.run(["doctor"]);
    expect(beside.stdout).toMatch(/ok +key proven/);
    expect(beside.stdout).toMatch(warned);
    node.setKeys(kmsAt(endpointOf(server)));
    as(operator);
    expect((await node.run(["doctor"])).stdout).not.toMatch(warned);
  });

  it("and cannot change who opens what there is: key files are created, not replaced", async () => {
    as(host);
    const age = await identityToRecipient(await generateX25519Identity());
    const ran = await node.run(["key", "add", age]);
    expect(ran.code).toBe(4);
    expect(ran.stderr + ran.stdout).toMatch(/access is denied|S3 denies it/);
  });

  it("an operator who may decrypt restores", async () => {
    as(operator);
    expect(await node.restored()).toBe("content of the node");
    expect(await node.run(["verify", "--all", "--read-data"])).toMatchObject({ code: 0 });
  });

  it("an operator who may decrypt under another key only does not", async () => {
    const other = await createUser(endpointOf(server), [
      allow(["kms:Decrypt"], arn.replace(/[^/]+$/, "00000000-0000-0000-0000-000000000000")),
      allow(["s3:GetObject"], objects),
      allow(["s3:ListBucket"], `arn:aws:s3:::${bucket}`),
    ]);
    as(other);
    const { code, stderr } = await node.run(["restore", "--to", node.path("never")]);
    expect(code).toBe(14);
    expect(stderr).toMatch(/AWS KMS did not decrypt the snapshot key.*access is denied.*kms:Decrypt/s);
  });

  it("a host whose right to encrypt is gone fails before anything is put, and says what it needs", async () => {
    const none = await createUser(endpointOf(server), [
      allow(["s3:PutObject", "s3:GetObject"], objects),
      allow(["s3:ListBucket"], `arn:aws:s3:::${bucket}`),
    ]);
    as(none);
    const { code, stderr } = await node.run(["backup"]);
    expect(code).toBe(14);
    expect(stderr).toMatch(/AWS KMS did not encrypt the snapshot key.*access is denied.*kms:Encrypt/s);
  });

  it.skipIf(openssl.skip)(
    `KMS is reached through HTTPS_PROXY, with an authority of one's own${openssl.title}`,
    async () => {
      as(operator);
      const home = node.path("tls");
      mkdirSync(home);
      const { port, ca } = await securedFront(endpointOf(server), home);
      const proxy = await startConnect(port);
      vi.stubEnv("HTTPS_PROXY", `http://127.0.0.1:${proxy.port}`);
      node.setKeys(kmsAt(`https://${HIDDEN_NAME}:${port}`));
      const unknown = await node.run(["restore", "--to", node.path("untrusted")]);
      expect(unknown.code).toBe(4);
      expect(unknown.stderr).toMatch(/certificate/);
      vi.stubEnv("AWS_CA_BUNDLE", ca);
      expect(await node.restored()).toBe("content of the node");
      expect(proxy.asked).toContain(`${HIDDEN_NAME}:${port}`);
    },
  );
});
