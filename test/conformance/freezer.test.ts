import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, it } from "vitest";
import { foreseeVolumes, prepareFreeze, recoverFreeze } from "../../agent/freeze/index.ts";
import type { FreezeMeans, FreezeOptions } from "../../agent/freeze/types.ts";
import { makeTool } from "../../agent/node/index.ts";
import { captureSetOf } from "../../agent/profiles/index.ts";
import { silent } from "../../vault/names/index.ts";
import { controlOf, entriesOf, freezeOptions, makeHome, pathOf, puppet } from "../support/freezing.ts";
import { busyNode, frozenViewHolds } from "../support/frozen-view.ts";
import { isRunning, runningNode } from "../support/nodes-to-freeze.ts";
import { tempDir } from "../support/tmp.ts";
import { FILE_SYSTEMS, type FileSystem, mountFresh, obstacleTo } from "../systems/support/loop.ts";
import { type FreezerPlace, freezerConforms } from "./freezer.ts";

const STAND_IN = fileURLToPath(new URL("../support/lvm-stand-in.sh", import.meta.url));
const CHILD = fileURLToPath(new URL("../agent/freeze/freeze.child.ts", import.meta.url));
const never = new AbortController().signal;
const [xfs, btrfs] = FILE_SYSTEMS;
const small: Readonly<Record<FileSystem["name"], number>> = { xfs: 320, btrfs: 128, ext4: 64 };
const noBtrfs = obstacleTo(btrfs);
const noXfs = obstacleTo(xfs);

function onFileSystem(system: FileSystem): FreezerPlace {
  const home = mountFresh(system, small[system.name]);
  mkdirSync(join(home, "data"));
  return { home, stateDir: tempDir("state"), snapshots: () => [] };
}

/** A root that is a subvolume, in a file system of its own. */
function onSubvolume(): FreezerPlace {
  const home = mountFresh(btrfs, small.btrfs);
  execFileSync("btrfs", ["subvolume", "create", join(home, "data")], { stdio: "pipe" });
  return { home, stateDir: tempDir("state"), snapshots: () => snapshotsIn(home) };
}

/** A root that is a folder of a subvolume. */
function aroundRoot(): FreezerPlace {
  const place = onFileSystem(btrfs);
  return { ...place, snapshots: () => snapshotsIn(place.home) };
}

function snapshotsIn(home: string): string[] {
  return execFileSync("btrfs", ["subvolume", "list", "-s", home], { encoding: "utf8" }).split("\n").filter(Boolean);
}

/** A file system on a loop device that the stand-in takes for a logical volume. */
function onStandInVolume(): FreezerPlace & { readonly state: string } {
  const home = mountFresh(xfs, small.xfs);
  mkdirSync(join(home, "data"));
  const state = tempDir("lvm");
  const device = execFileSync("findmnt", ["-no", "SOURCE", home], { encoding: "utf8" }).trim();
  writeFileSync(join(state, "device"), device);
  writeFileSync(join(state, "mounted"), home);
  writeFileSync(join(state, "free"), String(1 << 30));
  execFileSync("ln", ["-s", join(dirname(home), "image"), join(state, "image")]);
  return {
    ...{ home, state, stateDir: tempDir("state") },
    tools: (program) => makeTool(["sh", STAND_IN, state, program]),
    snapshots: () => readdirSync(state).filter((name) => name.startsWith("vg0-") && !name.endsWith(".of")),
  };
}

describe("freezers", () => {
  const anywhere = (): FreezerPlace => ({ home: makeHome().home, stateDir: tempDir("state"), snapshots: () => [] });
  freezerConforms("what is to be had here", "auto", anywhere, null);
  freezerConforms("copies", "copy", anywhere, null);
  freezerConforms("hard links and copies", "hardlink", anywhere, null);
  freezerConforms("reflinks (btrfs)", "reflink", () => onFileSystem(btrfs), noBtrfs);
  freezerConforms("a snapshot of a btrfs subvolume", "btrfs", onSubvolume, noBtrfs);
  freezerConforms("a snapshot of the btrfs subvolume around the root", "btrfs", aroundRoot, noBtrfs);
  freezerConforms("a snapshot of a logical volume (a stand-in for LVM's commands; xfs)", "lvm", onStandInVolume, noXfs);
});

const options = (place: FreezerPlace, means: FreezeMeans, rest: Partial<FreezeOptions> = {}) =>
  freezeOptions(place.home, {
    roots: [{ name: "data", path: join(place.home, "data"), means }],
    stateDir: place.stateDir,
    ...(place.tools === undefined ? {} : { tools: place.tools }),
    ...rest,
  } as never);

