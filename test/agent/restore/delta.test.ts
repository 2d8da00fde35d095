import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planRestore, runRestore } from "../../../agent/restore/index.ts";
import { ColdkeepError } from "../../../vault/names/index.ts";
import type { Item } from "../../support/build-snapshot.ts";
import { seededRandom } from "../../support/random.ts";
import { type Found, readTree } from "../../support/read-tree.ts";
import { type Fixture, restoreFixture } from "./fixture.ts";

const noise = (seed: string, length: number) => Buffer.from(seededRandom(seed)(length));
/** Pieces of a file; a number is a hole. */
const FILES: Readonly<Record<string, readonly (Buffer | number)[]>> = {
  "data/a": [noise("a", 200_000)],
  "data/b": [noise("b0", 150_000), noise("b1", 150_000), noise("b2", 40_000)],
  "data/c": [noise("c0", 150_000), 1 << 20, noise("c1", 9000)],
  "data/dir/d": [noise("d", 300)],
  "data/dir/e": [noise("e", 150_000), noise("e1", 150_000)],
  "data/dir/empty": [],
};
const PATHS = Object.keys(FILES);
const ITEMS: readonly Item[] = [
  { path: "data" },
  { path: "data/dir" },
  ...PATHS.map((path) => ({ path, content: FILES[path] ?? [], mode: 0o640 })),
  { path: "data/link", type: "hardlink", target: "data/a" },
  { path: "data/sym", type: "symlink", target: "dir/d" },
];
const BUILD = { chunkBytes: 150_000 };
const ALL = pieces().reduce((sum, { length }) => sum + length, 0);
/** Pieces short enough (128 KiB) to be read over where their neighbours on both sides are fetched, for one request less. */
const SHORT = pieces().reduce((sum, { length }) => sum + (length <= 128 << 10 ? length : 0), 0);

/** Each piece that is no hole, and where it lies. */
function pieces(): { path: string; at: number; length: number; bytes: Buffer }[] {
  return PATHS.flatMap((path) => {
    let at = 0;
    return (FILES[path] ?? []).flatMap((part) => {
      const length = typeof part === "number" ? part : part.length;
      at += length;
      // What is longer than a chunk is cut in two.
      if (typeof part === "number") return [];
      const cuts = length > BUILD.chunkBytes ? [0, BUILD.chunkBytes] : [0];
      return cuts.map((from) => {
        const bytes = part.subarray(from, from + BUILD.chunkBytes);
        return { path, at: at - length + from, length: bytes.length, bytes };
      });
    });
  });
}

/** A node's folder that holds exactly the snapshot, and what any restore must give. */
async function withOld(): Promise<{ fixture: Fixture; old: string; expected: Found[]; targets: Map<string, string> }> {
  const fixture = await restoreFixture(ITEMS, BUILD);
  const old = join(fixture.dir, "node-data");
  const targets = new Map([["data", old]]);
  await fixture.restore({ targets });
  return { fixture, old, expected: readTree(old), targets };
}

const mutation = fc.record({
  path: fc.constantFrom(...PATHS),
  kind: fc.constantFrom("flip", "cut", "grow", "remove", "folder", "symlink", "mode", "time", "zero", "swap"),
  at: fc.nat(300_000),
});

function mutate(old: string, { path, kind, at }: { path: string; kind: string; at: number }): void {
  const file = join(old, path.slice("data/".length));
  const info = lstatSync(file, { throwIfNoEntry: false });
  if (info?.isFile() !== true) return;
  if (kind === "mode") chmodSync(file, 0o600);
  else if (kind === "time") utimesSync(file, 1, at);
  else if (kind === "grow") appendFileSync(file, noise("more", at % 5000));
  else if (kind === "cut") truncateSync(file, Math.min(at, info.size));
  else if (kind === "flip" && info.size > 0) {
    const bytes = readFileSync(file);
    bytes[at % info.size] = (bytes[at % info.size] ?? 0) ^ 0x10;
    writeFileSync(file, bytes);
  } else if (kind === "zero") writeFileSync(file, Buffer.alloc(info.size));
  else if (kind === "swap") writeFileSync(file, readFileSync(join(old, "link")));
  else {
    rmSync(file);
    if (kind === "folder") mkdirSync(file);
    if (kind === "symlink") symlinkSync(join(old, "link"), file);
  }
}

/** How many of the snapshot's bytes lie where they belong in the old data. */
function inOld(old: string): number {
  let sum = 0;
  for (const { path, at, length, bytes } of pieces()) {
    const file = join(old, path.slice("data/".length));
    if (lstatSync(file, { throwIfNoEntry: false })?.isFile() !== true) continue;
    if (
      readFileSync(file)
        .subarray(at, at + length)
        .equals(bytes)
    )
      sum += length;
  }
  return sum;
}

