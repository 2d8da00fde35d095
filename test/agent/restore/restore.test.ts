import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { planRestore, type RestoreOptions, runRestore } from "../../../agent/restore/index.ts";
import { silent } from "../../../vault/names/index.ts";
import { type BuildOptions, buildSnapshot, type Item, makeNode } from "../../support/build-snapshot.ts";
import { memoryStore } from "../../support/memory-store.ts";
import { memoryKeys } from "../../support/read-snapshot.ts";
import { tempDir } from "../../support/tmp.ts";

const ITEMS: readonly Item[] = [
  { path: "data" },
  { path: "data/a", content: ["hello"] },
  { path: "data/big", content: [Buffer.alloc(3_500_000, "block of data "), 8192, "tail"] },
  { path: "data/dir", mode: 0o700 },
  { path: "data/dir/empty", content: [], mode: 0o600 },
  { path: "data/dir/link", type: "hardlink", target: "data/a" },
  { path: "data/dir/hole", content: [1 << 20] },
  { path: "data/sym", type: "symlink", target: "dir/empty" },
];

async function fixture(items: readonly Item[] = ITEMS, more: Partial<BuildOptions> = {}) {
  const dir = tempDir();
  const store = memoryStore(() => 1_000_000);
  const keys = memoryKeys();
  const built = await buildSnapshot({ store, node: makeNode(), items, recipients: [keys], ...more });
  const options = (o: Partial<RestoreOptions> = {}): RestoreOptions => ({
    store,
    node: built.node.name,
    snapshot: built.snapshot,
    identities: [keys],
    targets: { to: join(dir, "out") },
    assertStopped: async () => {},
    keepOld: false,
    keepSpecialBits: false,
    stateDir: join(dir, "state"),
    progress: silent,
    signal: new AbortController().signal,
    workers: 2,
    ...o,
  });
  return { dir, store, keys, built, options };
}

describe("restore", () => {
  it("brings back files, folders, links, holes, modes and times in a fresh folder", async () => {
    const { dir, options } = await fixture();
    const o = options();
    const plan = await planRestore(o);
    const result = await runRestore(plan, o);
    const out = join(dir, "out/data");
    expect(readFileSync(join(out, "a"), "utf8")).toBe("hello");
    const big = readFileSync(join(out, "big"));
    expect(
      big.equals(Buffer.concat([Buffer.alloc(3_500_000, "block of data "), Buffer.alloc(8192), Buffer.from("tail")])),
    ).toBe(true);
    expect(lstatSync(join(out, "dir/hole")).size).toBe(1 << 20);
    expect(lstatSync(join(out, "dir/hole")).blocks).toBe(0);
    expect(lstatSync(join(out, "a")).ino).toBe(lstatSync(join(out, "dir/link")).ino);
    expect(readlinkSync(join(out, "sym"))).toBe("dir/empty");
    expect(lstatSync(join(out, "dir")).mode & 0o7777).toBe(0o700);
    expect(readdirSync(join(dir, "out"))).toEqual(["data"]);
    expect(result).toMatchObject({ files: 4, origin: "first sight" });
  });

  it("exchanges a folder in place and removes the old data", async () => {
    const { dir, options } = await fixture();
    const target = join(dir, "node-data");
    mkdirSync(target);
    writeFileSync(join(target, "stale"), "x");
    const o = options({ targets: new Map([["data", target]]) });
    await runRestore(await planRestore(o), o);
    expect(existsSync(join(target, "stale"))).toBe(false);
    expect(readFileSync(join(target, "a"), "utf8")).toBe("hello");
    expect(readdirSync(dir).sort()).toEqual(["node-data", "state"]);
    expect(readdirSync(join(o.stateDir, "node-1"))).toEqual([]);
  });
});