describe.skipIf(noBtrfs !== null)(`btrfs${noBtrfs === null ? "" : ` (${noBtrfs})`}`, () => {
  let place: FreezerPlace;
  beforeEach(() => {
    place = onSubvolume();
    writeFileSync(join(place.home, "data/db"), "x");
  });

  it("auto takes a snapshot where the root is a subvolume, and copies nothing", async () => {
    const prepared = await prepareFreeze(options(place, "auto"));
    expect([prepared.bytesToCopy, prepared.prelinked]).toEqual([0, 0]);
    const tree = await prepared.capture();
    expect(tree.figures).toMatchObject({
      ...{ files: 1, linked: 0, copied: 0, reflinked: 0 },
      volumes: [`btrfs subvolume ${place.home}/data`],
    });
    expect(snapshotsIn(place.home)).toHaveLength(1);
    const [file] = (await entriesOf(tree)).filter(({ type }) => type === "file");
    // Not even root writes to what was frozen.
    expect(() => writeFileSync(Buffer.from(file?.source ?? []), "y")).toThrow(/EROFS/);
    await tree.release();
    expect(snapshotsIn(place.home)).toEqual([]);
  });

  it("a subvolume inside the root is refused before the stop, unless it is left out or a root itself; auto goes file by file", async () => {
    const inner = join(place.home, "data/inner");
    execFileSync("btrfs", ["subvolume", "create", inner], { stdio: "pipe" });
    writeFileSync(join(inner, "lost"), "y");
    const node = puppet();
    const control = controlOf(node.manager);
    await expect(prepareFreeze(options(place, "btrfs", { control }))).rejects.toMatchObject({
      kind: "refused",
      on: inner,
    });
    expect(node.calls).toEqual([]);
    expect(existsSync(join(place.home, ".coldkeep-freeze"))).toBe(false);

    const auto = await (await prepareFreeze(options(place, "auto", { control }))).capture();
    expect([auto.figures.volumes, auto.omitted.join()]).toEqual([undefined, expect.stringContaining("data/inner")]);
    await auto.release();

    const without = captureSetOf("files", { exclude: ["inner"] });
    const outer = await (await prepareFreeze({ ...options(place, "btrfs", { control }), profile: without })).capture();
    expect((await entriesOf(outer)).map(pathOf)).toEqual(["data", "data/db"]);
    await outer.release();

    const roots = [
      { name: "data", path: join(place.home, "data"), means: "btrfs" as const },
      { name: "inner", path: inner, means: "btrfs" as const },
    ];
    const both = await (await prepareFreeze(options(place, "btrfs", { control, roots }))).capture();
    expect((await entriesOf(both)).map(pathOf)).toEqual(["data", "data/db", "data/inner", "inner", "inner/lost"]);
    expect(both.figures.volumes).toHaveLength(2);
    await both.release();
    expect(snapshotsIn(place.home)).toEqual([]);
  });

  it("one that comes while the node is being stopped is refused, too, and the node comes back", async () => {
    const inner = join(place.home, "data/inner");
    const node = puppet({
      onStop: () => void execFileSync("btrfs", ["subvolume", "create", inner], { stdio: "pipe" }),
    });
    const prepared = await prepareFreeze(options(place, "btrfs", { control: controlOf(node.manager) }));
    await expect(prepared.capture()).rejects.toMatchObject({ kind: "refused", on: inner });
    expect([node.running, snapshotsIn(place.home)]).toEqual([true, []]);
  });

  it("roots in one subvolume share a snapshot", async () => {
    mkdirSync(join(place.home, "data/a"));
    mkdirSync(join(place.home, "data/b"));
    writeFileSync(join(place.home, "data/b/file"), "z");
    const roots = ["a", "b"].map((name) => ({ name, path: join(place.home, "data", name), means: "btrfs" as const }));
    const tree = await (await prepareFreeze(options(place, "btrfs", { roots }))).capture();
    expect([tree.figures.volumes?.length, snapshotsIn(place.home).length]).toEqual([1, 1]);
    expect((await entriesOf(tree)).map(pathOf)).toEqual(["a", "b", "b/file"]);
    await tree.release();
  });

  for (const [point, restarts] of Object.entries({ down: true, start: true, started: true, captured: false })) {
    it(`a freeze that is killed (kill -9) at "${point}" is undone by recover, its snapshot too, the node first`, async () => {
      const { standIn, control } = await runningNode(place.home);
      const child = spawn(
        process.execPath,
        [CHILD, place.home, point, JSON.stringify(standIn.service), place.stateDir],
        {
          stdio: ["ignore", "pipe", "inherit"],
        },
      );
      expect((await once(child, "exit"))[1]).toBe("SIGKILL");
      expect(snapshotsIn(place.home)).toHaveLength(point === "down" ? 0 : 1);
      const { stateDir } = place;
      const done = await recoverFreeze({ node: "icon", stateDir, control, progress: silent, signal: never });
      expect(done?.did).toHaveLength(restarts ? 2 : 1);
      expect([await isRunning(standIn), snapshotsIn(place.home)]).toEqual([true, []]);
      expect(existsSync(join(place.home, "data/.coldkeep-freeze"))).toBe(false);
    });
  }

  it("the frozen view never changes while the restarted node writes as fast as it can: 2 rounds of 2 s each", async () => {
    const home = mountFresh(btrfs, 2048);
    const data = join(home, "data");
    execFileSync("btrfs", ["subvolume", "create", data], { stdio: "pipe" });
    expect(await frozenViewHolds(busyNode("badger"), 2, { home, data })).toBeGreaterThan(2);
  });

  it("a plain folder where the snapshot would be is no snapshot of ours, and a journal that names another is not believed", async () => {
    const other = join(place.home, "precious");
    execFileSync("btrfs", ["subvolume", "create", other], { stdio: "pipe" });
    const journal = {
      ...{ format: 2, node: "icon", run: "run-0", step: "prepared", label: "", identity: null, frozen: [] },
      volumes: [{ kind: "btrfs", source: join(place.home, "data"), path: other }],
    };
    writeFileSync(join(place.stateDir, "freeze.journal"), JSON.stringify(journal));
    await expect(prepareFreeze(options(place, "btrfs"))).rejects.toMatchObject({ kind: "integrity" });
    expect(existsSync(other)).toBe(true);
  });
});

