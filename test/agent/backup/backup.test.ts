import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { backupHost } from "../../support/backup-host.ts";
import { memoryStore } from "../../support/memory-store.ts";
import { seededRandom } from "../../support/random.ts";
import { tempDir } from "../../support/tmp.ts";

describe("a backup", () => {
  it("commits a tree that reads back as it was", async () => {
    const host = backupHost(tempDir(), memoryStore());
    writeFileSync(join(host.root, "CURRENT"), "MANIFEST-000001\n");
    mkdirSync(join(host.root, "empty"));
    writeFileSync(join(host.root, "big"), Buffer.alloc(3 << 20, "block"));
    const done = await host.backup();
    const read = await host.read(done.snapshot);
    expect(read.entries.map((e) => [Buffer.from(e.path).toString(), e.type, e.content.length])).toEqual([
      ["data", "directory", 0],
      ["data/CURRENT", "file", 16],
      ["data/big", "file", 3 << 20],
      ["data/empty", "directory", 0],
    ]);
  });

  it("lets all threads go but one when only the list of files is left to be written, in several packs", async () => {
    const store = memoryStore();
    const workers: Worker[] = [];
    const heard = (worker: Worker) => workers.push(worker);
    process.on("worker", heard);
    onTestFinished(() => void process.off("worker", heard));
    const living = () => workers.filter(({ threadId }) => threadId !== -1).length;
    const host = backupHost(tempDir(), {
      ...store,
      create: async (name, body) => {
        // It comes after the list, and the others were told before that.
        if (name.endsWith("/manifest")) await vi.waitUntil(() => living() === 1);
        return store.create(name, body);
      },
    });
    const noise = seededRandom("threads");
    for (let n = 0; n < 2000; n += 1) writeFileSync(join(host.root, `${n}`), noise(100));
    writeFileSync(join(host.root, "big"), noise(20 << 20));
    const done = await host.backup({}, { workers: 3 });
    expect(workers).toHaveLength(3);
    expect((await host.read(done.snapshot)).entries).toHaveLength(2002);
  });
});
