import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  PutObjectRetentionCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../posix/clock.ts";
import { runHere } from "../cli/run.ts";
import { sharedTempDir } from "../support/tmp.ts";
import { emulator } from "./emulator/index.ts";
import { type Act, type S3Proxy, startProxy } from "./proxy.ts";
import { endpointOf, makeBucket, plainClient } from "./s3.ts";

const DAY = 86_400_000;
/** A vault of few snapshots, the newest of which is old. */
const DESPITE = ["--despite", "share", "--despite", "clock"];
const aws = await emulator();
const missing = "missing" in aws ? ` (${aws.missing})` : "";

interface Collected {
  readonly collected: readonly string[];
  readonly dead: readonly { readonly name: string }[];
  readonly locked: readonly string[];
  readonly foreign: readonly string[];
}

/** A node whose vault lies in a bucket of its own; the proxy tells of objects that they are older than they are. */
class Host {
  readonly #folder: string;
  readonly bucket: string;
  /** Oldest first. */
  readonly ids: string[] = [];
  readonly #days = new Map<string, number>();
  readonly #ages: [part: string, days: number][] = [];

  private constructor(folder: string, proxy: S3Proxy, bucket: string) {
    this.#folder = folder;
    this.bucket = bucket;
    proxy.behave(() => this.aged);
  }

  static async make(folder: string, proxy: S3Proxy, bucket: string): Promise<Host> {
    const host = new Host(folder, proxy, bucket);
    mkdirSync(join(folder, "data"));
    await host.run(
      ...["init", "--vault", `s3://${bucket}/nodes`, "--endpoint", proxy.endpoint, "--region", "us-east-1"],
      ...["--state-dir", join(folder, "state"), "--key-file", join(folder, "key"), "--node", "demo"],
      ...["--profile", "files", "--root", `data=${join(folder, "data")}`],
    );
    return host;
  }

  /** What the proxy does. */
  readonly aged: Act = {
    older: (key) => this.#ages.reduce((sum, [part, days]) => sum + (key.includes(part) ? days * DAY : 0), 0),
  };

  /** Everything of that name is so much older from now on. */
  age(part: string, days: number): void {
    this.#ages.push([part, days]);
  }

