import { lstatSync, readlinkSync, rmSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backupHost } from "../../support/backup-host.ts";
import { memoryStore } from "../../support/memory-store.ts";
import type { ReadEntry } from "../../support/read-snapshot.ts";
import { tempDir } from "../../support/tmp.ts";
import { anyTree, contentOf, growTree, type Plan } from "../../support/trees.ts";

const isSecret = (plans: readonly Plan[]) => {
  const secret = new Set(plans.filter((p) => p.kind === "file" && p.secret).map((p) => `data/${p.path}`));
  return (path: string) => secret.has(path);
};
const isImmutable = (plans: readonly Plan[]) => {
  const files = new Set(plans.filter((p) => p.kind === "file" && p.immutable).map((p) => `data/${p.path}`));
  return (path: string) => files.has(path);
};

/** What must be read back, by path, from what was planned and what the file system made of it. */
function compare(root: string, plans: readonly Plan[], entries: readonly ReadEntry[]): void {
  const found = new Map(entries.map((entry) => [Buffer.from(entry.path).toString("latin1"), entry]));
  expect(found.size).toBe(plans.length + 1);
  const contents = new Map(plans.flatMap((p) => (p.kind === "file" ? [[p.path, contentOf(p.content)] as const] : [])));
  const links = new Map(plans.flatMap((p) => (p.kind === "hardlink" ? [[p.path, p.target] as const] : [])));
  for (const plan of plans) {
    const entry = found.get(`data/${plan.path}`);
    const path = Buffer.from(`${root}/${plan.path}`, "latin1");
    const info = lstatSync(path, { bigint: true });
    if (entry === undefined) throw new Error(`${JSON.stringify(plan.path)} is missing`);
    const { seconds, nanoseconds } = entry.mtime;
    expect(BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds)).toBe(info.mtimeNs);
    expect(entry.mode).toBe(Number(info.mode & 0o7777n));
    if (plan.kind === "symlink") expect(Buffer.from(entry.target ?? [])).toEqual(readlinkSync(path, "buffer"));
    else if (plan.kind === "directory") expect(entry.type).toBe("directory");
    else {
      // Of several names of one file the first in order is the file; the others name it.
      const name = entry.type === "hardlink" ? Buffer.from(entry.target ?? []).toString("latin1") : `data/${plan.path}`;
      const first = found.get(name);
      expect(first?.type).toBe("file");
      expect(first?.content.equals(contents.get(links.get(plan.path) ?? plan.path) ?? Buffer.alloc(0))).toBe(true);
    }
  }
}

describe("any tree", () => {
  it("reads back as it was: names, kinds, modes, times, contents, holes, links, secrets", async () => {
    const dir = tempDir();
    let n = 0;
    await fc.assert(
      fc.asyncProperty(anyTree, async (plans) => {
        n += 1;
        const host = backupHost(dir, memoryStore(), `run-${n}`);
        growTree(host.root, plans);
        const done = await host.backup({ isSecret: isSecret(plans), isImmutable: isImmutable(plans) });
        const { entries, card } = await host.read(done.snapshot);
        compare(host.root, plans, entries);
        expect(card.core.bytes.files).toBe(plans.filter((p) => p.kind === "file").length);
        rmSync(dir, { recursive: true, force: true });
      }),
      { numRuns: 12 },
    );
  });

  it("reads back from every snapshot of a chain in which it changes", async () => {
    const dir = tempDir();
    let n = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(anyTree, { minLength: 2, maxLength: 4 }), async (trees) => {
        n += 1;
        const host = backupHost(dir, memoryStore(), `chain-${n}`);
        const taken: { id: Parameters<typeof host.read>[0]; plans: readonly Plan[] }[] = [];
        for (const [step, plans] of trees.entries()) {
          // Each state keeps a part of the one before it, so that unchanged files, and new names for old content, occur.
          rmSync(host.root, { recursive: true, force: true });
          growTree(host.root.replace(/\/root$/, ""), [{ kind: "directory", path: "root", mode: 0o700 }]);
          growTree(host.root, plans);
          const done = await host.backup({ isSecret: isSecret(plans), isImmutable: isImmutable(plans) });
          expect(done.parent).toBe(step % 3 === 2 ? (taken.at(-2)?.id ?? null) : (taken.at(-1)?.id ?? null));
          compare(host.root, plans, (await host.read(done.snapshot)).entries);
          // Now and then the keeper is late: the next run then builds on an older parent.
          if (step % 3 !== 1) expect(await host.confirm(done.snapshot)).toBe(true);
          taken.push({ id: done.snapshot, plans });
        }
        for (const { id } of taken) expect((await host.read(id)).card.core.snapshot).toBe(id);
        rmSync(dir, { recursive: true, force: true });
      }),
      { numRuns: 4 },
    );
  });
});
