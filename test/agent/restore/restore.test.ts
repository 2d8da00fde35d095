import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { planRestore, recoverRestore, runRestore } from "../../../agent/restore/index.ts";
import { ColdkeepError, silent } from "../../../vault/names/index.ts";
import type { Item } from "../../support/build-snapshot.ts";
import { RECEIVED, restoreFixture } from "./fixture.ts";

const root = process.getuid?.() === 0;

const ITEMS: readonly Item[] = [
  { path: "data" },
  { path: "data/a", content: ["hello"] },
  { path: "data/big", content: [Buffer.alloc(3_500_000, "block of data "), 8192, "tail"] },
  { path: "data/dir", mode: 0o700 },
  { path: "data/dir/empty", content: [], mode: 0o600 },
  { path: "data/dir/hole", content: [1 << 20] },
  { path: "data/dir/link", type: "hardlink", target: "data/a" },
  { path: "data/sym", type: "symlink", target: "dir/empty" },
];
const SMALL: readonly Item[] = [{ path: "data" }, { path: "data/a", content: ["hello"] }];
const TWO: readonly Item[] = [...SMALL, { path: "logs" }, { path: "logs/l", content: ["log"] }];

describe("restore to a fresh folder", () => {
  it("brings back files, folders, links, holes, modes and times", async () => {
    const { dir, restore } = await restoreFixture(ITEMS, { heights: { "": 7 } });
    const result = await restore({ workers: 2 });
    const out = join(dir, "out/data");
    expect(readFileSync(join(out, "a"), "utf8")).toBe("hello");
    const big = [Buffer.alloc(3_500_000, "block of data "), Buffer.alloc(8192), Buffer.from("tail")];
    expect(readFileSync(join(out, "big")).equals(Buffer.concat(big))).toBe(true);
    expect(lstatSync(join(out, "dir/hole"))).toMatchObject({ size: 1 << 20, blocks: 0 });
    expect(lstatSync(join(out, "a")).ino).toBe(lstatSync(join(out, "dir/link")).ino);
    expect(readlinkSync(join(out, "sym"))).toBe("dir/empty");
    expect(lstatSync(join(out, "dir")).mode & 0o7777).toBe(0o700);
    expect(lstatSync(join(out, "dir"), { bigint: true }).mtimeNs).toBe(1_700_000_000_123_456_789n);
    expect(readdirSync(join(dir, "out"))).toEqual(["data"]);
    expect(readdirSync(join(dir, "state/node-1"))).toEqual([]);
    const figures = { files: 4, directories: 2, links: 2, heights: { "": 7 }, receivedAt: RECEIVED };
    expect(result).toMatchObject({ ...figures, origin: "first sight", notes: [] });
    expect(result.roots).toEqual([{ name: "data", target: out }]);
  });

  it("takes an empty folder that is there, and leaves its mode alone", async () => {
    const { dir, restore } = await restoreFixture(SMALL);
    mkdirSync(join(dir, "out"));
    chmodSync(join(dir, "out"), 0o711);
    await restore();
    expect(readFileSync(join(dir, "out/data/a"), "utf8")).toBe("hello");
    expect(lstatSync(join(dir, "out")).mode & 0o777).toBe(0o711);
  });

  it("target not empty: refused, with what to do, and untouched", async () => {
    const { dir, restore } = await restoreFixture(SMALL);
    mkdirSync(join(dir, "out"));
    writeFileSync(join(dir, "out/mine"), "x");
    await expect(restore()).rejects.toMatchObject({ kind: "refused", why: "the folder is not empty" });
    expect(readdirSync(join(dir, "out"))).toEqual(["mine"]);
  });

  it.each(["relative/out", "missing/above", "file/below"])("target %s: refused", async (to) => {
    const { dir, restore } = await restoreFixture(SMALL);
    writeFileSync(join(dir, "file"), "x");
    const target = to.startsWith("relative") ? to : join(dir, to);
    await expect(restore({ targets: { to: target } })).rejects.toMatchObject({ kind: "refused" });
  });

  it("a file in the place of the target: refused", async () => {
    const { dir, restore } = await restoreFixture(SMALL);
    writeFileSync(join(dir, "out"), "x");
    await expect(restore()).rejects.toMatchObject({ kind: "refused", why: "it is not a folder" });
  });

  it.skipIf(root)(
    "no permission to write beside the target (not as root): said before anything is fetched",
    async () => {
      const { dir, restore } = await restoreFixture(SMALL);
      mkdirSync(join(dir, "closed"), { mode: 0o555 });
      await expect(restore({ targets: { to: join(dir, "closed/out") } })).rejects.toMatchObject({ kind: "permission" });
    },
  );

  it("leaves what is selected and the folders that lead there", async () => {
    const { dir, options } = await restoreFixture([...ITEMS, { path: "data/dir/deep" }, { path: "other" }]);
    const o = options({ include: ["data/dir/link", "*.nothing"], exclude: ["hole"] });
    const plan = await planRestore(o);
    expect(plan).toMatchObject({ files: 1, directories: 2, bytes: 5 });
    expect(plan.roots.map(({ name }) => name)).toEqual(["data"]);
    await runRestore(plan, o);
    expect(readdirSync(join(dir, "out"))).toEqual(["data"]);
    expect(readdirSync(join(dir, "out/data"))).toEqual(["dir"]);
    expect(readdirSync(join(dir, "out/data/dir"))).toEqual(["link"]);
    // Its content is that of the hardlinked file that was left out.
    expect(readFileSync(join(dir, "out/data/dir/link"), "utf8")).toBe("hello");
  });

  it("a second link to a file that was left out is linked to its stand-in", async () => {
    const { dir, restore } = await restoreFixture([
      ...SMALL,
      { path: "data/l1", type: "hardlink", target: "data/a" },
      { path: "data/l2", type: "hardlink", target: "data/a" },
    ]);
    await restore({ exclude: ["data/a"] });
    expect(readdirSync(join(dir, "out/data")).sort()).toEqual(["l1", "l2"]);
    expect(lstatSync(join(dir, "out/data/l1")).ino).toBe(lstatSync(join(dir, "out/data/l2")).ino);
    expect(readFileSync(join(dir, "out/data/l2"), "utf8")).toBe("hello");
  });

  it("patterns that leave nothing are an error of usage that names the roots", async () => {
    const { restore } = await restoreFixture(SMALL);
    await expect(restore({ include: ["nothing/*"] })).rejects.toMatchObject({ kind: "usage" });
  });

  it("a dry run writes nothing and tells files, bytes and requests", async () => {
    const { dir, options, built } = await restoreFixture(ITEMS);
    const before = readdirSync(dir);
    const plan = await planRestore(options());
    expect(readdirSync(dir)).toEqual(before);
    expect(readdirSync(join(dir, "state"))).toEqual([]);
    expect(plan).toMatchObject({ files: 4, links: 2, directories: 2, snapshot: built.snapshot, seq: 1 });
    expect(plan.fetch.requests).toBe(1);
    expect(plan.fetch.bytes).toBeGreaterThan(0);
    expect(plan.roots[0]).toMatchObject({ replaces: "nothing", target: join(dir, "out/data") });
  });

  it("does not set setuid, setgid and security attributes unless asked", async () => {
    const items: Item[] = [{ path: "data" }, { path: "data/su", content: ["#!"], mode: 0o6755 }];
    const plain = await restoreFixture(items);
    const { notes } = await plain.restore();
    expect(lstatSync(join(plain.dir, "out/data/su")).mode & 0o7777).toBe(0o755);
    expect(notes.join()).toContain("setuid");
    const asked = await restoreFixture(items);
    await asked.restore({ keepSpecialBits: true });
    expect(lstatSync(join(asked.dir, "out/data/su")).mode & 0o7777).toBe(0o6755);
  });

  it("an abort while fetching puts nothing in place, and recovery removes what was staged", async () => {
    const { dir, store, options } = await restoreFixture(ITEMS);
    const aborter = new AbortController();
    const o = options({
      signal: aborter.signal,
      store: {
        ...store,
        getRange: async (...args) => {
          if (existsSync(join(dir, "out"))) aborter.abort(new ColdkeepError("interrupted", { what: "stopped" }));
          return await store.getRange(...args);
        },
      },
    });
    await expect(runRestore(await planRestore(o), o)).rejects.toMatchObject({ kind: "interrupted" });
    expect(existsSync(join(dir, "out/data"))).toBe(false);
    await recoverRestore({ stateDir: o.stateDir, node: o.node, progress: silent });
    expect(readdirSync(dir)).toEqual(["state"]);
  });

  it("fetches again what does not fit one request, and joins what does", async () => {
    const blocks = Array.from({ length: 40 }, (_, n) => Buffer.alloc(300_000, `${n} unlike the others `));
    const items = [{ path: "data" }, ...blocks.map((b, n) => ({ path: `data/${n}`, content: [b] }))];
    const { dir, restore } = await restoreFixture(items, { packBytes: 100_000 });
    await restore({ workers: 2 });
    for (const [n, block] of blocks.entries()) {
      expect(readFileSync(join(dir, `out/data/${n}`)).equals(block)).toBe(true);
    }
  });
});

