import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { planRestore, type RestoreOptions, recoverRestore, runRestore } from "../../../agent/restore/index.ts";
import { ColdkeepError, silent } from "../../../vault/names/index.ts";
import type { Reader } from "../../../vault/store/facets.ts";
import { openDirectoryStore } from "../../../vault/store/index.ts";
import { buildSnapshot, type Item, makeNode } from "../../support/build-snapshot.ts";
import { seededRandom } from "../../support/random.ts";
import { memoryKeys } from "../../support/read-snapshot.ts";
import { type Found, readTree } from "../../support/read-tree.ts";
import { tempDir } from "../../support/tmp.ts";
import { type Fixture, restoreFixture } from "./fixture.ts";

const noise = (seed: string, length: number) => Buffer.from(seededRandom(seed)(length));
const FILES = 12;
const SIZE = 300_000;
/** What does not compress, so that each file's frame is too long to be read over for its neighbours' sake. */
const ITEMS: readonly Item[] = [
  { path: "data" },
  { path: "data/big", content: [noise("big", 1_000_000), 1 << 20, noise("tail", 700_000)] },
  { path: "data/dir", mode: 0o500 },
  { path: "data/dir/empty", content: [], mode: 0o400 },
  ...Array.from({ length: FILES }, (_, n) => ({
    path: `data/f${String(n).padStart(2, "0")}`,
    content: [noise(`${n}`, SIZE)],
    mode: 0o440,
  })),
  { path: "data/hole", content: [1 << 20] },
  { path: "data/link", type: "hardlink", target: "data/f03" },
  { path: "data/sym", type: "symlink", target: "dir/empty" },
];
const SHORT_SIZE = 2600;
/** What would be read over. */
const SHORT: readonly Item[] = Array.from({ length: 7 }, (_, n) => ({
  path: `data/s${n}`,
  content: [noise(`short ${n}`, SHORT_SIZE)],
  mode: 0o600,
}));
const BYTES = FILES * SIZE + 1_700_000;
const BUILD = { packBytes: 500_000, chunkBytes: 500_000 };

interface Range {
  readonly name: string;
  readonly from: number;
  readonly end: number;
}

/** A reader that tells what it gave, and fails for good once it has given so many ranges. */
function cutOff(
  store: Reader,
  after: number,
  error: () => unknown,
): { readonly store: Reader; readonly given: Range[] } {
  const given: Range[] = [];
  return {
    given,
    store: {
      ...store,
      getRange: async (name, offset, length) => {
        if (given.length >= after) throw error();
        const bytes = await store.getRange(name, offset, length);
        given.push({ name, from: offset, end: offset + length });
        return bytes;
      },
    },
  };
}

const unreachable = () => new ColdkeepError("vault", { what: "the vault does not answer", retryable: true });

/** Runs a restore whose store gives `after` ranges, then one whose store is whole; what each was given. */
async function restoreTwice(fixture: Fixture, after: number, changes: Partial<RestoreOptions> = {}) {
  const first = cutOff(fixture.store, after, unreachable);
  const o = fixture.options({ store: first.store, ...changes });
  await expect(planRestore(o).then((plan) => runRestore(plan, o))).rejects.toMatchObject({ kind: "vault" });
  return { first: first.given, again: () => restoreAgain(fixture, changes) };
}

async function restoreAgain(fixture: Fixture, changes: Partial<RestoreOptions> = {}) {
  const notes: string[] = [];
  const second = cutOff(fixture.store, Number.POSITIVE_INFINITY, unreachable);
  const progress = { ...silent, note: (text: string) => notes.push(text) };
  const o = fixture.options({ store: second.store, ...changes, progress });
  const plan = await planRestore(o);
  return { plan, result: await runRestore(plan, o), given: second.given, notes };
}

/** The list of files is read anew by each run; it is what the two have asked for in the same words. */
function fetchedTwice(first: readonly Range[], second: readonly Range[]): Range[] {
  const [list] = first;
  return second.filter(
    (b) =>
      !(b.name === list?.name && b.from === list.from) &&
      first.some((a) => a.name === b.name && a.from < b.end && b.from < a.end && a !== list),
  );
}

