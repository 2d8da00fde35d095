import { execFileSync, spawnSync } from "node:child_process";

import { appendFileSync, existsSync, mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it, onTestFinished } from "vitest";
import { prepareFreeze } from "../../../agent/freeze/index.ts";

import {
  controlOf,
  entriesOf,
  freeze,
  freezeOptions,
  frozenBytes,
  makeHome,
  pathOf,
  puppet,
} from "../../support/freezing.ts";
import { expectNothingLeft } from "../../support/nodes-to-freeze.ts";

import { tempDir } from "../../support/tmp.ts";

const root = process.getuid?.() === 0;
const asRoot = root ? "" : " (needs root)";

describe("a full disk at the freeze", () => {
  it.skipIf(!root)(`is refused before the node is stopped${asRoot}`, async () => {
    const home = mountTmpfs("24m");
    mkdirSync(join(home, "data"));
    writeFileSync(join(home, "data/000002.log"), Buffer.alloc(10 << 20, 1));
    const node = puppet();
    const stateDir = tempDir();
    const options = freezeOptions(home, { control: controlOf(node.manager), stateDir });
    await expect(prepareFreeze(options)).rejects.toMatchObject({
      kind: "no-space",
      why: expect.stringMatching(
        /^10485760 bytes to copy and a margin of 16777216, but \d+ bytes are free; the node was not stopped$/,
      ),
    });
    expect(node.calls).toEqual([]);
    expect(existsSync(join(home, ".coldkeep-freeze"))).toBe(false);
    // The same bytes in a file that is linked need no room.
    const prepared = await prepareFreeze({
      ...options,
      ...freezeOptions(home, { stateDir, globs: { immutable: ["*"] } }),
    });
    expect(prepared.bytesToCopy).toBe(0);
    await prepared.abandon();
  });

  it.skipIf(!root)(`that fills up only while the node is down brings the node back${asRoot}`, async () => {
    const home = mountTmpfs("40m");
    mkdirSync(join(home, "data"));
    writeFileSync(join(home, "data/000002.log"), Buffer.alloc(4 << 20, 1));
    const node = puppet({ onStop: () => writeFileSync(join(home, "ballast"), Buffer.alloc(34 << 20)) });
    const stateDir = tempDir();
    const attempt = freeze(home, { control: controlOf(node.manager), stateDir });
    await expect(attempt).rejects.toMatchObject({ kind: "no-space" });
    expect(node.calls).toEqual(["stop", "start"]);
    expect(readdirSync(stateDir)).toEqual([]);
    expect(existsSync(join(home, ".coldkeep-freeze"))).toBe(false);
  });

  it("counts no holes: a sparse file needs room for its data only", async () => {
    const { home, data } = makeHome();
    writeFileSync(join(data, "a"), Buffer.alloc(8192, 1));
    truncateSync(join(data, "a"), 2 ** 42);
    const prepared = await prepareFreeze(freezeOptions(home));
    expect(prepared.bytesToCopy).toBeLessThanOrEqual(8192);
    const tree = await prepared.capture();
    expect((await entriesOf(tree))[1]).toMatchObject({ size: 2 ** 42, sparse: true });
    await tree.release();
  });
});

function mountTmpfs(size: string): string {
  const folder = tempDir("tmpfs");
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "none", folder]);
  onTestFinished(() => void execFileSync("umount", ["--lazy", folder]));
  return folder;
}

