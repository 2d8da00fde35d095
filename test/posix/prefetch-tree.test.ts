import { type Dirent, lstatSync, mkdirSync, opendir, readdir, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { prefetchTree, type TreeCalls, type TreePrefetch } from "../../posix/prefetch-tree.ts";
import { tempDir } from "../support/tmp.ts";

const latin1 = (path: string) => Buffer.from(path, "utf8").toString("latin1");

/** The system's calls, which also tell what was looked at. */
function recorded(changed: Partial<TreeCalls> = {}) {
  const looked: string[] = [];
  const calls: TreeCalls = {
    lstat: (path) => lstatSync(path, { throwIfNoEntry: false }),
    readdir,
    opendir,
    ...changed,
  };
  const { lstat } = calls;
  return {
    looked,
    calls: {
      ...calls,
      lstat(path: Buffer) {
        looked.push(path.toString("utf8"));
        return lstat(path);
      },
    },
  };
}

function tree(names: readonly string[]): string {
  const root = tempDir();
  for (const name of names) {
    mkdirSync(join(root, name, ".."), { recursive: true });
    writeFileSync(join(root, name), name);
  }
  return root;
}

const open = () => readdirSync("/proc/self/fd").length;

describe("looking at a tree ahead of whoever walks through it", () => {
  it("looks once at each folder and file, whatever its name, and follows no symlink", async () => {
    const root = tree(["a/b/c/file", "a/ä/ö", "d/e", "f"]);
    symlinkSync("/usr", join(root, "usr"));
    const { looked, calls } = recorded();
    await prefetchTree([{ path: latin1(root), omits: () => false }], calls).through;
    const all = ["a", "a/b", "a/b/c", "a/b/c/file", "a/ä", "a/ä/ö", "d", "d/e", "f", "usr"];
    expect(looked.sort()).toEqual([root, ...all.map((name) => join(root, name))].sort());
  });

  it("looks into no folder that is left out, and into none of another file system", async () => {
    const root = tree(["kept/file", "left/out/file", "mounted/file"]);
    const { looked, calls } = recorded({
      lstat(path) {
        const found = lstatSync(path);
        if (path.toString() === join(root, "mounted")) found.dev += 1;
        return found;
      },
    });
    await prefetchTree([{ path: root, omits: (path) => path === "left/out" }], calls).through;
    const all = ["kept", "kept/file", "left", "mounted"];
    expect(looked.sort()).toEqual([root, ...all.map((name) => join(root, name))].sort());
  });

  it("passes over what it cannot look at", async () => {
    const root = tree(["a/file", "b/file", "c/file"]);
    const { looked, calls } = recorded({
      lstat(path) {
        if (path.toString().endsWith("/a")) throw new Error("EIO");
        return lstatSync(path, { throwIfNoEntry: false });
      },
      readdir: (path, options, take) =>
        path.toString().endsWith("/b") ? take(new Error("EACCES"), []) : readdir(path, options, take),
    });
    const trees = [root, join(root, "none")].map((path) => ({ path, omits: () => false }));
    await prefetchTree(trees, calls).through;
    expect(looked).toContain(join(root, "c/file"));
    expect(looked).not.toContain(join(root, "b/file"));
  });

  it("takes a large folder's names piece by piece, and leaves nothing open", async () => {
    const names = Array.from({ length: 1500 }, (_, n) => `${n}-${"x".repeat(100)}`);
    const root = tree([...names, "sub/file"]);
    const before = open();
    let whole = 0;
    const { looked, calls } = recorded({
      readdir(path, options, take) {
        if (path.toString() === root) whole += 1;
        readdir(path, options, take);
      },
    });
    const sizes = { ...calls, lstat: (path: Buffer) => large(calls.lstat(path)) };
    await prefetchTree([{ path: root, omits: () => false }], sizes).through;
    expect(looked).toHaveLength(1 + names.length + 2);
    expect(whole).toBe(0);
    expect(open()).toBe(before);
  });

  it("asks for nothing more once it is told to end, and leaves nothing open", async () => {
    const root = tree(Array.from({ length: 1500 }, (_, n) => `${n % 5}/${n}-${"x".repeat(200)}`));
    const before = open();
    let running: TreePrefetch | null = null;
    let looks = 0;
    const { calls } = recorded();
    const ending: TreeCalls = {
      ...calls,
      lstat(path) {
        looks += 1;
        if (looks === 600) running?.end();
        return large(calls.lstat(path));
      },
    };
    running = prefetchTree([{ path: root, omits: () => false }], ending);
    await running.through;
    running.end();
    expect(looks).toBe(600);
    expect(open()).toBe(before);
  });

  it("holds a bounded number of names: of what is more it leaves the rest to others", async () => {
    const root = tree(["folder/file"]);
    const entry = readdirSync(root, { withFileTypes: true })[0] as Dirent;
    const many = Array.from({ length: 20_000 }, (_, n) => Object.assign(Object.create(entry), { name: `${n}` }));
    const { looked, calls } = recorded({
      lstat: () => lstatSync(root),
      readdir: (path, _, take) => setImmediate(take, null, path.toString() === root ? many : []),
    });
    await prefetchTree([{ path: root, omits: () => false }], calls).through;
    expect(looked).toHaveLength(1 + 8192);
  });
});

/** Folders as if they were large. */
function large(found: ReturnType<TreeCalls["lstat"]>) {
  if (found?.isDirectory() === true) found.size = 1 << 20;
  return found;
}