const kept = (dir: string) => readdirSync(dir).filter((name) => name.startsWith(".coldkeep-restore-"));

/** What one uninterrupted restore gives. */
async function whole(fixture: Fixture) {
  await fixture.restore({ targets: { to: join(fixture.dir, "whole") }, stateDir: join(fixture.dir, "other-state") });
  return readTree(join(fixture.dir, "whole"));
}

/** The same tree where its root is the target itself. */
function inPlace(tree: readonly Found[]): Found[] {
  const cut = (path: string) => path.slice("data/".length);
  return tree
    .filter(({ path }) => path !== "data")
    .map((one) => ({
      ...one,
      path: cut(one.path),
      ...(one.type === "hardlink" ? { target: cut(one.target ?? "") } : {}),
    }));
}

/** A restore in place that ends when all is staged, as the node has started meanwhile. */
async function stageAll(fixture: Fixture, targets: ReadonlyMap<string, string>) {
  let asked = 0;
  const assertStopped = async () => {
    asked += 1;
    if (asked === 2) throw new ColdkeepError("refused", { what: "the node is running" });
  };
  await expect(fixture.restore({ targets, assertStopped })).rejects.toMatchObject({ kind: "refused" });
}

describe("a restore that was cut off", () => {
  it.each([2, 5])("after %i answers of the vault goes on from there, and nothing is fetched twice", async (after) => {
    const fixture = await restoreFixture(ITEMS, BUILD);
    const expected = await whole(fixture);
    const { first, again } = await restoreTwice(fixture, after);
    const out = join(fixture.dir, "out");
    expect(kept(out)).toHaveLength(1);
    expect(existsSync(join(out, "data"))).toBe(false);
    const { plan, result, given, notes } = await again();
    expect(plan.unfinished).toEqual([join(out, kept(out)[0] ?? plan.unfinished[0]?.split("/").at(-1) ?? "")]);
    expect(fetchedTwice(first, given)).toEqual([]);
    expect(readTree(out)).toEqual(expected);
    expect(kept(out)).toEqual([]);
    expect(readdirSync(join(fixture.dir, "state/node-1"))).toEqual([]);
    expect(result.reused > 0).toBe(first.length > 1);
    const percent = Math.floor((100 * result.reused) / BYTES);
    expect(notes.join()).toContain(`going on from ${percent} %`);
  });

  it("in place: the old data stays until all is there, and then goes", async () => {
    const fixture = await restoreFixture(ITEMS, BUILD);
    const expected = await whole(fixture);
    const target = join(fixture.dir, "node-data");
    mkdirSync(target);
    writeFileSync(join(target, "mine"), "x");
    const targets = new Map([["data", target]]);
    const { first, again } = await restoreTwice(fixture, 5, { targets });
    expect(readdirSync(target)).toEqual(["mine"]);
    const { given } = await again();
    expect(fetchedTwice(first, given)).toEqual([]);
    expect(readTree(target)).toEqual(inPlace(expected));
    expect(kept(fixture.dir)).toEqual([]);
  });

  it("by the node that started meanwhile fetches nothing any more", async () => {
    const fixture = await restoreFixture(ITEMS, BUILD);
    const target = join(fixture.dir, "node-data");
    mkdirSync(target);
    const targets = new Map([["data", target]]);
    await stageAll(fixture, targets);
    const { given, notes } = await restoreAgain(fixture, { targets });
    expect(given).toHaveLength(1);
    expect(notes.join()).toContain("going on from 100 %");
    expect(lstatSync(join(target, "link")).ino).toBe(lstatSync(join(target, "f03")).ino);
    expect(lstatSync(join(target, "dir")).mode & 0o777).toBe(0o500);
  });

  it("again and again comes to its end, with each range fetched once", async () => {
    const fixture = await restoreFixture(ITEMS, BUILD);
    const expected = await whole(fixture);
    const given: Range[][] = [];
    for (let turn = 0; turn < 40; turn += 1) {
      // The list, and then two more.
      const store = cutOff(fixture.store, 3, unreachable);
      given.push(store.given);
      const o = fixture.options({ store: store.store });
      const error = await planRestore(o)
        .then((plan) => runRestore(plan, o))
        .then(
          () => null,
          (e: unknown) => e,
        );
      if (error === null) break;
      expect(error).toMatchObject({ kind: "vault" });
    }
    expect(given.length).toBeGreaterThan(3);
    expect(given.length).toBeLessThan(40);
    const data = given.flatMap((ranges) => ranges.slice(1));
    for (const [n, a] of data.entries()) {
      expect(data.slice(n + 1).filter((b) => a.name === b.name && a.from < b.end && b.from < a.end)).toEqual([]);
    }
    expect(readTree(join(fixture.dir, "out"))).toEqual(expected);
  });
});

