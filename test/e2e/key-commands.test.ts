import { ListObjectVersionsCommand } from "@aws-sdk/client-s3";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseS3Url } from "../../vault/names/index.ts";
import { type KeyedNode, keyedNode } from "../support/keyed-node.ts";
import { sharedTempDir } from "../support/tmp.ts";
import { emulator } from "./emulator/index.ts";
import { type S3Proxy, startProxy } from "./proxy.ts";
import { endpointOf, freshVault, plainClient } from "./s3.ts";

const aws = await emulator();
const missing = "missing" in aws ? ` (skipped: ${aws.missing})` : "";
const [oldId = "", newId = "", thirdId = ""] = await Promise.all([1, 2, 3].map(() => generateX25519Identity()));
const [oldKey, newKey, thirdKey] = await Promise.all([oldId, newId, thirdId].map((one) => identityToRecipient(one)));
const SNAPSHOTS = 20;

interface Rekeyed {
  readonly rewritten: number;
  readonly unchanged: number;
  readonly failed: number;
}

describe.skipIf(missing !== "")(`key commands on a vault in S3${missing}`, { timeout: 300_000 }, () => {
  const folder = sharedTempDir("coldkeep-s3-keys");
  let proxy: S3Proxy;
  let node: KeyedNode;
  let at: { readonly Bucket: string; readonly Prefix: string };
  const keys = (recipients: string, identity: string) =>
    `keys: [${recipients}]\nidentities: [age:HOME/${identity}.txt]`;

  beforeAll(async () => {
    proxy = await startProxy(endpointOf(aws));
    const place = await freshVault(endpointOf(aws));
    const url = parseS3Url(place.url);
    if (typeof url === "string") throw new Error(url);
    at = { Bucket: url.bucket, Prefix: `${url.prefix}/demo/` };
    const vault = `{ url: "${place.url}", endpoint: "${proxy.endpoint}" }`;
    node = await keyedNode(keys(oldKey ?? "", "old"), folder, undefined, vault);
    for (const [name, identity] of Object.entries({ old: oldId, new: newId, third: thirdId }))
      node.file(`${name}.txt`, identity);
    for (let i = 0; i < SNAPSHOTS; i += 1) await node.json("backup");
  }, 300_000);
  afterAll(() => proxy.stop());

  /** Every version of every object below the node, by key, as `version etag`. */
  async function versions(of: (key: string) => boolean): Promise<Map<string, string[]>> {
    const found = new Map<string, string[]>();
    const client = plainClient(endpointOf(aws));
    let from = {};
    for (;;) {
      const page = await client.send(new ListObjectVersionsCommand({ ...at, ...from }));
      expect(page.DeleteMarkers ?? []).toEqual([]);
      for (const { Key = "", VersionId, ETag } of page.Versions ?? []) {
        if (of(Key)) found.set(Key, [...(found.get(Key) ?? []), `${VersionId} ${ETag}`]);
      }
      if (page.IsTruncated !== true) return found;
      from = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
    }
  }
  const isKeyFile = (key: string) => key.endsWith("/key.json");

  it("list tells every snapshot's slots, test proves one", async () => {
    expect((await node.run(["key", "list"])).stdout).toMatch(
      new RegExp(`age +[0-9a-f]{16} +${SNAPSHOTS} of ${SNAPSHOTS}`),
    );
    expect((await node.run(["key", "test", "--identity", `age:${node.path("old.txt")}`])).stdout).toContain("opens");
  });

  it("rotate, cut off and run again, puts each key file once more, on condition, and touches nothing else", async () => {
    const rest = await versions((key) => !isKeyFile(key));
    expect([...rest.keys()].filter((key) => key.endsWith(".pack")).length).toBeGreaterThan(0);
    node.setKeys(keys(newKey ?? "", "new"));
    const rotate = ["key", "rotate", "--old", `age:${node.path("old.txt")}`];

    const cut = new AbortController();
    const from = proxy.calls.length;
    const puts = () => proxy.calls.slice(from).filter(({ kind, key }) => kind === "PUT" && isKeyFile(key));
    // Once it is under way the wire is cut and the command interrupted.
    proxy.behave(() => {
      if (puts().length < SNAPSHOTS / 4) return "pass";
      cut.abort();
      return "reset-after";
    });
    expect(await node.run(rotate, { signal: cut.signal })).toMatchObject({ code: 130 });
    proxy.behave(() => "pass");

    const done = [...(await versions(isKeyFile)).values()].filter((kept) => kept.length > 1).length;
    expect(done).toBeGreaterThan(0);
    expect(done).toBeLessThan(SNAPSHOTS);
    const again = await node.json<Rekeyed>(...rotate);
    expect(again).toMatchObject({ rewritten: SNAPSHOTS - done, unchanged: done, failed: 0 });
    for (const [key, kept] of await versions(isKeyFile)) expect(kept, key).toHaveLength(2);
    expect(await versions((key) => !isKeyFile(key))).toEqual(rest);
    expect(puts().every(({ headers }) => headers["if-match"] !== undefined)).toBe(true);
    expect(await node.run(["verify", "--all"])).toMatchObject({ code: 0 });
  });

  it("a key file that is not as it was read is read again", async () => {
    let raced = false;
    proxy.behave(({ kind, key }) => {
      if (kind === "PUT" && isKeyFile(key) && !raced) {
        raced = true;
        return { status: 412, code: "PreconditionFailed" };
      }
      return "pass";
    });
    expect(await node.json<Rekeyed>("key", "add", thirdKey ?? "")).toMatchObject({ rewritten: SNAPSHOTS, failed: 0 });
    proxy.behave(() => "pass");
    expect(raced).toBe(true);
    const { stdout } = await node.run(["key", "list"]);
    expect(stdout.match(new RegExp(`${SNAPSHOTS} of ${SNAPSHOTS}`, "g"))).toHaveLength(2);
  });

  it("remove takes one away; a server that denies, or is gone, is told for each file and harms none", async () => {
    proxy.behave(({ kind, key }) =>
      kind === "PUT" && isKeyFile(key) ? { status: 403, code: "AccessDenied" } : "pass",
    );
    const denied = await node.run(["key", "remove", thirdKey ?? ""]);
    expect(denied.code).toBe(4);
    expect(denied.stderr).toMatch(/key files could not be rewritten.*allow s3:PutObject/s);
    proxy.behave(() => "pass");
    expect(await node.json<Rekeyed>("key", "remove", thirdKey ?? "")).toMatchObject({
      rewritten: SNAPSHOTS,
      failed: 0,
    });
    expect(await node.run(["verify", "--all"])).toMatchObject({ code: 0 });
  });

  it("two rotations at once end as one after the other", async () => {
    const both = await Promise.all([
      node.json<Rekeyed>("key", "add", oldKey ?? ""),
      node.json<Rekeyed>("key", "add", thirdKey ?? ""),
    ]);
    for (const one of both) expect(one.failed).toBe(0);
    const { stdout } = await node.run(["key", "list"]);
    expect(stdout.match(new RegExp(`${SNAPSHOTS} of ${SNAPSHOTS}`, "g"))).toHaveLength(3);
  });
});