describe("restore --delta", () => {
  it("whatever happened to the old data: fetches what differs and nothing else, gives the snapshot, changes nothing old", async () => {
    const { fixture, old: master, expected } = await withOld();
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { maxLength: 6 }), fc.boolean(), async (mutations, inPlace) => {
        runs += 1;
        const old = join(fixture.dir, `old-${runs}`);
        const to = join(fixture.dir, `to-${runs}`);
        execFileSync("cp", ["-a", master, old]);
        for (const one of mutations) mutate(old, one);
        const before = readTree(old);
        const reusable = inOld(old);
        const delta = new Map([["data", old]]);
        const changes = inPlace ? { targets: delta, keepOld: true } : { targets: { to } };
        const result = await fixture.restore({ ...changes, delta });
        expect(result.reused).toBe(reusable);
        // What is not data is the list of files, the manifest and its like.
        expect(result.fetched).toBeLessThan(ALL - reusable + SHORT + 100_000);
        expect(readTree(result.roots[0]?.old ?? old)).toEqual(before);
        expect(readTree(inPlace ? old : join(to, "data"))).toEqual(expected);
      }),
      { numRuns: 5 },
    );
  });

  it("reads over a short piece that the old data holds where its neighbours are fetched, for one request less", async () => {
    const { fixture, old } = await withOld();
    const fetched = async (n: number, ...paths: string[]) => {
      const copy = join(fixture.dir, `copy-${n}`);
      execFileSync("cp", ["-a", old, copy]);
      for (const path of paths) mutate(copy, { path, kind: "flip", at: 0 });
      const delta = new Map([["data", copy]]);
      const result = await fixture.restore({ targets: { to: join(fixture.dir, `to-${n}`) }, delta });
      return result.fetched;
    };
    const without = await fetched(0);
    const a = (await fetched(1, "data/a")) - without;
    const b = (await fetched(2, "data/b")) - without;
    // The second piece of "a", 50,000 bytes and a tag, lies between the first ones of "a" and of "b".
    expect((await fetched(3, "data/a", "data/b")) - without).toBe(a + b + 50_016);
  });

  it("takes whole files over by link where the old data goes, others by piece", async () => {
    const { fixture, old, expected, targets } = await withOld();
    const inodes = (names: readonly string[]) => names.map((name) => lstatSync(join(old, name)).ino);
    mutate(old, { path: "data/b", kind: "flip", at: 200_000 });
    mutate(old, { path: "data/dir/d", kind: "mode", at: 0 });
    const before = inodes(["b", "c", "dir/d", "dir/e", "a"]);
    const { reused } = await fixture.restore({ targets, delta: targets });
    const after = inodes(["b", "c", "dir/d", "dir/e", "a"]);
    // "a" has a second name, which may be anybody's.
    expect(after.map((inode, n) => inode === before[n])).toEqual([false, true, false, true, false]);
    expect(reused).toBe(ALL - 150_000);
    expect(readTree(old)).toEqual(expected);
  });

  it("links nothing that a symlink led to, or that is kept, or that goes elsewhere", async () => {
    const { fixture, old, expected, targets } = await withOld();
    const elsewhere = join(fixture.dir, "elsewhere");
    renameSync(join(old, "dir"), elsewhere);
    symlinkSync(elsewhere, join(old, "dir"));
    const { ino } = lstatSync(join(elsewhere, "e"));
    const { reused, roots } = await fixture.restore({ targets, delta: targets, keepOld: true });
    expect(reused).toBe(ALL);
    expect(readTree(old)).toEqual(expected);
    for (const name of ["b", "c"]) expect(lstatSync(join(old, name)).nlink).toBe(1);
    rmSync(roots[0]?.old ?? "", { recursive: true });
    rmSync(join(old, "dir"), { recursive: true });
    symlinkSync(elsewhere, join(old, "dir"));
    await fixture.restore({ targets, delta: targets });
    expect(lstatSync(join(elsewhere, "e"))).toMatchObject({ ino, nlink: 1 });
    expect(readTree(old)).toEqual(expected);
  });

  it("cut off with files linked, and the node started: what it writes then never ends in the snapshot", async () => {
    const { fixture, old, expected, targets } = await withOld();
    let asked = 0;
    const assertStopped = async () => {
      asked += 1;
      if (asked === 2) throw new ColdkeepError("refused", { what: "the node is running" });
    };
    await expect(fixture.restore({ targets, delta: targets, assertStopped })).rejects.toMatchObject({
      kind: "refused",
    });
    expect(readTree(old)).toEqual(expected);
    appendFileSync(join(old, "c"), "the node goes on");
    const bytes = readFileSync(join(old, "dir/e"));
    bytes[5] = (bytes[5] ?? 0) ^ 1;
    writeFileSync(join(old, "dir/e"), bytes);
    const mine = readTree(old);
    const { roots } = await fixture.restore({ targets, keepOld: true });
    expect(readTree(old)).toEqual(expected);
    expect(readTree(roots[0]?.old ?? "")).toEqual(mine);
  });

  it("from a folder that an earlier restore has filled; one that holds nothing of it is refused", async () => {
    const fixture = await restoreFixture(ITEMS, BUILD);
    const from = join(fixture.dir, "earlier");
    await fixture.restore({ targets: { to: from } });
    const { reused } = await fixture.restore({ delta: { from } });
    expect(reused).toBe(ALL);
    expect(readTree(join(fixture.dir, "out"))).toEqual(readTree(from));
    const empty = join(fixture.dir, "empty");
    mkdirSync(empty);
    const o = fixture.options({ delta: { from: empty }, targets: { to: join(fixture.dir, "third") } });
    const plan = await planRestore(o);
    await expect(runRestore(plan, o)).rejects.toMatchObject({ kind: "usage", why: expect.stringContaining("data") });
    expect(readdirSync(fixture.dir).sort()).toEqual(["earlier", "empty", "out", "state"]);
  });

  it("gives files of old data that others share, too, but never their inode", async () => {
    const { fixture, old, expected, targets } = await withOld();
    linkSync(join(old, "b"), join(fixture.dir, "mine"));
    const { reused } = await fixture.restore({ targets, delta: targets });
    expect(reused).toBe(ALL);
    expect(lstatSync(join(old, "b")).ino).not.toBe(lstatSync(join(fixture.dir, "mine")).ino);
    expect(readTree(old)).toEqual(expected);
  });
});