describe("a restore that was killed", () => {
  it.each([1, 2, 4])(
    "by kill -9 at its stretch %i goes on from what is staged, and no stretch is fetched twice",
    async (n) => {
      const dir = tempDir();
      const store = await openDirectoryStore(join(dir, "vault"), { create: true });
      const keys = memoryKeys();
      const items = [...ITEMS, ...SHORT].sort((a, b) => (a.path < b.path ? -1 : 1));
      const { node, snapshot } = await buildSnapshot({ store, node: makeNode(), items, recipients: [keys], ...BUILD });
      const key = Buffer.from(keys.keys.get(snapshot) ?? []).toString("hex");
      const child = join(import.meta.dirname, "../../support/restore-child.ts");
      const restore = (ordinal: number) => {
        const run = spawnSync(process.execPath, [child, dir, node.name, snapshot, key, `${ordinal}`], {
          encoding: "utf8",
        });
        const told = existsSync(join(dir, "ranges")) ? readFileSync(join(dir, "ranges"), "utf8") : "";
        rmSync(join(dir, "ranges"), { force: true });
        const lines = told.split("\n").filter((line) => line !== "");
        const given = lines
          .map((line) => line.split(" "))
          .map(([kind, name = "", from, length]) => {
            return { kind, name, from: Number(from), end: Number(from) + Number(length) };
          });
        return { ...run, data: given.filter(({ kind }) => kind === "data") };
      };
      const first = restore(n);
      expect(first.signal, first.stderr).toBe("SIGKILL");
      expect(first.data).toHaveLength(n - 1);
      const second = restore(0);
      expect(second.status, second.stderr).toBe(0);
      const all = [...first.data, ...second.data];
      for (const [i, a] of all.entries()) {
        expect(all.slice(i + 1).filter((b) => a.name === b.name && a.from < b.end && b.from < a.end)).toEqual([]);
      }
      expect(Number(second.stdout) > 0).toBe(n > 1);
      expect(readTree(join(dir, "out")).length).toBe(items.length);
    },
  );

  it("with short pieces staged between such as are missing: they are not read over, be it one request more", async () => {
    const fixture = await restoreFixture([{ path: "data" }, ...SHORT], {});
    const target = join(fixture.dir, "node-data");
    mkdirSync(target);
    const targets = new Map([["data", target]]);
    await stageAll(fixture, targets);
    const staged = join(fixture.dir, kept(fixture.dir)[0] ?? "", "data");
    // Every other one.
    const missing = SHORT.filter((_, n) => n % 2 === 0).map(({ path }) => path.slice("data/".length));
    for (const name of missing) rmSync(join(staged, name));
    const { given } = await restoreAgain(fixture, { targets });
    const [, ...data] = given;
    expect(data).toHaveLength(missing.length);
    const fetched = data.reduce((sum, { from, end }) => sum + end - from, 0);
    expect(fetched).toBe(missing.length * (SHORT_SIZE + 16));
  });
});