describe("restore in place", () => {
  it("exchanges all roots and removes the old data", async () => {
    const { dir, restore } = await restoreFixture(TWO);
    mkdirSync(join(dir, "node-data"));
    writeFileSync(join(dir, "node-data/stale"), "x");
    const targets = new Map([
      ["data", join(dir, "node-data")],
      ["logs", join(dir, "node-logs")],
    ]);
    await restore({ targets });
    expect(readdirSync(join(dir, "node-data"))).toEqual(["a"]);
    expect(readdirSync(join(dir, "node-logs"))).toEqual(["l"]);
    expect(readdirSync(dir).sort()).toEqual(["node-data", "node-logs", "state"]);
  });

  it("keeps the old data where asked, and says where", async () => {
    const { dir, restore } = await restoreFixture(SMALL);
    mkdirSync(join(dir, "node-data"));
    writeFileSync(join(dir, "node-data/old-one"), "x");
    const { roots } = await restore({ targets: new Map([["data", join(dir, "node-data")]]), keepOld: true });
    expect(readdirSync(roots[0]?.old ?? "")).toEqual(["old-one"]);
    expect(roots[0]?.old).toMatch(/node-data\.coldkeep-old-[0-9a-f]{16}$/);
    expect(readdirSync(join(dir, "node-data"))).toEqual(["a"]);
  });

  it("follows a symlink in the config to the folder it means, and exchanges that", async () => {
    const { dir, restore } = await restoreFixture(SMALL);
    mkdirSync(join(dir, "disk/real"), { recursive: true });
    symlinkSync(join(dir, "disk/real"), join(dir, "node-data"));
    await restore({ targets: new Map([["data", join(dir, "node-data")]]) });
    expect(readlinkSync(join(dir, "node-data"))).toBe(join(dir, "disk/real"));
    expect(readdirSync(join(dir, "disk/real"))).toEqual(["a"]);
    expect(readdirSync(join(dir, "disk"))).toEqual(["real"]);
  });

  it("a running node: refused before anything is written", async () => {
    const { dir, restore } = await restoreFixture(SMALL);
    mkdirSync(join(dir, "node-data"));
    const targets = new Map([["data", join(dir, "node-data")]]);
    const running = new ColdkeepError("refused", { what: "the node is running" });
    const assertStopped = async () => {
      throw running;
    };
    await expect(restore({ targets, assertStopped })).rejects.toBe(running);
    expect(readdirSync(dir).sort()).toEqual(["node-data", "state"]);
  });

  it("a node that starts meanwhile: refused before the exchange, and all as it was", async () => {
    const { dir, restore } = await restoreFixture(TWO);
    for (const name of ["node-data", "node-logs"]) mkdirSync(join(dir, name));
    writeFileSync(join(dir, "node-data/mine"), "x");
    const targets = new Map([
      ["data", join(dir, "node-data")],
      ["logs", join(dir, "node-logs")],
    ]);
    let asked = 0;
    const assertStopped = async () => {
      asked += 1;
      if (asked === 2) throw new ColdkeepError("refused", { what: "the node is running" });
    };
    await expect(restore({ targets, assertStopped })).rejects.toMatchObject({ kind: "refused" });
    expect(readdirSync(join(dir, "node-data"))).toEqual(["mine"]);
    const staged = expect.stringMatching(/^\.coldkeep-restore-[0-9a-f]{16}$/);
    expect(readdirSync(dir).sort()).toEqual([staged, "node-data", "node-logs", "state"]);
  });

  it.each([
    ["a part of the snapshot", { include: ["data/a"] }, /cannot restore a part in place/],
    ["a root the config does not place", {}, /the config places only: elsewhere/],
  ])("%s: refused", async (_, more, message) => {
    const { dir, restore } = await restoreFixture(SMALL);
    const targets = new Map([["elsewhere", join(dir, "x")]]);
    await expect(restore({ targets, ...more })).rejects.toThrow(message);
  });

  it("one root inside the other: refused", async () => {
    const { dir, restore } = await restoreFixture(TWO);
    const targets = new Map([
      ["data", join(dir, "n")],
      ["logs", join(dir, "n/logs")],
    ]);
    mkdirSync(join(dir, "n"));
    await expect(restore({ targets })).rejects.toMatchObject({ kind: "refused", why: "root logs lies in root data" });
  });
});

