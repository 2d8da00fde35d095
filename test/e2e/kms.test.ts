import { globSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import {
  CancelKeyDeletionCommand,
  CreateAliasCommand,
  CreateKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  KMSClient,
  ScheduleKeyDeletionCommand,
} from "@aws-sdk/client-kms";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { loadKey } from "../../agent/keys/load.ts";
import type { LoadedKey } from "../../agent/keys/loaded.ts";
import { canonicalBytes } from "../../vault/card/index.ts";
import { keyedNode } from "../support/keyed-node.ts";
import { otherScopes, scope, sk } from "../vault/sealed/fixtures.ts";
import { emulator } from "./emulator/index.ts";

const found = await emulator();
const why = "missing" in found ? found.missing : null;
const noStretch = () => {
  throw new Error("a key in KMS is not stretched");
};

describe.skipIf(why !== null)(`AWS KMS, emulated${why === null ? "" : ` (skipped: ${why})`}`, () => {
  const { endpoint } = found as { endpoint: string };
  const region = "eu-west-1";
  let arn = "";
  let id = "";
  let client: KMSClient;
  const load = (key: string, at = endpoint): Promise<LoadedKey> =>
    loadKey(
      { kind: "kms", field: "keys.0", key, region, endpoint: at },
      { suite: "aes-256-gcm", env: {}, askSecret: null },
    );
  const wrap = (key: LoadedKey) => key.toRecipient(noStretch).wrap(sk, scope);

  beforeAll(async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
    client = new KMSClient({ endpoint, region });
    const { KeyMetadata } = await client.send(new CreateKeyCommand({}));
    arn = KeyMetadata?.Arn ?? "";
    id = KeyMetadata?.KeyId ?? "";
    await client.send(new CreateAliasCommand({ AliasName: "alias/coldkeep", TargetKeyId: id }));
  });
  beforeEach(() => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it("wraps and opens by alias, alias ARN, id and ARN; the slot is labelled with the key's ARN", async () => {
    const slot = await wrap(await load("alias/coldkeep"));
    expect(slot).toMatchObject({ type: "kms", kid: arn });
    const aliasArn = arn.replace(/key\/[^/]+$/, "alias/coldkeep");
    for (const name of ["alias/coldkeep", aliasArn, id, arn]) {
      const key = await load(name);
      const opened = await key.identity?.unwrap(slot, scope);
      expect(Buffer.from(opened ?? [])).toEqual(Buffer.from(sk));
      expect(await key.toRecipient(noStretch).kid("aes-256-gcm")).toBe(arn);
    }
  });

  it("opens nothing that is bound to another snapshot, node or vault, was changed, or is another key's", async () => {
    const key = await load(arn);
    const slot = await wrap(key);
    for (const other of Object.values(otherScopes).filter(({ suite }) => suite === scope.suite)) {
      expect(await key.identity?.unwrap(slot, other)).toBeNull();
    }
    const ct = Buffer.from(String(slot.ct), "base64url");
    ct[ct.length - 1] = (ct.at(-1) ?? 0) ^ 1;
    expect(await key.identity?.unwrap({ ...slot, ct: ct.toString("base64url") }, scope)).toBeNull();
    const { KeyMetadata } = await client.send(new CreateKeyCommand({}));
    const other = await load(KeyMetadata?.Arn ?? "");
    expect(await other.identity?.unwrap(slot, scope)).toBeNull();
    expect(await other.identity?.unwrap({ ...slot, kid: other.label.slice(4) }, scope)).toBeNull();
    await expect(key.identity?.unwrap({ ...slot, kid: "evil" }, scope)).rejects.toMatchObject({ kind: "integrity" });
  });

  it("says what to do where the key is disabled, waits for its deletion, or is not there", async () => {
    const key = await load(arn);
    const slot = await wrap(key);
    const open = async () => await key.identity?.unwrap(slot, scope);
    await client.send(new DisableKeyCommand({ KeyId: id }));
    await expect(wrap(key)).rejects.toThrow(/the key is disabled.*enable/);
    await expect(open()).rejects.toThrow(/did not decrypt.*the key is disabled.*enable/);
    await client.send(new EnableKeyCommand({ KeyId: id }));
    await client.send(new ScheduleKeyDeletionCommand({ KeyId: id, PendingWindowInDays: 7 }));
    await expect(wrap(key)).rejects.toThrow(/waiting for its deletion.*cancelled/);
    await expect(open()).rejects.toThrow(/did not decrypt.*waiting for its deletion.*cancelled/);
    await client.send(new CancelKeyDeletionCommand({ KeyId: id }));
    await client.send(new EnableKeyCommand({ KeyId: id }));
    expect(Buffer.from((await open()) ?? [])).toEqual(Buffer.from(sk));
    await expect(wrap(await load("alias/nowhere"))).rejects.toThrow(/no such key or alias/);
    await expect(wrap(await load(arn, "http://127.0.0.1:1"))).rejects.toMatchObject({ kind: "key" });
  });

  it("knows the copies of a multi-Region key by their common id", async () => {
    const { KeyMetadata } = await client.send(new CreateKeyCommand({ MultiRegion: true }));
    const own = KeyMetadata?.Arn ?? "";
    const key = await load(own);
    const slot = await wrap(key);
    expect(own).toContain("mrk-");
    const moved = { ...slot, kid: slot.kid.replace(region, "us-east-1") };
    expect(Buffer.from((await key.identity?.unwrap(moved, scope)) ?? [])).toEqual(Buffer.from(sk));
  });

  it.each([
    ["AccessDeniedException", 400, "permission", /access is denied.*kms:Encrypt/],
    ["ThrottlingException", 400, "key", /asked too often.*quota/],
    ["ExpiredTokenException", 400, "key", /have expired/],
  ] as const)(
    "tells %s (by a stand-in for the service, which the emulator cannot be made to say)",
    async (name, status, kind, words) => {
      const server = createServer((_, response) => {
        response.writeHead(status, { "content-type": "application/x-amz-json-1.1", "x-amzn-errortype": name });
        response.end(JSON.stringify({ __type: name, message: "no" }));
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      onTestFinished(() => void server.close());
      const key = await load(arn, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
      const slot = await wrap(await load(arn));
      for (const ask of [() => wrap(key), async () => await key.identity?.unwrap(slot, scope)]) {
        const failed = ask();
        await expect(failed).rejects.toThrow(words);
        await expect(failed).rejects.toMatchObject({ kind, retryable: name === "ThrottlingException" });
      }
    },
  );

  it("goes on where it is throttled for a while (by a stand-in in front of the emulator, which never throttles)", async () => {
    let refused = 0;
    const front = createServer((incoming, outgoing) => {
      if (refused < 2) {
        refused += 1;
        const name = "ThrottlingException";
        outgoing.writeHead(400, { "content-type": "application/x-amz-json-1.1", "x-amzn-errortype": name });
        return void outgoing.end(JSON.stringify({ __type: name, message: "Rate exceeded" }));
      }
      const { method, headers } = incoming;
      incoming.pipe(
        request(endpoint, { method, headers, setHost: false }, (answer) => {
          outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
          answer.pipe(outgoing);
        }),
      );
    });
    await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      front.closeAllConnections();
      front.close();
    });
    const key = await load(arn, `http://127.0.0.1:${(front.address() as AddressInfo).port}`);
    const slot = await wrap(key);
    expect(refused).toBe(2);
    refused = 0;
    expect(Buffer.from((await key.identity?.unwrap(slot, scope)) ?? [])).toEqual(Buffer.from(sk));
    expect(refused).toBe(2);
  });

  it("asks KMS for no key but the configured one, whatever ARN lies in the vault", async () => {
    const asked: string[] = [];
    const front = createServer((incoming, outgoing) => {
      let body = "";
      incoming.on("data", (piece) => {
        body += piece;
      });
      incoming.on("end", () => {
        asked.push(`${String(incoming.headers["x-amz-target"]).split(".")[1]} ${JSON.parse(body).KeyId}`);
        const { method, headers } = incoming;
        const forward = request(endpoint, { method, headers, setHost: false }, (found) => {
          outgoing.writeHead(found.statusCode ?? 500, found.headers);
          found.pipe(outgoing);
        });
        forward.end(body);
      });
    });
    await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      front.closeAllConnections();
      front.close();
    });
    const at = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
    const node = await keyedNode(`keys: [{ key: "kms:${arn}", region: ${region}, endpoint: "${at}" }]`);
    await node.json("backup");
    const { KeyMetadata } = await client.send(new CreateKeyCommand({}));
    const evil = KeyMetadata?.Arn ?? "";
    const [path = ""] = globSync(`${node.vault}/demo/data/*/key.json`);
    const file = JSON.parse(readFileSync(path, "utf8")) as { slots: { ct: string }[] };
    const [slot] = file.slots;
    const foreign = await wrap(await load(evil));
    const put = (...slots: object[]) => writeFileSync(path, canonicalBytes({ ...file, slots } as never));

    put({ ...foreign, id: "evil" }, { ...slot });
    expect(await node.run(["restore", "--to", node.path("copy")])).toMatchObject({ code: 0 });
    put({ ...slot, kid: evil });
    expect((await node.run(["restore", "--to", node.path("never")])).code).toBe(4);
    expect(asked).toContain(`Decrypt ${arn}`);
    expect(asked.filter((one) => !one.endsWith(` ${arn}`))).toEqual([]);
  });

  it("removes nothing, and says so, where KMS does not answer whether a slot is the key's (by a stand-in)", async () => {
    const identity = await generateX25519Identity();
    const age = await identityToRecipient(identity);
    const node = await keyedNode(
      `keys: [{ key: "kms:${arn}", region: ${region}, endpoint: "${endpoint}" }, ${age}]\nidentities: [age:HOME/own.txt]`,
    );
    node.file("own.txt", identity);
    await node.json("backup");
    node.setKeys(`keys: [${age}]\nidentities: [age:HOME/own.txt]`);
    const [path = ""] = globSync(`${node.vault}/demo/data/*/key.json`);
    const before = readFileSync(path, "utf8");
    const server = createServer((_, response) => {
      response.writeHead(400, {
        "content-type": "application/x-amz-json-1.1",
        "x-amzn-errortype": "AccessDeniedException",
      });
      response.end(JSON.stringify({ __type: "AccessDeniedException", message: "no" }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    vi.stubEnv("AWS_REGION", region);
    vi.stubEnv("AWS_ENDPOINT_URL_KMS", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const denied = await node.run(["key", "remove", `kms:${arn}`]);
    expect(denied.code, denied.stderr).toBe(4);
    expect(denied.stderr).toContain("1 key file could not be rewritten");
    expect(readFileSync(path, "utf8")).toBe(before);
    vi.stubEnv("AWS_ENDPOINT_URL_KMS", endpoint);
    expect(await node.run(["key", "remove", `kms:${arn}`])).toMatchObject({ code: 0 });
    expect(JSON.parse(readFileSync(path, "utf8")).slots.map(({ type }: { type: string }) => type)).toEqual(["age"]);
  });

  it("keeps a node's snapshots: backup, verify, restore", async () => {
    const node = await keyedNode(`keys: [{ key: "kms:alias/coldkeep", region: ${region}, endpoint: "${endpoint}" }]`);
    await node.json("backup");
    expect(await node.run(["verify", "--read-data"])).toMatchObject({ code: 0 });
    expect(await node.restored()).toBe("content of the node");
    expect((await node.run(["key", "list"])).stdout).toContain(arn);
  });
});