describe("what is staged is not trusted", () => {
  it("whatever was changed of it is fetched again, what it was changed for stays, and all is as it was backed up", async () => {
    const fixture = await restoreFixture(ITEMS, BUILD);
    const expected = await whole(fixture);
    const target = join(fixture.dir, "node-data");
    const targets = new Map([["data", target]]);
    await stageAll(fixture, targets);
    const staged = join(fixture.dir, kept(fixture.dir)[0] ?? "", "data");
    const at = (name: string) => join(staged, name);
    const outside = join(fixture.dir, "outside");
    mkdirSync(outside);
    const flip = (name: string, n: number) => {
      const bytes = readFileSync(at(name));
      bytes[n] = (bytes[n] ?? 0) ^ 1;
      chmodSync(at(name), 0o600);
      writeFileSync(at(name), bytes);
    };
    flip("f00", 17);
    truncateSync(at("f01"), 100);
    truncateSync(at("f02"), SIZE + 5);
    // A hole of "big".
    flip("big", 1_500_000);
    renameSync(at("f04"), join(outside, "f04"));
    symlinkSync(join(outside, "f04"), at("f04"));
    linkSync(at("f05"), join(outside, "f05"));
    flip("f05", 3);
    rmSync(at("f06"));
    mkdirSync(join(at("f06"), "in"), { recursive: true });
    chmodSync(at("dir"), 0o700);
    renameSync(at("dir"), join(outside, "dir"));
    symlinkSync(join(outside, "dir"), at("dir"));
    const before = readTree(outside);
    const { result } = await restoreAgain(fixture, { targets });
    expect(readTree(outside)).toEqual(before);
    expect(result.reused).toBe(BYTES - 5 * SIZE);
    expect(readTree(target)).toEqual(inPlace(expected));
  });

  it("something that does not belong there ends the restore, and nothing of it is put in place", async () => {
    const fixture = await restoreFixture(ITEMS, BUILD);
    const { again } = await restoreTwice(fixture, 6);
    const out = join(fixture.dir, "out");
    writeFileSync(join(out, kept(out)[0] ?? "", "data/foreign"), "x");
    await expect(again()).rejects.toMatchObject({ kind: "integrity" });
    expect(existsSync(out)).toBe(false);
    const { given } = await restoreAgain(fixture);
    expect(given.length).toBeGreaterThan(3);
  });
});

describe("what an unfinished restore left is removed", () => {
  const cases: [string, Partial<RestoreOptions>][] = [
    ["for one that is asked to begin anew", { fresh: true }],
    ["for one of another selection", { exclude: ["data/f01"] }],
    ["for one with other attributes", { keepSpecialBits: true }],
  ];
  it.each(cases)("%s", async (_, changes) => {
    const fixture = await restoreFixture(ITEMS, BUILD);
    const { first } = await restoreTwice(fixture, 6);
    const { plan, given, notes, result } = await restoreAgain(fixture, changes);
    expect(plan.unfinished).toEqual([]);
    expect(result.reused).toBe(0);
    expect(fetchedTwice(first, given)).not.toEqual([]);
    expect(notes.join()).toContain("removed what an unfinished restore");
    expect(readdirSync(join(fixture.dir, "out"))).toEqual(["data"]);
  });

  it("for one to another place", async () => {
    const fixture = await restoreFixture(ITEMS, BUILD);
    await restoreTwice(fixture, 6);
    const { result } = await restoreAgain(fixture, { targets: { to: join(fixture.dir, "elsewhere") } });
    expect(result.reused).toBe(0);
    expect(existsSync(join(fixture.dir, "out"))).toBe(false);
  });

  it("by recovery, unless it is asked to keep it; twice is as good as once", async () => {
    const fixture = await restoreFixture(ITEMS, BUILD);
    await restoreTwice(fixture, 6);
    const o = { stateDir: join(fixture.dir, "state"), node: fixture.built.node.name, progress: silent };
    for (const _ of [1, 2]) {
      const recovered = await recoverRestore({ ...o, keepStaged: true });
      expect(recovered?.did.join()).toContain("is kept in");
    }
    expect(kept(join(fixture.dir, "out"))).toHaveLength(1);
    expect((await recoverRestore(o))?.did.join()).toContain("removed what an unfinished restore");
    expect(existsSync(join(fixture.dir, "out"))).toBe(false);
    expect(await recoverRestore(o)).toBeNull();
  });
});
