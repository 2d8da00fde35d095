import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CopyObjectCommand, HeadObjectCommand, ListObjectsV2Command, PutObjectCommand } from "@aws-sdk/client-s3";
import { beforeAll, describe, expect, it } from "vitest";
import { EXIT_CODES } from "../../agent/exit-codes.ts";
import { verifySnapshots } from "../../keeper/index.ts";
import { systemClock } from "../../posix/clock.ts";
import { toNodeName } from "../../vault/names/index.ts";
import { openStore } from "../../vault/store/index.ts";
import { openS3Archive } from "../../vault/store/s3/archive.ts";
import { runHere } from "../cli/run.ts";
import { sharedTempDir } from "../support/tmp.ts";
import { emulator } from "./emulator/index.ts";
import { endpointOf, makeBucket, plainClient } from "./s3.ts";

const aws = await emulator();
const missing = "missing" in aws ? ` (${aws.missing})` : "";

describe.skipIf(missing !== "")(`a snapshot whose packs a lifecycle moved${missing}`, { timeout: 240_000 }, () => {
  const folder = sharedTempDir("coldkeep-archive");
  const data = join(folder, "data");
  const config = ["--config", join(folder, "config.yaml")];
  let bucket = "";

  const run = (...words: string[]) => runHere([...words, "--json", ...config], { clock: systemClock });

  beforeAll(async () => {
    const endpoint = endpointOf(aws);
    bucket = await makeBucket(endpoint);
    mkdirSync(data);
    writeFileSync(join(data, "large"), randomBytes(3_000_000));
    const up = join(folder, "up");
    writeFileSync(up, "");
    const made = await run(
      ...["init", "--vault", `s3://${bucket}/nodes`, "--endpoint", endpoint, "--region", "us-east-1"],
      ...["--state-dir", join(folder, "state"), "--key-file", join(folder, "key"), "--node", "demo"],
      ...["--profile", "files", "--root", `data=${data}`],
      ...["--stop", `rm -f ${up}`, "--start", `touch ${up}`, "--is-running", `test -e ${up}`],
    );
    expect(made.code, made.stderr).toBe(0);
    expect((await run("backup")).code).toBe(0);
    // What S3's lifecycle does, by hand: it moves what is there, to another class.
    const client = plainClient(endpoint);
    const { Contents = [] } = await client.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: "nodes/demo/data/" }),
    );
    for (const { Key = "" } of Contents.filter(({ Key: name }) => name?.endsWith(".pack"))) {
      const CopySource = `${bucket}/${Key}`;
      await client.send(new CopyObjectCommand({ Bucket: bucket, Key, CopySource, StorageClass: "GLACIER" }));
      expect((await client.send(new HeadObjectCommand({ Bucket: bucket, Key }))).StorageClass).toBe("GLACIER");
    }
  });

  it("is verified without being read, by the sums that S3 keeps", async () => {
    const s3 = { endpoint: endpointOf(aws), region: "us-east-1", pathStyle: true };
    const store = await openStore(`s3://${bucket}/nodes`, { s3, now: systemClock.now, version: "0.0.0" });
    const read: string[] = [];
    const watched = {
      ...store,
      getRange: (name: string, offset: number, length: number) => {
        read.push(name);
        return store.getRange(name, offset, length);
      },
    };
    const verdicts = [];
    for await (const one of verifySnapshots({ store: watched, node: toNodeName("demo"), readData: true }))
      verdicts.push(one);
    expect(verdicts).toMatchObject([{ ok: true, damages: [] }]);
    expect(read.filter((name) => name.endsWith(".pack"))).toEqual([]);
  });

  it("is told of by listings: of the objects asked for, those of such a class", async () => {
    const client = plainClient(endpointOf(aws));
    const folder = "demo/data/20260101T000000Z-0000000000000001/";
    for (const [name, StorageClass] of [
      ["00000.pack", "GLACIER"],
      ["00001.pack", "STANDARD"],
      ["00002.pack", "DEEP_ARCHIVE"],
      ["00003.pack", "GLACIER_IR"],
      ["00004.pack", "GLACIER"],
    ] as const) {
      await client.send(
        new PutObjectCommand({ Bucket: bucket, Key: `nodes/${folder}${name}`, Body: "x", StorageClass }),
      );
    }
    const s3 = { endpoint: endpointOf(aws), region: "us-east-1", pathStyle: true };
    const options = { s3, now: systemClock.now, version: "0.0.0", env: process.env };
    const among = async (first: string, last: string) => [
      ...((await openS3Archive(`s3://${bucket}/nodes`, options).among(folder, folder + first, folder + last)) ?? []),
    ];
    expect(await among("00000.pack", "00003.pack")).toEqual([`${folder}00000.pack`, `${folder}00002.pack`]);
    expect(await among("00001.pack", "00001.pack")).toEqual([]);
  });

  it("is refused with time and cost, and restored once that is allowed", async () => {
    const refused = await run("restore", "--to", join(folder, "none"));
    expect(refused.code).toBe(EXIT_CODES.refused.code);
    const { error } = JSON.parse(refused.stderr) as { error: { on: string; why: string; todo: string } };
    expect(error.on).toMatch(/^\d+ objects?, [\d.]+ MB, in GLACIER$/);
    expect(error.why).toMatch(/^up to 5h 00m \(standard\), and some \d+\.\d\d USD by the list prices of/);
    expect(error.todo).toContain("--from-archive standard");
    const restored = await run("restore", "--to", join(folder, "copy"), "--from-archive", "bulk");
    expect(restored.code, restored.stderr).toBe(0);
    expect(readFileSync(join(folder, "copy", "data", "large")).equals(readFileSync(join(data, "large")))).toBe(true);
    // The copy is there: nothing is asked for or said again.
    expect((await run("restore", "--to", join(folder, "again"))).code).toBe(0);
  });
});
