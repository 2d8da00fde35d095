import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DeleteObjectCommand, GetObjectCommand, ListObjectVersionsCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../posix/clock.ts";
import { parseS3Url } from "../../vault/names/index.ts";
import { runHere } from "../cli/run.ts";
import { tempDir } from "../support/tmp.ts";
import { makeHost } from "../systems/cloud/host.ts";
import { emulator } from "./emulator/index.ts";
import { endpointOf, freshVault, plainClient } from "./s3.ts";

const aws = await emulator();
const missing = "missing" in aws ? ` (skipped: ${aws.missing})` : "";

describe.skipIf(missing !== "")(`repair of a vault in S3${missing}`, { timeout: 180_000 }, () => {
  async function fresh(versions: boolean) {
    const place = await freshVault(endpointOf(aws), versions);
    const found = parseS3Url(place.url);
    if (typeof found === "string") throw new Error(found);
    const host = makeHost({
      folder: tempDir("coldkeep-repair"),
      endpoint: endpointOf(aws),
      vault: place.url,
      node: "demo",
    });
    await host.init();
    const { snapshot } = await host.run<{ snapshot: string }>("backup");
    const client = plainClient(endpointOf(aws));
    const at = (name: string) => ({ Bucket: found.bucket, Key: `${found.prefix}/demo/data/${snapshot}/${name}` });
    return {
      host,
      put: (name: string, Body: string | Uint8Array) => client.send(new PutObjectCommand({ ...at(name), Body })),
      read: async (name: string) => {
        const { Body } = await client.send(new GetObjectCommand(at(name)));
        return (await Body?.transformToByteArray()) ?? new Uint8Array(0);
      },
      /** Every version, as whoever may delete versions can. */
      destroy: async (name: string) => {
        const { Bucket, Key: Prefix } = at(name);
        const { Versions = [] } = await client.send(new ListObjectVersionsCommand({ Bucket, Prefix }));
        for (const { Key, VersionId } of Versions) {
          await client.send(new DeleteObjectCommand({ Bucket, Key, ...(versions ? { VersionId } : {}) }));
        }
      },
      repair: async (...words: string[]) => {
        const ran = await runHere(["repair", "--json", ...words, "--config", host.config], { clock: systemClock });
        return { ...ran, objects: (JSON.parse(ran.stdout) as { objects: { outcome: string; how: string }[] }).objects };
      },
      isWhole: async () => {
        expect((await host.attempt("verify", "--read-data")).code).toBe(0);
        const to = join(tempDir("coldkeep-restored"), "it");
        await host.run("restore", "--to", to);
        expect(readFileSync(join(to, "data", "large")).equals(readFileSync(host.file))).toBe(true);
      },
    };
  }

  it.each([true, false])("puts a pack that is gone anew, from the node's files (versions: %s)", async (versions) => {
    const v = await fresh(versions);
    const before = await v.read("00000.pack");
    await v.destroy("00000.pack");
    const { code, objects, stderr } = await v.repair();
    expect(code, stderr).toBe(0);
    expect(objects).toMatchObject([{ outcome: "repaired", how: expect.stringContaining("sealed again") }]);
    expect(Buffer.compare(await v.read("00000.pack"), before)).toBe(0);
    await v.isWhole();
  });

  it("brings the first version back, though the node has nothing of it any more", async () => {
    const v = await fresh(true);
    const before = await v.read("00000.pack");
    await v.put("00000.pack", "garbage");
    await v.put("manifest", "garbage");
    const kept = readFileSync(v.host.file);
    writeFileSync(v.host.file, randomBytes(1000));
    const { code, objects, stderr } = await v.repair("--read-data");
    expect(code, stderr).toBe(0);
    expect(objects).toMatchObject([
      { outcome: "repaired" },
      { outcome: "repaired", how: expect.stringContaining("keeps") },
    ]);
    expect(Buffer.compare(await v.read("00000.pack"), before)).toBe(0);
    writeFileSync(v.host.file, kept);
    await v.isWhole();
  });

  it("brings the newest version of a key file back that a key at hand opens", async () => {
    const v = await fresh(true);
    const before = await v.read("key.json");
    await v.put("key.json", "garbage");
    const { code, objects, stderr } = await v.repair();
    expect(code, stderr).toBe(0);
    expect(objects).toMatchObject([{ outcome: "repaired", how: expect.stringContaining("which opens") }]);
    expect(Buffer.compare(await v.read("key.json"), before)).toBe(0);
    await v.isWhole();
  });

  it("puts nothing over a first version that is damaged, as that is what a restore reads", async () => {
    const v = await fresh(true);
    await v.destroy("00000.pack");
    await v.put("00000.pack", "garbage");
    const { code, objects } = await v.repair("--read-data");
    expect(code).toBe(9);
    expect(objects).toMatchObject([{ outcome: "lost", how: expect.stringContaining("first version") }]);
    await v.destroy("00000.pack");
    expect((await v.repair()).code).toBe(0);
    await v.isWhole();
  });

  it("puts over what is damaged where the bucket keeps no versions", async () => {
    const v = await fresh(false);
    await v.put("00000.pack", "garbage");
    expect((await v.repair("--read-data")).code).toBe(0);
    await v.isWhole();
  });
});