  /** A backup of so many days ago. */
  async backup(days: number): Promise<string> {
    writeFileSync(join(this.#folder, "data/file"), randomBytes(300_000));
    const { snapshot } = await this.#runAt<{ snapshot: string }>(systemClock.now() - days * DAY, ["backup"]);
    this.ids.push(snapshot);
    this.#days.set(snapshot, days);
    this.age(snapshot, days);
    return snapshot;
  }

  run<T>(...words: string[]): Promise<T> {
    return this.#runAt(systemClock.now(), words);
  }

  async #runAt<T>(now: number, words: readonly string[]): Promise<T> {
    const config = ["--config", join(this.#folder, "config.yaml")];
    const clock = { ...systemClock, now: () => now };
    const { code, stdout, stderr } = await runHere([...words, "--json", ...config], { clock });
    if (code !== 0) throw new Error(`coldkeep ${words.join(" ")} ended with ${code}: ${stderr}${stdout}`);
    return JSON.parse(stdout) as T;
  }

  /** @returns what a restore of the snapshot brings */
  async restored(id: string): Promise<Buffer> {
    const to = join(this.#folder, `restored-${randomBytes(4).toString("hex")}`);
    await this.run("restore", id, "--to", to);
    return readFileSync(join(to, "data/file"));
  }

  file(): Buffer {
    return readFileSync(join(this.#folder, "data/file"));
  }

  async expire(...ids: string[]): Promise<void> {
    const { expired } = await this.run<{ expired: string[] }>("forget", "--apply", ...DESPITE);
    expect([...expired].sort()).toEqual([...ids].sort());
    // What is put now about a snapshot of long ago has its name, and with that its age.
    for (const id of ids) this.age(`${id}.expired.`, 8 - (this.#days.get(id) ?? 0));
    await this.run("rebuild");
  }

  gc(): Promise<Collected> {
    return this.run("gc", "--apply", ...DESPITE);
  }
}

describe.skipIf(missing !== "")(`retention on S3${missing}`, { timeout: 240_000 }, () => {
  let proxy: S3Proxy;
  const client = () => plainClient(endpointOf(aws));

  beforeAll(async () => {
    proxy = await startProxy(endpointOf(aws));
  });
  afterAll(() => proxy.stop());

  /** Two that are out of date, and one on top of them that was made before they expire. */
  async function fresh(versions: boolean, lock = false): Promise<Host & { ids: [string, string, string] }> {
    const host = await Host.make(
      sharedTempDir("coldkeep-s3-retention"),
      proxy,
      await makeBucket(endpointOf(aws), versions, lock),
    );
    for (const days of [30, 28, 9]) await host.backup(days);
    await host.run("rebuild");
    return host as Host & { ids: [string, string, string] };
  }

  /** All that lies under a key that holds this, versions below others and markers included. */
  async function versionsOf({ bucket }: Host, part: string) {
    const { Versions = [], DeleteMarkers = [] } = await client().send(
      new ListObjectVersionsCommand({ Bucket: bucket }),
    );
    const named = <T extends { Key?: string | undefined }>(found: T[]) =>
      found.filter(({ Key = "" }) => Key.includes(part));
    return { versions: named(Versions), markers: named(DeleteMarkers) };
  }

  const key = (id: string, name: string) => `nodes/demo/data/${id}/${name}`;

  describe.each([
    ["keeps versions", true, true],
    ["keeps none", false, false],
  ])("in a bucket that %s", (_, versions, lock) => {
    it("forget, gc, pin, tag, recover and rebuild do what they do in a directory", async () => {
      const host = await fresh(versions, lock);
      const [oldest, middle, newest] = host.ids;
      await host.run("pin", middle, "--reason", "for the auditors");
      await host.run("tag", middle, "--add", "q4");
      expect(await host.run("recover")).toBeDefined();
      const { decisions } = await host.run<{ decisions: { snapshot: string; action: string }[] }>(
        "forget",
        "--dry-run",
      );
      expect(decisions.map(({ action }) => action)).toEqual(["none", "none", "expire"]);
      await host.run("unpin", middle);
      await host.expire(oldest, middle);
      const planned = await host.run<Collected>("gc", "--dry-run", ...DESPITE);
      const { collected, dead, locked } = await host.gc();
      expect([[...collected].sort(), locked]).toEqual([[oldest, middle].sort(), []]);
      expect(planned.dead.length).toBeGreaterThan(6);
      expect(dead.map(({ name }) => name)).toEqual(expect.arrayContaining(planned.dead.map(({ name }) => name)));
      for (const id of [oldest, middle]) {
        // Deleted for good: no marker stands for what was there.
        expect(await versionsOf(host, `${id}.card`)).toEqual({ versions: [], markers: [] });
        expect((await versionsOf(host, key(id, ""))).markers).toEqual([]);
      }
      expect(await host.run("verify", "--all", "--read-data")).toMatchObject({ ok: true });
      expect(await host.run("rebuild")).toMatchObject({ changed: false, snapshots: 1 });
      expect((await host.restored(newest)).equals(host.file())).toBe(true);
      // The pin of that restore is as old as all that is told of the snapshot, and has served.
      expect((await host.gc()).dead.map(({ name }) => name)).toEqual([expect.stringContaining("/pins/")]);
    });
  });

  it("a version that the bucket has locked stays, is told of, and goes when its lock is over", async () => {
    const host = await fresh(true, true);
    const [oldest, middle] = host.ids;
    await host.expire(oldest, middle);
    const Key = key(oldest, "00000.pack");
    const [version] = (await versionsOf(host, Key)).versions;
    const retain = (mode: "GOVERNANCE" | undefined, until: Date | undefined) =>
      client().send(
        new PutObjectRetentionCommand({
          Bucket: host.bucket,
          Key,
          VersionId: version?.VersionId,
          BypassGovernanceRetention: true,
          Retention: { Mode: mode, RetainUntilDate: until },
        }),
      );
    await retain("GOVERNANCE", new Date(systemClock.now() + DAY));
    expect(await host.gc()).toMatchObject({ locked: [Key.slice("nodes/".length)] });
    expect((await versionsOf(host, Key)).versions).toHaveLength(1);
    expect((await versionsOf(host, `${oldest}.card`)).versions).toHaveLength(1);
    expect(await host.run("verify", "latest", "--read-data")).toMatchObject({ ok: true });
    await retain("GOVERNANCE", new Date(systemClock.now() - DAY)).catch(() => retain(undefined, undefined));
    expect((await host.gc()).locked).toEqual([]);
    expect(await versionsOf(host, Key)).toEqual({ versions: [], markers: [] });
    expect(await versionsOf(host, `${oldest}.card`)).toEqual({ versions: [], markers: [] });
  });

  it("a stranger's delete markers hide nothing: it is listed, restored, built on, and never taken for dead", async () => {
    const host = await fresh(true);
    const [oldest, middle, newest] = host.ids;
    const was = host.file();
    const hide = [
      ...[
        "node.json",
        "head.json",
        "index.json",
        "backup_list",
        `snapshots/${newest}.card.json`,
        `begins/${newest}.json`,
      ],
      ...["00000.pack", "key.json", "manifest", "packs-0000.json"].map((name) => `data/${newest}/${name}`),
    ];
    for (const name of hide)
      await client().send(new DeleteObjectCommand({ Bucket: host.bucket, Key: `nodes/demo/${name}` }));
    expect((await versionsOf(host, "")).markers).toHaveLength(hide.length);
    expect((await host.restored("latest")).equals(was)).toBe(true);
    expect(await host.run("verify", "--all", "--read-data")).toMatchObject({ ok: true });

    await host.expire(oldest, middle);
    expect([...(await host.gc()).collected].sort()).toEqual([oldest, middle].sort());
    expect((await host.restored(newest)).equals(was)).toBe(true);
    expect(await host.run("rebuild")).toMatchObject({ snapshots: 1 });
    const next = await host.backup(0);
    expect(await host.run("list")).toMatchObject({ snapshots: [{ snapshot: next }, { snapshot: newest }] });
    expect(await host.run("verify", "--all", "--read-data")).toMatchObject({ ok: true });
  });

  it("versions below others go, too, in the next run", async () => {
    const host = await fresh(true);
    const [oldest, middle] = host.ids;
    await host.expire(oldest, middle);
    const Key = key(oldest, "00000.pack");
    await client().send(new PutObjectCommand({ Bucket: host.bucket, Key, Body: "a stranger's" }));
    expect((await versionsOf(host, Key)).versions).toHaveLength(2);
    await host.gc();
    expect((await versionsOf(host, Key)).versions).toHaveLength(1);
    host.age(Key, 30);
    await host.gc();
    expect(await versionsOf(host, Key)).toEqual({ versions: [], markers: [] });
  });

  it("nothing is deleted by who may not see what markers hide", async () => {
    const host = await fresh(true);
    const [oldest, middle] = host.ids;
    await host.expire(oldest, middle);
    proxy.behave(({ kind, key: asked }) =>
      kind === "LIST" && asked.includes("versions") ? { status: 403, code: "AccessDenied" } : host.aged,
    );
    await expect(host.gc()).rejects.toThrow(/s3:ListBucketVersions/);
    expect((await versionsOf(host, key(oldest, "00000.pack"))).versions).toHaveLength(1);
  });

  it("foreign objects lie where they lay, and are told of", async () => {
    const host = await fresh(true);
    const [oldest, middle] = host.ids;
    await host.expire(oldest, middle);
    const foreign = ["demo/snapshots/notes.txt", `demo/data/${oldest}/readme`, "demo/data/other/x", "elsewhere"];
    for (const name of foreign)
      await client().send(new PutObjectCommand({ Bucket: host.bucket, Key: `nodes/${name}`, Body: "theirs" }));
    const done = await host.gc();
    expect([...done.foreign].sort()).toEqual(foreign.slice(0, 3).sort());
    for (const name of foreign) expect((await versionsOf(host, `nodes/${name}`)).versions, name).toHaveLength(1);
  });
});
