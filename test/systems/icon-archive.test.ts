import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ListMultipartUploadsCommand, PutBucketPolicyCommand } from "@aws-sdk/client-s3";
import { ClassicLevel } from "classic-level";
import { afterAll, describe, expect, it } from "vitest";
import { systemClock } from "../../posix/clock.ts";
import { openStore, uploadStream } from "../../vault/store/index.ts";
import { runHere } from "../cli/run.ts";
import { startVersityGw } from "../e2e/emulator/versitygw.ts";
import { endpointOf, makeBucket, plainClient } from "../e2e/s3.ts";
import { onCi } from "../support/ci.ts";
import { tempDir } from "../support/tmp.ts";

const server = await startVersityGw();
if ("missing" in server && onCi()) throw new Error(`CI has no VersityGW: ${server.missing}`);
afterAll(async () => {
  if ("stop" in server) await server.stop();
});

/** The steps of the restore script in ICON's guide: the first line of the list, fetch, unpack, the own address. */
const GUIDE = `
set -eu
latest=$(curl -sSf "$URL/backup_list" | head -n 1)
curl -sSf -o archive.tar.gz "$URL/$latest"
tar -zxf archive.tar.gz -C "$TARGET"
cd "$TARGET/.storage"
for old in db_CHANGEIP:7100_icon_dex; do mv "$old" "db_$OWN_IP:7100_icon_dex"; done
`;

async function fill(folder: string, from: number, to: number): Promise<void> {
  const database: ClassicLevel<string, string> = new ClassicLevel(folder, { writeBufferSize: 64 << 10 });
  await database.open();
  for (let at = from; at < to; at += 1) await database.put(`block ${at}`, `${at} ${"x".repeat(200)}`);
  await database.close();
}

async function contentOf(folder: string): Promise<[string, string][]> {
  const database: ClassicLevel<string, string> = new ClassicLevel(folder);
  await database.open();
  const all = await database.iterator().all();
  await database.close();
  return all;
}

