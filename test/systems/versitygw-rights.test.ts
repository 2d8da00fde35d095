import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { indexSnapshots } from "../../keeper/index.ts";
import { systemClock } from "../../posix/clock.ts";
import { parseS3Url, type SnapshotId, toNodeName } from "../../vault/names/index.ts";
import { openStore } from "../../vault/store/index.ts";
import { runHere } from "../cli/run.ts";
import { startVersityGw } from "../e2e/emulator/versitygw.ts";
import { endpointOf, freshVault, plainClient } from "../e2e/s3.ts";
import { onCi } from "../support/ci.ts";
import { endOf } from "../support/ended.ts";
import { sharedTempDir, tempDir } from "../support/tmp.ts";
import { type Host, makeHost } from "./cloud/host.ts";
import { until } from "./cloud/until.ts";

const server = await startVersityGw();
if ("missing" in server && onCi()) throw new Error(`CI has no VersityGW: ${server.missing}`);
afterAll(async () => {
  if ("stop" in server) await server.stop();
});
const missing = "missing" in server ? ` (${server.missing})` : "";
const COLDKEEP = fileURLToPath(new URL("../../bin/coldkeep.mjs", import.meta.url));
/** Of another host, and of nobody. */
const OTHERS = ["other/data/x/00000.pack", "elsewhere"];

/**
 * A host's account on a server that enforces policies of buckets. Its policy is that of `coldkeep cloud agent-policy`; the
 * server knows no conditions and takes the statements as though they had none, so that nothing is replaced is not refused
 * here (that is seen in test/systems/cloud/ministack.test.ts), and what a host puts over something is one more version.
 */
