import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import { describe, expect, it, onTestFinished } from "vitest";
import { tempDir } from "../support/tmp.ts";
import { canMount, mountTmpfs, WITH_MOUNTS } from "../support/tmpfs.ts";
import { makeHost } from "./host.ts";

/** A port on which something listens. */
async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

describe("a node that is not what the configuration says", () => {
  it("with another system's data is refused while it runs, and the profile that fits is named", async () => {
    const host = await makeHost(tempDir("wrong-node"));
    const database: ClassicLevel<string, string> = new ClassicLevel(join(host.data, "db"));
    await database.open();
    await database.close();
    host.change("profile: files", "profile: rocksdb");
    expect(await host.failure("backup")).toMatchObject({
      kind: "refused",
      exit_code: 12,
      message: expect.stringMatching(
        /another system than the profile is for.*no rocksdb lies there, but LevelDB, 1 database/,
      ),
      todo: expect.stringMatching(/write profile: leveldb/),
    });
    expect(host.isUp()).toBe(true);
    expect((await host.run(["doctor"])).stdout).toMatch(/WARN +profile +no rocksdb lies in the roots, but LevelDB/);
    // RocksDB's own mark makes it RocksDB's, whatever the profile says.
    writeFileSync(join(host.data, "db/OPTIONS-000007"), "[Version]\n  rocksdb_version=7.8.3\n");
    host.change("profile: rocksdb", "profile: leveldb");
    expect(await host.failure("backup")).toMatchObject({
      kind: "refused",
      message: expect.stringMatching(/but RocksDB 7.8.3/),
    });
    host.change("profile: leveldb", "profile: rocksdb");
    await host.json("backup");
  });

  it("whose folder is another node's, too, or lies in it, is a mistake of the configuration", async () => {
    const host = await makeHost(tempDir("wrong-node"));
    const text = readFileSync(host.config, "utf8");
    const nodes = text.slice(text.indexOf("  demo:"));
    for (const path of [host.data, join(host.data, "inside"), host.home]) {
      writeFileSync(host.config, `${text}${nodes.replace("demo:", "other:").replaceAll(host.data, path)}`);
      expect([path, await host.failure("backup", "--node", "demo")]).toMatchObject([
        path,
        {
          kind: "config",
          exit_code: 3,
          message: expect.stringMatching(/nodes.other.roots.data: .* root data of node demo/),
        },
      ]);
    }
    writeFileSync(host.config, `${text}${nodes.replace("demo:", "other:").replaceAll(host.data, `${host.data}-2`)}`);
    expect((await host.run(["config", "check"])).code).toBe(0);
  });

  it("on whose port something else answers is told with what that said, by doctor before, and is left running", async () => {
    const host = await makeHost(tempDir("wrong-node"), { height: 7 });
    host.change(/start_timeout: .*/, "start_timeout: 1s");
    const web = await listening(createServer((_, response) => void response.end("<html>It works!</html>")));
    const ssh = await listening(
      createTcpServer((socket) => void socket.on("error", () => {}).end("SSH-2.0-OpenSSH_9.2\r\n")),
    );
    for (const [asked, said] of [
      [`height: { url: "http://127.0.0.1:${web}/api", field: block_height }`, /does not tell its height/],
      [`health: { url: "http://127.0.0.1:${ssh}/health" }`, new RegExp(`127.0.0.1:${ssh}/health: \\S`)],
    ] as const) {
      host.change(/(?<!# )(?:height|health): \{.*\}/, asked);
      expect((await host.run(["doctor"])).stdout).toMatch(said);
      expect(await host.failure("backup")).toMatchObject({ kind: "node-start", message: expect.stringMatching(said) });
      expect(host.isUp()).toBe(true);
    }
    expect((await host.json<{ snapshots: unknown[] }>("list")).snapshots).toEqual([]);
  });

  it.skipIf(!canMount)(
    `on several file systems is captured as one moment, each frozen on its own ${WITH_MOUNTS}`,
    async () => {
      const host = await makeHost(tempDir("wrong-node"));
      const more = join(host.home, "more");
      mountTmpfs(more, "40m");
      writeFileSync(join(more, "table"), "of another disk");
      host.change(/^( +)"?data"?: .*$/m, `$&\n$1more: ${more}`);
      const { snapshot } = await host.json<{ snapshot: string }>("backup");
      const to = join(host.home, "restored");
      await host.json("restore", snapshot, "--to", to);
      expect(readFileSync(join(to, "more/table"), "utf8")).toBe("of another disk");
      expect(existsSync(join(to, "data/large"))).toBe(true);
      expect(existsSync(join(more, ".coldkeep-freeze"))).toBe(false);
      // What is mounted below a root is another file system, and no root says so.
      const below = join(host.data, "below");
      mkdirSync(below);
      mountTmpfs(below, "1m");
      const { notes } = await host.json<{ notes: string[] }>("backup");
      expect(notes).toEqual([
        expect.stringMatching(
          /data\/below: another file system is mounted here and not captured: name it and its neighbours as roots/,
        ),
      ]);
      // As it says: what lies beside it is a root as well, and nothing is around it.
      const beside = join(host.data, "beside");
      mkdirSync(beside);
      writeFileSync(join(beside, "table"), "of this disk");
      host.change(/^( +)"?data"?: .*$/m, `$1beside: ${beside}\n$1below: ${below}`);
      expect((await host.json<{ notes: string[] }>("backup")).notes).toEqual([]);
    },
  );
});
