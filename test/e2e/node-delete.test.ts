import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ListObjectVersionsCommand, PutObjectCommand, PutObjectRetentionCommand } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../posix/clock.ts";
import { runHere } from "../cli/run.ts";
import { tempDir } from "../support/tmp.ts";
import { emulator } from "./emulator/index.ts";
import { endpointOf, makeBucket, plainClient } from "./s3.ts";

const DAY = 86_400_000;
const aws = await emulator();
const missing = "missing" in aws ? ` (${aws.missing})` : "";

interface Deleted {
  readonly keys: number;
  readonly lockedKeys: { readonly count: number; readonly until: number | null };
  readonly done: boolean;
}

describe.skipIf("missing" in aws)(
  `node delete in a bucket with versions and locks${missing}`,
  { timeout: 120_000 },
  () => {
    it("takes every version of every key file, waits for locks, and says until when", async () => {
      const home = tempDir("coldkeep-end");
      const endpoint = endpointOf(aws);
      const Bucket = await makeBucket(endpoint, true, true);
      const client = plainClient(endpoint);
      const run = async <T>(...words: string[]) => {
        const given = [...words, "--json", "--config", join(home, "config.yaml")];
        const ran = await runHere(given, { clock: systemClock, env: process.env });
        return { ...ran, document: ran.code === 0 ? (JSON.parse(ran.stdout) as T) : null };
      };
      mkdirSync(join(home, "data"));
      writeFileSync(join(home, "data/file"), "hello\n");
      await run(
        ...["init", "--vault", `s3://${Bucket}/v`, "--endpoint", endpoint, "--region", "us-east-1"],
        ...["--state-dir", join(home, "state"), "--key-file", join(home, "key"), "--node", "demo"],
        ...["--profile", "files", "--root", `data=${join(home, "data")}`],
      );
      const made = await run<{ snapshot: string }>("backup");
      const Key = `v/demo/data/${made.document?.snapshot}/key.json`;
      // As a rotation leaves it: an earlier version opens the snapshot, too.
      await client.send(new PutObjectCommand({ Bucket, Key, Body: "later" }));
      const versions = async (Prefix: string) => {
        const { Versions = [], DeleteMarkers = [] } = await client.send(
          new ListObjectVersionsCommand({ Bucket, Prefix }),
        );
        expect(DeleteMarkers).toEqual([]);
        return Versions;
      };
      const [, older] = await versions(Key);
      const until = new Date(Math.ceil(systemClock.now() / 1000) * 1000 + DAY);
      const retain = (mode: "GOVERNANCE" | undefined, date: Date | undefined) =>
        client.send(
          new PutObjectRetentionCommand({
            ...{ Bucket, Key, VersionId: older?.VersionId, BypassGovernanceRetention: true },
            Retention: { Mode: mode, RetainUntilDate: date },
          }),
        );
      await retain("GOVERNANCE", until);
      await run("node", "retire");
      const { document: locked } = await run<Deleted>("node", "delete", "--confirm", "demo");
      expect(locked).toMatchObject({ keys: 2, lockedKeys: { count: 1, until: until.getTime() }, done: false });
      expect((await versions(Key)).map(({ VersionId }) => VersionId)).toEqual([older?.VersionId]);
      const during = await run("restore", "latest", "--to", join(home, "to"));
      expect([during.code, during.stderr]).toEqual([11, expect.stringContaining("the node is being deleted")]);

      await retain("GOVERNANCE", new Date(systemClock.now() - DAY)).catch(() => retain(undefined, undefined));
      const { document: done } = await run<Deleted>("node", "delete", "--confirm", "demo");
      expect(done).toMatchObject({ keys: 1, lockedKeys: { count: 0 }, done: true });
      const left = (await versions("v/demo/"))
        .map(({ Key: name = "" }) => name)
        .filter((name) => !name.includes("/plans/"));
      expect(
        left.every((name) => /\/(node|standing\.\d)\.json$/.test(name)),
        left.join(", "),
      ).toBe(true);
      const after = await run("restore", "latest", "--to", join(home, "to"));
      expect([after.code, after.stderr]).toEqual([11, expect.stringContaining("the node was deleted")]);
    });
  },
);