describe.skipIf("missing" in server)("archives of ICON's guide in a real S3 server", () => {
  it("go up in parts as they come; one that breaks off, or meets another of its name, leaves nothing", async () => {
    const bucket = await makeBucket(endpointOf(server), false);
    const url = `s3://${bucket}/main`;
    const o = { s3: { endpoint: endpointOf(server) }, clock: systemClock, limits: { part: 5 << 20 } };
    const whole = randomBytes((12 << 20) + 7);
    async function* pieces(until = whole.length): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < until; at += 700_000) yield whole.subarray(at, at + 700_000);
      if (until < whole.length) throw new Error("the source broke off");
    }
    expect(await uploadStream(url, "a", pieces(), o)).toBe(whole.length);
    const store = await openStore(url, o);
    expect(Buffer.from((await store.get("a"))?.bytes ?? []).equals(whole)).toBe(true);
    async function* other() {
      yield Buffer.from("other");
    }
    expect(await uploadStream(url, "a", other(), o)).toBeNull();
    expect((await store.get("a"))?.bytes).toHaveLength(whole.length);
    await expect(uploadStream(url, "b", pieces(6 << 20), o)).rejects.toThrow(/broke off/);
    expect(await store.head("b")).toBeNull();
    const { Uploads = [] } = await plainClient(endpointOf(server)).send(
      new ListMultipartUploadsCommand({ Bucket: bucket }),
    );
    expect(Uploads).toEqual([]);
  });

  it("are exported as they come, found by backup_list and the guide's own steps, and imported again", async () => {
    const home = tempDir("icon-archive");
    const data = join(home, "loopchain");
    const blocks = join(data, ".storage/db_10.1.2.3:7100_icon_dex");
    mkdirSync(join(data, ".storage"), { recursive: true });
    await fill(blocks, 0, 3000);
    await fill(join(data, ".score_data/score"), 0, 50);
    writeFileSync(join(data, "my_keystore.json"), "PRIVATE");
    const config = join(home, "config.yaml");
    const env = {
      AWS_ENDPOINT_URL_S3: endpointOf(server),
      ...{ AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" },
    };
    Object.assign(process.env, env);
    const coldkeep = (...words: string[]) => runHere([...words, "--config", config], { clock: systemClock, env });
    const json = async <T>(...words: string[]) => {
      const { code, stdout, stderr } = await coldkeep(...words, "--json");
      expect([code, stderr]).toEqual([0, ""]);
      return JSON.parse(stdout) as T;
    };
    const init = ["init", "--node", "prep", "--root", `loopchain=${data}`, "--state-dir", join(home, "state")];
    await coldkeep(...init, "--vault", join(home, "vault"), "--key-file", join(home, "key"));
    const height = (at: number) => {
      const text = readFileSync(config, "utf8").replace(/^ {4}height:\n(?: {6}.*\n)+/m, "");
      writeFileSync(config, text.replace(/^( +)when_down:/m, `$1height:\n$1  command: echo ${at}\n$&`));
    };

    const bucket = await makeBucket(endpointOf(server), false);
    const Statement = [
      { Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: `arn:aws:s3:::${bucket}/*` },
    ];
    const Policy = JSON.stringify({ Version: "2012-10-17", Statement });
    await plainClient(endpointOf(server)).send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
    const to = `s3://${bucket}/main`;

    height(2999);
    const first = await json<{ snapshot: string }>("backup");
    const older = await json<{ output: string; bytes: number }>(
      "export",
      first.snapshot,
      "--format",
      "icon",
      "--to",
      to,
      "--publish",
    );
    expect(older.output).toMatch(/\/main\/(\d{8})\/PRep_BH2999_data-\1_\d{4}\.tar\.gz$/);
    await fill(blocks, 3000, 3100);
    height(3099);
    await json("backup");
    const before = await contentOf(blocks);
    const newer = await json<{ output: string }>("export", "--format", "icon", "--to", to, "--publish");
    expect(await coldkeep("export", "--format", "icon", "--to", to, "--publish")).toMatchObject({
      code: 12,
      stderr: expect.stringMatching(/is there already/),
    });

    const target = join(home, "restored");
    mkdirSync(target);
    const url = `${endpointOf(server)}/${bucket}/main`;
    const list = execFileSync("curl", ["-sSf", `${url}/backup_list`], { encoding: "utf8" });
    expect(list.trimEnd().split("\n")).toEqual([newer, older].map(({ output }) => output.slice(to.length + 1)));
    execFileSync("sh", ["-c", GUIDE], {
      cwd: home,
      env: { ...process.env, URL: url, TARGET: target, OWN_IP: "203.0.113.7" },
    });
    expect(readdirSync(target).sort()).toEqual([".score_data", ".storage"]);
    expect(await contentOf(join(target, ".storage/db_203.0.113.7:7100_icon_dex"))).toEqual(before);

    // Back again, as a site that returns would: straight from the bucket.
    rmSync(join(home, "archive.tar.gz"));
    const { imported } = await json<{ imported: { snapshot: string }[] }>("import", "icon", older.output);
    expect(imported[0]?.snapshot).toMatch(/-bh2999-/);
    await json("restore", imported[0]?.snapshot ?? "", "--to", join(home, "back"), "--own-ip", "192.0.2.1");
    const olderBlocks = before.filter(([key]) => Number(key.slice("block ".length)) < 3000);
    expect(await contentOf(join(home, "back/loopchain/.storage/db_192.0.2.1:7100_icon_dex"))).toEqual(olderBlocks);
    expect(await coldkeep("import", "icon", `${to}/20200101/PRep_BH1_data-20200101_0000.tar.gz`)).toMatchObject({
      code: 11,
      stderr: expect.stringMatching(/no such archive/),
    });
    expect(await coldkeep("import", "icon", `s3://${bucket}/main/`)).toMatchObject({ code: 2 });
    expect(await coldkeep("export", "--format", "icon", "--to", to, "-o", home)).toMatchObject({ code: 2 });
  });
});
