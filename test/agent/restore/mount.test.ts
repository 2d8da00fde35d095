import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { planRestore, recoverRestore, runRestore } from "../../../agent/restore/index.ts";
import { parseMountInfo } from "../../../agent/restore/mounts.ts";
import { silent } from "../../../vault/names/index.ts";
import type { Item } from "../../support/build-snapshot.ts";
import { canMount, mountTmpfs, WITH_MOUNTS } from "../../support/tmpfs.ts";
import { restoreFixture } from "./fixture.ts";

const noise = (length: number, seed: number) => Buffer.from(Array.from({ length }, (_, i) => (i * i * seed + i) & 255));
const ITEMS: readonly Item[] = [
  { path: "data", mode: 0o750, mtime: { seconds: 1_600_000_000, nanoseconds: 5 } },
  { path: "data/a", content: ["hello"] },
  { path: "data/sub" },
  { path: "data/sub/b", content: [noise(10_000, 7)] },
];

describe("a full disk at restore", () => {
  it.skipIf(!canMount)(`what cannot fit is refused before anything is written ${WITH_MOUNTS}`, async () => {
    const { dir, restore } = await restoreFixture([
      { path: "data" },
      { path: "data/big", content: [noise(3 << 20, 3)] },
    ]);
    const disk = join(dir, "disk");
    mountTmpfs(disk, "2m");
    const failed = restore({ targets: { to: join(disk, "out") } });
    await expect(failed).rejects.toMatchObject({ kind: "no-space", why: expect.stringMatching(/bytes are needed/) });
    expect(readdirSync(disk)).toEqual([]);
  });

  it.skipIf(!canMount)(`space that vanishes meanwhile: all as it was, old data untouched ${WITH_MOUNTS}`, async () => {
    const fixture = await restoreFixture([{ path: "data" }, { path: "data/big", content: [noise(3 << 20, 3)] }]);
    const disk = join(fixture.dir, "disk");
    mountTmpfs(disk, "5m");
    const target = join(disk, "data");
    mkdirSync(target);
    writeFileSync(join(target, "mine"), "x");
    let asked = 0;
    const store = {
      ...fixture.store,
      getRange: async (...args: [string, number, number]) => {
        asked += 1;
        // The list of files has been read by then; now somebody else fills the disk.
        if (existsSync(join(target, "..")) && readdirSync(disk).some((name) => name.startsWith(".coldkeep-restore"))) {
          const { bavail, bsize } = statfsSync(disk);
          if (!existsSync(join(disk, "filler")))
            writeFileSync(join(disk, "filler"), Buffer.alloc(bavail * bsize - 65_536));
        }
        return await fixture.store.getRange(...args);
      },
    };
    const o = fixture.options({ store, targets: new Map([["data", target]]) });
    await expect(runRestore(await planRestore(o), o)).rejects.toMatchObject({ kind: "no-space" });
    expect(asked).toBeGreaterThan(1);
    expect(readdirSync(disk).sort()).toEqual(["data", "filler"]);
    expect(readdirSync(target)).toEqual(["mine"]);
    expect(await recoverRestore({ stateDir: o.stateDir, node: o.node, progress: silent })).toBeNull();
  });
});

describe("a root that is a mount point", () => {
  it.skipIf(!canMount)(`is exchanged child by child, with its own mode and time ${WITH_MOUNTS}`, async () => {
    const { dir, restore } = await restoreFixture(ITEMS);
    const disk = join(dir, "disk");
    mountTmpfs(disk, "10m");
    mkdirSync(join(disk, "lost+found"));
    writeFileSync(join(disk, "a"), "old a");
    mkdirSync(join(disk, "sub"));
    writeFileSync(join(disk, "sub/old"), "x");
    await restore({ targets: new Map([["data", disk]]) });
    expect(readdirSync(disk).sort()).toEqual(["a", "lost+found", "sub"]);
    expect(readFileSync(join(disk, "a"), "utf8")).toBe("hello");
    expect(readdirSync(join(disk, "sub"))).toEqual(["b"]);
    expect(lstatSync(disk).mode & 0o7777).toBe(0o750);
    expect(lstatSync(disk, { bigint: true }).mtimeNs).toBe(1_600_000_000_000_000_005n);
  });

  it.skipIf(!canMount)(`keeps its old children where asked ${WITH_MOUNTS}`, async () => {
    const { dir, restore } = await restoreFixture(ITEMS);
    const disk = join(dir, "disk");
    mountTmpfs(disk, "10m");
    writeFileSync(join(disk, "a"), "old a");
    const { roots } = await restore({ targets: new Map([["data", disk]]), keepOld: true });
    expect(readFileSync(join(roots[0]?.old ?? "", "a"), "utf8")).toBe("old a");
    expect(readFileSync(join(disk, "a"), "utf8")).toBe("hello");
  });

  it.skipIf(!canMount)(`a failure leaves its children where they were ${WITH_MOUNTS}`, async () => {
    const { dir, store, built, restore } = await restoreFixture(ITEMS);
    const disk = join(dir, "disk");
    mountTmpfs(disk, "10m");
    writeFileSync(join(disk, "a"), "old a");
    const pack = [...store.objects.keys()].find((name) => name.endsWith("00000.pack")) ?? "";
    store.plant(pack, Buffer.alloc(store.objects.get(pack)?.bytes.length ?? 0));
    expect(built.manifest.packs.length).toBe(2);
    await expect(restore({ targets: new Map([["data", disk]]) })).rejects.toMatchObject({ kind: "integrity" });
    expect(readdirSync(disk)).toEqual(["a"]);
  });

  it.skipIf(!canMount)(
    `another file system inside a root: refused, since it would go with the old data ${WITH_MOUNTS}`,
    async () => {
      const { dir, restore } = await restoreFixture(ITEMS);
      const target = join(dir, "node-data");
      mountTmpfs(join(target, "inner disk"), "1m");
      const failed = restore({ targets: new Map([["data", target]]) });
      await expect(failed).rejects.toMatchObject({ kind: "refused", why: expect.stringContaining("inner disk") });
      expect(readdirSync(target)).toEqual(["inner disk"]);
    },
  );
});

describe("the list of mount points", () => {
  it("reads octal escapes", () => {
    const line = "36 35 98:0 / /mnt/with\\040space\\134 rw,noatime master:1 - ext3 /dev/root rw\n";
    expect(parseMountInfo(line)).toEqual(["/mnt/with space\\"]);
  });
});
