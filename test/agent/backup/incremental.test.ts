import {
  appendFileSync,
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { names } from "../../../vault/names/index.ts";
import { backupHost, NODE } from "../../support/backup-host.ts";
import { memoryStore } from "../../support/memory-store.ts";
import { tempDir } from "../../support/tmp.ts";
import { partBytes } from "../../support/trees.ts";

const noise = (seed: number, length: number) => partBytes({ seed: seed * 3 + 1, length });
const MIB = 1 << 20;
const isImmutable = (path: string) => path.endsWith(".ldb");

function content(read: { entries: readonly { path: Uint8Array; content: Buffer }[] }, path: string): Buffer {
  const found = read.entries.find((entry) => Buffer.from(entry.path).toString() === path);
  if (found === undefined) throw new Error(`${path} is missing`);
  return found.content;
}

describe("an incremental backup", () => {
  it("reads no byte of an unchanged immutable file, and stores only what is new", async () => {
    const host = backupHost(tempDir(), memoryStore());
    writeFileSync(join(host.root, "000001.ldb"), noise(1, 3 * MIB));
    writeFileSync(join(host.root, "LOG"), noise(2, 2 * MIB + 1000));
    const first = await host.backup({ isImmutable });
    expect(first.figures.read).toBe(5 * MIB + 1000);
    await host.confirm(first.snapshot);

    appendFileSync(join(host.root, "LOG"), "one line more\n");
    writeFileSync(join(host.root, "000002.ldb"), noise(3, MIB));
    const second = await host.backup({ isImmutable });
    expect(second.parent).toBe(first.snapshot);
    expect(second.card.core.parent).toBe(first.snapshot);
    expect(second.figures.read).toBe(3 * MIB + 1014);
    expect(second.figures.reused).toBe(3 * MIB + 2 * MIB);
    expect(second.card.core.bytes.added).toBe(MIB + 1014);
    expect(second.card.core.origins.map((o) => o.snapshot)).toEqual([first.snapshot, second.snapshot]);
    expect(
      content(await host.read(second.snapshot), "data/LOG")
        .subarray(-14)
        .toString(),
    ).toBe("one line more\n");
    expect(content(await host.read(first.snapshot), "data/LOG")).toEqual(noise(2, 2 * MIB + 1000));
  });

  it("stores nothing but lists, manifest and card where nothing changed, segments included", async () => {
    const host = backupHost(tempDir(), memoryStore());
    for (let n = 0; n < 700; n += 1) writeFileSync(join(host.root, `${n}.ldb`), noise(n, 100));
    const first = await host.backup({ isImmutable });
    await host.confirm(first.snapshot);
    const second = await host.backup({ isImmutable });
    expect(second.figures).toMatchObject({ read: 0, packs: 0 });
    expect(second.card.core.pack_lists).toEqual([]);
    expect(second.card.core.origins.map((o) => o.snapshot)).toEqual([first.snapshot]);
    expect((await host.read(second.snapshot)).manifest.segments.length).toBeGreaterThan(1);

    writeFileSync(join(host.root, "350.ldb"), noise(9999, 100));
    await host.confirm(second.snapshot);
    const third = await host.backup({ isImmutable });
    const before = new Set((await host.read(second.snapshot)).manifest.segments.map((s) => s.id));
    const after = (await host.read(third.snapshot)).manifest.segments;
    expect(after.filter((s) => !before.has(s.id))).toHaveLength(1);
    expect(third.figures.read).toBe(100);
  });

  it("is the tree as it is now, whichever segments of the parent's list it takes over", async () => {
    const host = backupHost(tempDir(), memoryStore());
    const file = (n: number) => join(host.root, `${n % 3}`, `${String(n).padStart(5, "0")}.ldb`);
    for (const folder of [0, 1, 2]) mkdirSync(join(host.root, `${folder}`));
    for (let n = 0; n < 1200; n += 1) writeFileSync(file(n), `${n}`);
    const sameTime = (text: string) => {
      writeFileSync(file(5), text);
      utimesSync(file(5), 5, 5);
    };
    sameTime("5");
    const changes: readonly (readonly [what: string, made: number, change: () => void])[] = [
      ["nothing", 0, () => {}],
      ["one file gone", 1, () => rmSync(file(600))],
      ["one more", 1, () => writeFileSync(file(5001), "new")],
      ["the first gone", 1, () => rmSync(file(0))],
      ["the last another", 1, () => writeFileSync(file(1199), "othe")],
      ["a mode", 1, () => chmodSync(file(700), 0o400)],
      ["a folder's mode", 1, () => chmodSync(join(host.root, "1"), 0o500)],
      ["nothing, read again", 0, () => {}],
      ["content under the old time, read again", 1, () => sameTime("6")],
    ];
    let parent = await host.backup({ isImmutable });
    let before = (await host.read(parent.snapshot)).manifest.segments;
    expect(before.length).toBeGreaterThan(2);
    for (const [what, made, change] of changes) {
      await host.confirm(parent.snapshot);
      change();
      const vouched = what.endsWith("again") ? () => false : isImmutable;
      const done = await host.backup({ isImmutable: vouched });
      expect(done.parent, what).toBe(parent.snapshot);
      const { entries, manifest } = await host.read(done.snapshot);
      const told = entries.map(({ path, mode, content: bytes }) => [Buffer.from(path).toString(), mode, `${bytes}`]);
      const paths = readdirSync(host.root, { recursive: true, encoding: "utf8" }).sort();
      const there = ["", ...paths].map((path) => {
        const info = lstatSync(join(host.root, path));
        const bytes = info.isFile() ? readFileSync(join(host.root, path)) : "";
        return [path === "" ? "data" : `data/${path}`, info.mode & 0o7777, `${bytes}`];
      });
      expect(JSON.stringify(told), what).toBe(JSON.stringify(there));
      const ids = new Set(before.map(({ id }) => id));
      expect(manifest.segments.filter(({ id }) => !ids.has(id)).length, what).toBeLessThanOrEqual(made * 2);
      [parent, before] = [done, manifest.segments];
    }
    chmodSync(join(host.root, "1"), 0o700);
  });

  it("reads a file again that has another inode, size, time or secrecy, whatever its name", async () => {
    const host = backupHost(tempDir(), memoryStore());
    const file = (name: string) => join(host.root, name);
    for (const name of ["a.ldb", "b.ldb", "c.ldb", "d.ldb"]) writeFileSync(file(name), noise(1, 1000));
    await host.confirm((await host.backup({ isImmutable })).snapshot);
    writeFileSync(file("new"), noise(5, 1000));
    renameSync(file("new"), file("a.ldb"));
    utimesSync(file("b.ldb"), 5, 5);
    rmSync(file("c.ldb"));
    const isSecret = (path: string) => path === "data/d.ldb";
    const second = await host.backup({ isImmutable, isSecret });
    expect(second.figures.read).toBe(3000);
    const read = await host.read(second.snapshot);
    expect(content(read, "data/a.ldb")).toEqual(noise(5, 1000));
    expect(read.entries.map((e) => Buffer.from(e.path).toString())).not.toContain("data/c.ldb");
    // The secret file's content is known by another id, and lies in a pack of its own.
    expect(read.manifest.packs.filter((p) => p.secret)).toHaveLength(1);
  });

  it("shares nothing with the past when asked for a full one", async () => {
    const host = backupHost(tempDir(), memoryStore());
    writeFileSync(join(host.root, "1.ldb"), noise(1, 5000));
    await host.confirm((await host.backup({ isImmutable })).snapshot);
    const full = await host.backup({ isImmutable }, { full: true });
    expect(full.parent).toBeNull();
    expect(full.card.core.origins.map((o) => o.snapshot)).toEqual([full.snapshot]);
    expect(full.figures.read).toBe(5000);
  });

  it.each(["entries", "chunks", "tables.json"])(
    "stores everything anew where the parent's local %s is damaged, and says so",
    async (name) => {
      const host = backupHost(tempDir(), memoryStore());
      writeFileSync(join(host.root, "1.ldb"), noise(1, 5000));
      const first = await host.backup({ isImmutable });
      await host.confirm(first.snapshot);
      const path = join(host.state.runs.folder(first.snapshot), name);
      const bytes = readFileSync(path);
      bytes.set([(bytes[20] ?? 0) ^ 1], 20);
      writeFileSync(path, bytes);
      const warnings: string[] = [];
      const progress = { stage() {}, advance() {}, note() {}, warn: (text: string) => warnings.push(text) };
      const second = await host.backup({ isImmutable }, { progress });
      expect(warnings.join()).toContain("local record");
      expect(second.figures.read).toBe(5000);
      expect(content(await host.read(second.snapshot), "data/1.ldb")).toEqual(noise(1, 5000));
    },
  );

  it("starts a new base after the chunk key was lost, for old ids mean nothing under another key", async () => {
    const host = backupHost(tempDir(), memoryStore());
    writeFileSync(join(host.root, "1.ldb"), noise(1, 5000));
    await host.confirm((await host.backup({ isImmutable })).snapshot);
    rmSync(join(host.state.folder, "chunk-aes-256-gcm.key"));
    const second = await host.backup({ isImmutable }, { chunkKey: host.state.chunkKey("aes-256-gcm") });
    expect(second.parent).toBeNull();
    expect(content(await host.read(second.snapshot), "data/1.ldb")).toEqual(noise(1, 5000));
  });

  it("takes no parent that head.json does not call good, and forgets older runs once one is", async () => {
    const host = backupHost(tempDir(), memoryStore());
    writeFileSync(join(host.root, "1.ldb"), noise(1, 5000));
    const first = await host.backup({ isImmutable });
    const second = await host.backup({ isImmutable });
    expect(second.parent).toBeNull();
    expect(host.state.runs.list()).toEqual([first.snapshot, second.snapshot]);
    await host.confirm(second.snapshot);
    expect(host.state.runs.list()).toEqual([second.snapshot]);
    expect(host.state.parent).toBe(second.snapshot);
  });

  it("numbers its snapshots upwards and survives a clock that goes backwards", async () => {
    const host = backupHost(tempDir(), memoryStore());
    writeFileSync(join(host.root, "1.ldb"), noise(1, 5000));
    const first = await host.backup({ isImmutable });
    await host.confirm(first.snapshot);
    const second = await host.backup({ isImmutable }, { now: () => Date.UTC(2020, 0, 1) });
    expect(second.snapshot < first.snapshot).toBe(true);
    expect([first.card.core.seq, second.card.core.seq]).toEqual([1, 2]);
    expect(second.parent).toBe(first.snapshot);
    await host.confirm(second.snapshot);
    const third = await host.backup({ isImmutable });
    expect(third.parent).toBe(second.snapshot);
    expect(third.figures.read).toBe(0);
  });

  it("names at most 256 origins: the chunks of the oldest are stored anew", async () => {
    const host = backupHost(tempDir(), memoryStore());
    writeFileSync(join(host.root, "1.ldb"), noise(1, 5000));
    writeFileSync(join(host.root, "2.ldb"), noise(2, 5000));
    const first = await host.backup({ isImmutable });
    await host.confirm(first.snapshot);
    rmSync(join(host.root, "2.ldb"));
    writeFileSync(join(host.root, "3.ldb"), noise(3, 5000));
    const second = await host.backup({ isImmutable });
    await host.confirm(second.snapshot);
    const third = await host.backup({ isImmutable }, { maxOrigins: 2 });
    expect(third.card.core.origins.map((o) => o.snapshot)).toEqual([second.snapshot, third.snapshot]);
    expect(third.figures.read).toBe(5000);
    expect(content(await host.read(third.snapshot), "data/1.ldb")).toEqual(noise(1, 5000));
  });

  it("keeps begin, parent and sequence as the vault's protocol wants them", async () => {
    const host = backupHost(tempDir(), memoryStore());
    const first = await host.backup({ heights: { "": 1200 } }, { tags: ["nightly"] });
    expect(first.snapshot).toMatch(/^20260115T\d{6}Z-bh1200-/);
    expect(first.card.core).toMatchObject({ heights: { "": 1200 }, tags: ["nightly"], profile: "files" });
    expect(first.card.core.downtime_ms).toBeUndefined();
    const begin = JSON.parse(
      Buffer.from((await host.store.get(names.begin(NODE, first.snapshot)))?.bytes ?? []).toString(),
    );
    expect(begin).toMatchObject({ snapshot: first.snapshot, adopts: [] });
    expect(begin).not.toHaveProperty("parent");
  });
});
