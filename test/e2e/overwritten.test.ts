import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../posix/clock.ts";
import { parseS3Url } from "../../vault/names/index.ts";
import { runHere } from "../cli/run.ts";
import { sharedTempDir, tempDir } from "../support/tmp.ts";
import { type Host, makeHost } from "../systems/cloud/host.ts";
import { emulator } from "./emulator/index.ts";
import { endpointOf, freshVault, plainClient } from "./s3.ts";

const aws = await emulator();
const missing = "missing" in aws ? ` (skipped: ${aws.missing})` : "";

/** Somebody who may overwrite puts other bytes under names that a host has written (FORMAT.md ruling 13). */
describe.skipIf(missing !== "")(
  `what was put over in a bucket that keeps versions${missing}`,
  { timeout: 180_000 },
  () => {
    let host: Host;
    let Bucket = "";
    let prefix = "";
    let first: string;
    let second: string;
    const client = () => plainClient(endpointOf(aws));
    const at = (name: string) => ({ Bucket, Key: `${prefix}/demo/${name}` });
    const put = (name: string, Body: string | Uint8Array) => client().send(new PutObjectCommand({ ...at(name), Body }));
    const read = async (name: string) =>
      (await (await client().send(new GetObjectCommand(at(name)))).Body?.transformToByteArray()) ?? new Uint8Array(0);

    beforeAll(async () => {
      ({ host, Bucket, prefix } = await freshHost(true));
      first = (await host.run<{ snapshot: string }>("backup", "--full")).snapshot;
      second = (await host.run<{ snapshot: string }>("backup", "--full")).snapshot;
    });

    async function freshHost(versions: boolean) {
      const place = await freshVault(endpointOf(aws), versions);
      const found = parseS3Url(place.url);
      if (typeof found === "string") throw new Error(found);
      const folder = sharedTempDir("coldkeep-overwritten");
      const made = makeHost({ folder, endpoint: endpointOf(aws), vault: place.url, node: "demo" });
      await made.init();
      return { host: made, Bucket: found.bucket, prefix: found.prefix };
    }

    async function restore(of: Host, snapshot: string) {
      const to = join(tempDir("coldkeep-restored"), "it");
      const ran = await runHere(["restore", snapshot, "--to", to, "--config", of.config], { clock: systemClock });
      return { ...ran, same: () => readFileSync(join(to, "data", "large")).equals(readFileSync(of.file)) };
    }

    it.each<[what: string, name: (id: string) => string, over: (name: string) => Promise<string | Uint8Array>]>([
      ["a pack, by garbage", (id) => `data/${id}/00000.pack`, async () => "garbage"],
      [
        "a pack, by as many other bytes",
        (id) => `data/${id}/00000.pack`,
        async (name) => Buffer.alloc((await read(name)).length),
      ],
      ["a manifest", (id) => `data/${id}/manifest`, async () => "garbage"],
      ["a card, by garbage", (id) => `snapshots/${id}.card.json`, async () => "{}"],
      [
        "a card, by another snapshot's",
        (id) => `snapshots/${id}.card.json`,
        () => read(`snapshots/${second}.card.json`),
      ],
    ])("is restored as it was first: %s", async (_, nameOf, over) => {
      const name = nameOf(first);
      await put(name, await over(name));
      const { code, stderr, same } = await restore(host, first);
      expect(code, stderr).toBe(0);
      expect(same()).toBe(true);
      expect(stderr).toContain("had something put over what the host put");
    });

    it("is restored where it lies below a delete marker, too", async () => {
      const name = `data/${second}/00000.pack`;
      await client().send(new DeleteObjectCommand(at(name)));
      await put(name, "garbage");
      const { code, stderr, same } = await restore(host, second);
      expect(code, stderr).toBe(0);
      expect(same()).toBe(true);
    });

    it("is damage to verify, and without versions to a restore", async () => {
      expect((await host.attempt("verify", first)).code).toBe(9);
      const other = await freshHost(false);
      const { snapshot } = await other.host.run<{ snapshot: string }>("backup");
      const Key = `${other.prefix}/demo/data/${snapshot}/00000.pack`;
      await client().send(new PutObjectCommand({ Bucket: other.Bucket, Key, Body: "garbage" }));
      expect((await restore(other.host, snapshot)).code).toBe(9);
    });
  },
);
