import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { canonicalBytes } from "../../vault/card/index.ts";
import { parseS3Url } from "../../vault/names/index.ts";
import { type KeyedNode, keyedNode } from "../support/keyed-node.ts";
import { sharedTempDir } from "../support/tmp.ts";
import { emulator } from "./emulator/index.ts";
import { endpointOf, freshVault, plainClient } from "./s3.ts";

const aws = await emulator();
const missing = "missing" in aws ? ` (skipped: ${aws.missing})` : "";
const [ownId, evilId, otherId] = await Promise.all([1, 2, 3].map(() => generateX25519Identity()));
const [own = "", evil = "", other = ""] = await Promise.all(
  [ownId, evilId, otherId].map((identity) => identityToRecipient(identity ?? "")),
);

interface KeyJson {
  readonly slots: readonly object[];
  readonly [member: string]: unknown;
}

describe.skipIf(missing !== "")(`a key file in a bucket that keeps versions${missing}`, { timeout: 180_000 }, () => {
  let node: KeyedNode;
  let client: ReturnType<typeof plainClient>;
  let older: { readonly Bucket: string; readonly Key: string };
  let key: { readonly Bucket: string; readonly Key: string };
  let meant: string;
  let genuine: Uint8Array;
  let copies = 0;
  const folder = sharedTempDir("coldkeep-key-versions");
  const keys = (recipients: string, identity = "own") =>
    `keys: [${recipients}]\nidentities: [age:HOME/${identity}.txt]`;

  /** A node with two snapshots, of which the newest one's key file is meant. */
  beforeAll(async () => {
    client = plainClient(endpointOf(aws));
    const place = await freshVault(endpointOf(aws));
    const vault = `{ url: "${place.url}", endpoint: "${endpointOf(aws)}" }`;
    node = await keyedNode(keys(own), folder, undefined, vault);
    for (const [name, identity] of Object.entries({ own: ownId, evil: evilId, other: otherId }))
      node.file(`${name}.txt`, identity ?? "");
    const first = await node.json<{ snapshot: string }>("backup");
    const second = await node.json<{ snapshot: string }>("backup", "--full");
    const at = parseS3Url(place.url);
    if (typeof at === "string") throw new Error(at);
    const keyOf = (snapshot: string) => ({
      Bucket: at.bucket,
      Key: `${at.prefix}/demo/data/${snapshot}/key.json`,
    });
    older = keyOf(first.snapshot);
    key = keyOf(second.snapshot);
    // By its id: two of one second, as S3 tells the time, have no newest that could be known beforehand.
    meant = second.snapshot;
    genuine = await read(key);
  });
  beforeEach(async () => {
    node.setKeys(keys(own));
    await put(genuine);
  });

  const read = async (which: typeof key): Promise<Uint8Array> =>
    (await (await client.send(new GetObjectCommand(which))).Body?.transformToByteArray()) ?? new Uint8Array(0);
  const put = (Body: Uint8Array) => client.send(new PutObjectCommand({ ...key, Body }));

  const attacks: readonly (readonly [what: string, attack: () => Promise<unknown>, words: RegExp])[] = [
    ["is garbage", () => put(Buffer.from("garbage")), /cannot be used/],
    ["is cut off", () => put(genuine.subarray(0, 100)), /cannot be used/],
    ["is larger than any key file", () => put(Buffer.alloc(1 << 20, "{")), /cannot be used/],
    ["is another snapshot's", async () => put(await read(older)), /belongs elsewhere/],
    [
      "has only an attacker's slots",
      async () => {
        const file = JSON.parse(Buffer.from(genuine).toString()) as KeyJson;
        await put(canonicalBytes({ ...file, slots: file.slots.map((slot) => ({ ...slot, ct: "AAAA", kid: "evil" })) }));
      },
      /cannot be used/,
    ],
    [
      "promises another key",
      async () => {
        const file = JSON.parse(Buffer.from(genuine).toString()) as KeyJson;
        await put(canonicalBytes({ ...file, commit: Buffer.alloc(32).toString("base64url") }));
      },
      /not this snapshot's/,
    ],
  ];
  it.each(attacks)("that %s: restore goes on from the older version and says so", async (_, attack, words) => {
    await attack();
    copies += 1;
    const restored = await node.run(["restore", meant, "--to", node.path(`copy-${copies}`)]);
    expect(restored).toMatchObject({ code: 0 });
    expect(restored.stderr).toMatch(words);
    expect(restored.stderr).toMatch(/an older one does open, and is proven: version \S+, received 20/);
    // Nothing but a restore makes do with it: damage it is.
    expect((await node.run(["verify", meant])).code).toBe(9);
    node.setKeys(keys(`${own}, ${other}`));
    const added = await node.run(["key", "add"]);
    expect(added.code).toBe(4);
    expect(added.stderr).toContain("1 key file could not be rewritten");
  });

  it("that lies under a delete marker is read as if there were none", async () => {
    await client.send(new DeleteObjectCommand(key));
    expect(await node.run(["restore", meant, "--to", node.path("below")])).toMatchObject({ code: 0 });
    expect((await node.run(["verify", meant])).code).toBe(0);
  });

  it("that an attacker's recipient was wrapped in for: nobody carries it on, and restore warns", async () => {
    node.setKeys(keys(`${own}, ${evil}`));
    const file = JSON.parse(Buffer.from(genuine).toString()) as KeyJson;
    await put(canonicalBytes({ ...file, slots: [...file.slots, { ...file.slots[0], id: "evil", kid: "evil" }] }));
    expect(await node.run(["restore", meant, "--to", node.path("evil")])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("was changed by somebody who does not hold the key"),
    });
    expect((await node.run(["key", "add"])).stderr).toContain("whose slots somebody changed");
  });

  it("that lists a key no more, by somebody who may: the removed key stays out", async () => {
    node.setKeys(keys(other, "other"));
    await node.json("key", "rotate", "--old", `age:${node.path("own.txt")}`);
    expect(await node.restored()).toBe("content of the node");
    node.setKeys(keys(own));
    const { code, stderr } = await node.run(["restore", meant, "--to", node.path("never")]);
    expect(code).toBe(4);
    expect(stderr).toMatch(/An older version, version \S+, received .* does open: this key was taken away since/);
  });
});