describe("what cannot be had", () => {
  const home = () => ({ home: makeHome().home, stateDir: tempDir("state"), snapshots: () => [] });
  it.each(["btrfs", "lvm", "zfs"] as const)("%s on another file system is refused before the stop", async (means) => {
    const node = puppet();
    const place = home();
    await expect(prepareFreeze(options(place, means, { control: controlOf(node.manager) }))).rejects.toMatchObject({
      kind: "config",
      todo: expect.stringMatching(/leave freeze out|install it/),
    });
    await expect(foreseeVolumes(options(place, means).roots)).rejects.toMatchObject({ kind: "config" });
    expect(node.calls).toEqual([]);
  });

  it.skipIf(obstacleTo(FILE_SYSTEMS[2]) !== null)(
    "reflink is refused where the file system has none (ext4)",
    async () => {
      const place = onFileSystem(FILE_SYSTEMS[2]);
      await expect(prepareFreeze(options(place, "reflink"))).rejects.toMatchObject({
        kind: "config",
        what: "freeze: reflink, but the file system has no reflinks",
      });
      expect(existsSync(join(place.home, ".coldkeep-freeze"))).toBe(false);
    },
  );
});

describe.skipIf(noXfs !== null)(`LVM, by a stand-in for its commands${noXfs === null ? "" : ` (${noXfs})`}`, () => {
  it("room for what is overwritten is asked for before the stop", async () => {
    const place = onStandInVolume();
    writeFileSync(join(place.state, "free"), String(100 << 20));
    const node = puppet();
    const roots = (snapshotSpace?: number) => [
      {
        name: "data",
        path: join(place.home, "data"),
        means: "lvm" as const,
        ...(snapshotSpace ? { snapshotSpace } : {}),
      },
    ];
    const of = (space?: number) => options(place, "lvm", { control: controlOf(node.manager), roots: roots(space) });
    await expect(prepareFreeze(of())).rejects.toMatchObject({
      kind: "no-space",
      why: expect.stringContaining("not stopped"),
    });
    expect([node.calls, place.snapshots()]).toEqual([[], []]);
    const tree = await (await prepareFreeze(of(64 << 20))).capture();
    await tree.release();
    const calls = readFileSync(join(place.state, "calls"), "utf8");
    expect(calls).toMatch(/^lvcreate .*--size 67108864b vg0\/node$/m);
    expect(calls).toMatch(/^mount -t xfs -o ro,nosuid,nodev,noexec,nouuid \/dev\/vg0\/coldkeep-[0-9a-f]{24}-0 /m);
  });

  it("a snapshot that cannot be taken brings the node back; one of our name that is another's is left alone", async () => {
    const place = onStandInVolume();
    const node = puppet();
    const failing = { ...place, tools: refusing(place, "lvcreate") };
    const control = controlOf(node.manager);
    await expect((await prepareFreeze(options(failing, "lvm", { control }))).capture()).rejects.toMatchObject({
      kind: "refused",
      what: "cannot take a snapshot of the volume",
    });
    expect([node.running, place.snapshots()]).toEqual([true, []]);

    const prepared = await prepareFreeze(options(place, "lvm", { control }));
    const tree = await prepared.capture();
    const [name = ""] = place.snapshots();
    writeFileSync(join(place.state, `${name}.of`), '"origin":"node","lv_tags":"mine"');
    await expect(tree.release()).rejects.toMatchObject({ kind: "refused", on: name.replace("vg0-", "vg0/") });
    expect(place.snapshots()).toEqual([name]);
  });
});

function refusing(place: FreezerPlace, program: string): NonNullable<FreezeOptions["tools"]> {
  return (name) => (name === program ? makeTool(["false"]) : (place.tools?.(name) ?? makeTool([name])));
}
