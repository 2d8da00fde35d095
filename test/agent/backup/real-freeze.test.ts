import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import { describe, expect, it } from "vitest";
import { runBackup } from "../../../agent/backup/index.ts";
import type { NodeControl } from "../../../agent/node/types.ts";
import { captureSetOf } from "../../../agent/profiles/index.ts";
import { backupHost, NODE } from "../../support/backup-host.ts";
import { memoryStore } from "../../support/memory-store.ts";
import { tempDir } from "../../support/tmp.ts";

async function write(folder: string, from: number, to: number): Promise<void> {
  const db = new ClassicLevel<string, string>(folder, { writeBufferSize: 64 << 10, compression: false });
  for (let n = from; n < to; n += 100) {
    await db.batch(
      Array.from({ length: 100 }, (_, i) => ({ type: "put", key: `block ${n + i}`, value: `${n + i} `.repeat(40) })),
    );
  }
  await db.close();
}

/** A manager of a node that is no process: it runs when it was started. Without one, freeze asks more of this machine. */
function control(): NodeControl & { readonly calls: string[] } {
  const calls: string[] = [];
  const isRunning = async () => calls.at(-1) !== "stop";
  const manager = {
    kind: "test",
    label: "a flag",
    controls: true,
    stop: async () => void calls.push("stop"),
    start: async () => void calls.push("start"),
    isRunning,
  };
  return { name: NODE, manager, probe: null, limits: { stopMs: 5000, startMs: 5000, onStopTimeout: "fail" }, calls };
}

describe("a LevelDB node, really frozen", () => {
  it("comes back as a database at the height of each snapshot; finished tables are neither read nor stored again", async () => {
    const host = backupHost(tempDir(), memoryStore());
    const db = join(host.root, "db");
    mkdirSync(db);
    const profile = captureSetOf("leveldb", {});
    const backup = () => runBackup(host.options({ profile, control: control() }));

    await write(db, 0, 3000);
    const first = await backup();
    expect(await host.confirm(first.snapshot)).toBe(true);
    await write(db, 3000, 3500);
    const second = await backup();
    expect(second.parent).toBe(first.snapshot);
    expect(second.figures.read).toBeLessThan(second.card.core.bytes.total);
    expect(second.figures.reused).toBeGreaterThan(0);

    for (const [done, height] of [
      [first, 3000],
      [second, 3500],
    ] as const) {
      const { entries } = await host.read(done.snapshot);
      const to = join(tempDir(), "restored");
      mkdirSync(to);
      for (const entry of entries) {
        const path = Buffer.from(entry.path).toString();
        if (entry.type === "file" && path.startsWith("data/db/")) writeFileSync(join(to, path.slice(8)), entry.content);
      }
      const opened = new ClassicLevel<string, string>(to, { createIfMissing: false });
      let count = 0;
      for await (const [key, value] of opened.iterator()) {
        expect(value).toBe(`${key.slice(6)} `.repeat(40));
        count += 1;
      }
      await opened.close();
      expect(count).toBe(height);
    }
  });

  it("is left as it was: no frozen tree, no journal, the database untouched", async () => {
    const host = backupHost(tempDir(), memoryStore());
    writeFileSync(join(host.root, "CURRENT"), "MANIFEST-000001\n");
    const node = control();
    const done = await runBackup(host.options({ profile: captureSetOf("leveldb", {}), control: node }));
    expect(node.calls).toEqual(["stop", "start"]);
    expect(done.card.core.downtime_ms).toBe(Math.round(done.figures.freeze.downtimeMs ?? -1));
    expect(existsSync(join(host.root, "../.coldkeep-freeze"))).toBe(false);
    expect(existsSync(join(host.state.folder, "freeze.journal"))).toBe(false);
    expect(readFileSync(join(host.root, "CURRENT"), "utf8")).toBe("MANIFEST-000001\n");
  });
});
