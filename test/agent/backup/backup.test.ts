import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { backupHost } from "../../support/backup-host.ts";
import { memoryStore } from "../../support/memory-store.ts";
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
});