describe("mounts", () => {
  it.skipIf(!root)(
    `a root that is a mount point has its frozen tree inside, and it is not captured${asRoot}`,
    async () => {
      const { home } = makeHome();
      const data = join(home, "data");
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=64m", "none", data]);
      onTestFinished(() => void execFileSync("umount", ["--lazy", data]));
      writeFileSync(join(data, "a"), "a");
      mkdirSync(join(data, "other"));
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "none", join(data, "other")]);
      onTestFinished(() => void execFileSync("umount", ["--lazy", join(data, "other")]));
      writeFileSync(join(data, "other/b"), "b");
      const tree = await freeze(home, { globs: { immutable: ["*"] } });
      const entries = await entriesOf(tree);
      expect(entries.map((e) => [pathOf(e), e.type])).toEqual([
        ["data", "directory"],
        ["data/a", "file"],
        ["data/other", "directory"],
      ]);
      expect(Buffer.from(entries[1]?.source ?? []).toString()).toMatch(`${data}/.coldkeep-freeze/`);
      expect(tree.omitted).toEqual([
        "data/other: another file system is mounted here and not captured: name it and its neighbours as roots, in place of the folder around them, or exclude it",
      ]);
      await tree.release();
      expect(readdirSync(data).sort()).toEqual(["a", "other"]);
    },
  );

  it.skipIf(!root)(`a bind mount below a root is not entered, though its device is the same${asRoot}`, async () => {
    const { home, data } = makeHome();
    const other = tempDir();
    writeFileSync(join(other, "secret"), "");
    mkdirSync(join(data, "bound"));
    execFileSync("mount", ["--bind", other, join(data, "bound")]);
    onTestFinished(() => void execFileSync("umount", ["--lazy", join(data, "bound")]));
    const tree = await freeze(home);
    expect((await entriesOf(tree)).map(pathOf)).toEqual(["data", "data/bound"]);
    await tree.release();
  });

  it.skipIf(!root)(`a configured place on another file system is refused${asRoot}`, async () => {
    const { home, data } = makeHome();
    const roots = [{ name: "data", path: data, freezeDir: mountTmpfs("1m") }];
    await expect(prepareFreeze(freezeOptions(home, { roots }))).rejects.toMatchObject({ kind: "config" });
    expect(readdirSync(join(home, "state"))).toEqual([]);
  });

  it("a configured place is used, and stays", async () => {
    const { home, data } = makeHome();
    const place = join(home, "frozen");
    mkdirSync(place);
    writeFileSync(join(data, "a"), "");
    const tree = await freeze(home, { roots: [{ name: "data", path: data, freezeDir: place }] });
    expect(readdirSync(place)).toEqual(["run-1@icon"]);
    await tree.release();
    expect(readdirSync(place)).toEqual([]);
  });

  it("a root that is missing, or a file, is refused", async () => {
    const { home, data } = makeHome();
    rmSync(data, { recursive: true });
    await expect(prepareFreeze(freezeOptions(home))).rejects.toMatchObject({ kind: "not-found", on: data });
    writeFileSync(data, "");
    await expect(prepareFreeze(freezeOptions(home))).rejects.toMatchObject({ kind: "not-found" });
    expectNothingLeft(home);
  });
});

describe("real file systems", () => {
  const systems = [
    { name: "xfs", make: ["mkfs.xfs", "-q"], package: "xfsprogs", reflinks: true, mebibytes: 320 },
    { name: "btrfs", make: ["mkfs.btrfs", "-q"], package: "btrfs-progs", reflinks: true, mebibytes: 128 },
    { name: "ext4", make: ["mkfs.ext4", "-q", "-F"], package: "e2fsprogs", reflinks: false, mebibytes: 64 },
  ] as const;
  for (const { name, make, package: from, reflinks, mebibytes } of systems) {
    const missing = spawnSync(make[0], ["-V"]).error !== undefined;
    const why = root ? (missing ? ` (skipped: apt-get install ${from})` : "") : " (needs root)";
    it.skipIf(why !== "")(
      `on ${name} mutable files are ${reflinks ? "reflinked" : "copied"} and stay as they were${why}`,
      async () => {
        const folder = tempDir(name);
        const image = join(folder, "image");
        const home = join(folder, "mounted");
        mkdirSync(home);
        writeFileSync(image, "");
        truncateSync(image, mebibytes << 20);
        execFileSync(make[0], [...make.slice(1), image], { stdio: "pipe" });
        execFileSync("mount", ["-o", "loop", image, home], { stdio: "pipe" });
        onTestFinished(() => void execFileSync("umount", ["--lazy", home], { stdio: "pipe" }));
        mkdirSync(join(home, "data"));
        const log = join(home, "data/000002.log");
        writeFileSync(log, Buffer.alloc(1 << 20, 7));
        const node = puppet({ onStart: () => appendFileSync(log, "more") });
        const prepared = await prepareFreeze(
          freezeOptions(home, { control: controlOf(node.manager), stateDir: tempDir() }),
        );
        expect(prepared.bytesToCopy).toBe(reflinks ? 0 : 1 << 20);
        const tree = await prepared.capture();
        expect(tree.figures).toMatchObject(reflinks ? { reflinked: 1, copiedBytes: 0 } : { copied: 1 });
        const entry = (await entriesOf(tree)).find(({ type }) => type === "file");
        expect(frozenBytes(entry).equals(Buffer.alloc(1 << 20, 7))).toBe(true);
        await tree.release();
      },
    );
  }
});