describe("a snapshot that is not as recent as asked for", () => {
  it.each([
    ["seq", { minSeq: 5 }, /its number is 4, at least 5/],
    ["height", { minHeight: 101 }, /its height is 100, at least 101/],
    ["age", { maxAgeMs: 59_000 }, /received it 60 s ago, at most 59 s/],
  ])("is refused: %s", async (_, more, message) => {
    const { options } = await restoreFixture(SMALL, { seq: 4, heights: { a: 200, b: 100 } });
    const clock = { now: () => RECEIVED + 60_000, monotonic: () => 0 };
    await expect(planRestore(options({ clock, ...more }))).rejects.toThrow(message);
  });

  it("is taken where it is just recent enough", async () => {
    const { options } = await restoreFixture(SMALL, { seq: 4, heights: { a: 200, b: 100 } });
    const clock = { now: () => RECEIVED + 60_000, monotonic: () => 0 };
    const plan = await planRestore(options({ clock, minSeq: 4, minHeight: 100, maxAgeMs: 60_000 }));
    expect(plan.heights).toEqual({ a: 200, b: 100 });
  });

  it("is refused where its height is asked for and not recorded", async () => {
    const { options } = await restoreFixture(SMALL);
    await expect(planRestore(options({ minHeight: 1 }))).rejects.toThrow(/its height is not recorded/);
  });
});