describe.skipIf(missing !== "")(`a host's own rights on VersityGW, without conditions${missing}`, () => {
  let host: Host;
  let asHost: S3Client;
  let snapshot: string;
  let ended: Awaited<ReturnType<typeof endOf>>;
  let place: { bucket: string; prefix: string };
  const root = () => plainClient(endpointOf(server));
  const at = (name: string) => ({ Bucket: place.bucket, Key: `${place.prefix}/${name}` });
  const pack = () => at(`demo/data/${snapshot}/00000.pack`);
  const card = () => at(`demo/snapshots/${snapshot}.card.json`);

  beforeAll(async () => {
    if ("missing" in server) throw new Error(server.missing);
    const vault = await freshVault(server.endpoint);
    const found = parseS3Url(vault.url);
    if (typeof found === "string") throw new Error(found);
    place = found;
    const folder = sharedTempDir("coldkeep-rights");
    const made = makeHost({ folder, endpoint: server.endpoint, vault: vault.url, node: "demo" });
    await made.init();
    made.putOnly();
    host = made;
    for (const name of OTHERS) await root().send(new PutObjectCommand({ ...at(name), Body: "others'" }));
    const user = await server.createUser();
    const { Statement } = await host.run<{ Statement: object[] }>("cloud", "agent-policy", "--node", "demo");
    const own = Statement.map((one) => ({ ...one, Principal: { AWS: user.accessKeyId } }));
    const Policy = JSON.stringify({ Version: "2012-10-17", Statement: own });
    await root().send(new PutBucketPolicyCommand({ Bucket: place.bucket, Policy }));
    const config = { endpoint: server.endpoint, region: "us-east-1", forcePathStyle: true, maxAttempts: 1 };
    asHost = new S3Client({ ...config, credentials: user });
    const keys = { AWS_ACCESS_KEY_ID: user.accessKeyId, AWS_SECRET_ACCESS_KEY: user.secretAccessKey };
    const child = spawn(process.execPath, [COLDKEEP, "backup", "--json", "--config", host.config], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...keys },
    });
    // What the vault's functions do where they run: the host may not.
    const store = await openStore(vault.url, vault);
    const end = endOf(child);
    const stopped = end.then(({ stderr }) => `it ended without a card: ${stderr}`);
    const id = await Promise.race([until("its card", cardOfHost), stopped]);
    if (id.startsWith("it ended")) throw new Error(id);
    await indexSnapshots({ store, node: toNodeName("demo"), ids: [id as SnapshotId] });
    ended = await end;
    snapshot = id;
  });

  async function cardOfHost(): Promise<string | null> {
    const { Bucket, Key: Prefix } = at("demo/snapshots/");
    const { Contents = [] } = await root().send(new ListObjectsV2Command({ Bucket, Prefix }));
    return /([^/]+)\.card\.json$/.exec(Contents[0]?.Key ?? "")?.[1] ?? null;
  }

  /** Of an object, the newest first. */
  async function versionsOf({ Bucket, Key }: { Bucket: string; Key: string }) {
    const listed = await root().send(new ListObjectVersionsCommand({ Bucket, Prefix: Key }));
    expect(listed.DeleteMarkers ?? []).toEqual([]);
    return (listed.Versions ?? []).map(({ VersionId }) => VersionId ?? "");
  }

  it("are enough for a backup that is listed", async () => {
    expect(ended.status, ended.stderr).toBe(0);
    expect(JSON.parse(ended.stdout)).toMatchObject({ snapshot, listed: true });
  });

  it("let it read the small objects that the policy names, and nothing else; list and delete nothing, also of versions", async () => {
    const [VersionId = ""] = await versionsOf(pack());
    const get = (of: object) => asHost.send(new GetObjectCommand(of as ReturnType<typeof at>));
    for (const name of ["vault.json", "demo/node.json", "demo/index.json"]) await get(at(name));
    const { Bucket, Key } = pack();
    const denied: Record<string, () => Promise<unknown>> = {
      "get a pack of its own": () => get(pack()),
      "get a version of its own": () => get({ ...pack(), VersionId }),
      "get a card of its own": () => get(card()),
      ...Object.fromEntries(OTHERS.map((name) => [`get ${name}`, () => get(at(name))])),
      "put for another": () => asHost.send(new PutObjectCommand({ ...at("other/data/x/00001.pack"), Body: "x" })),
      "put an index": () => asHost.send(new PutObjectCommand({ ...at("demo/index.json"), Body: "x" })),
      list: () => asHost.send(new ListObjectsV2Command({ Bucket })),
      "list its own": () => asHost.send(new ListObjectsV2Command({ Bucket, Prefix: Key })),
      "list versions": () => asHost.send(new ListObjectVersionsCommand({ Bucket, Prefix: Key })),
      "delete its own": () => asHost.send(new DeleteObjectCommand(pack())),
      "delete a version of its own": () => asHost.send(new DeleteObjectCommand({ ...pack(), VersionId })),
      "delete another's": () => asHost.send(new DeleteObjectCommand(at(OTHERS[0] ?? ""))),
      "change the policy": () => asHost.send(new PutBucketPolicyCommand({ Bucket, Policy: "{}" })),
    };
    const answers: Record<string, string> = {};
    for (const [what, attempt] of Object.entries(denied))
      answers[what] = await attempt().then(
        () => "done",
        (error: Error) => error.name,
      );
    expect(answers).toEqual(Object.fromEntries(Object.keys(denied).map((what) => [what, "AccessDenied"])));
    expect(await versionsOf(pack())).toEqual([VersionId]);
  });

  it("add a version where it puts over its own pack and card; the first ones are kept, and are what a restore uses", async () => {
    for (const of of [pack(), card()]) {
      const [first] = await versionsOf(of);
      await asHost.send(new PutObjectCommand({ ...of, Body: "garbage" }));
      const versions = await versionsOf(of);
      expect(versions).toHaveLength(2);
      expect(versions[1]).toBe(first);
    }
    const to = join(tempDir("coldkeep-restored"), "it");
    const { code, stderr } = await runHere(["restore", snapshot, "--to", to, "--config", host.config], {
      clock: systemClock,
    });
    expect(code, stderr).toBe(0);
    expect(stderr).toContain("had something put over what the host put");
    expect(readFileSync(join(to, "data", "large")).equals(readFileSync(host.file))).toBe(true);
  });
});
