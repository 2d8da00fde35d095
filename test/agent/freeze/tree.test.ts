import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { comparePaths } from "../../../agent/freeze/bytes.ts";
import { volumeOf } from "../../../agent/freeze/fingerprint.ts";
import { prepareFreeze } from "../../../agent/freeze/index.ts";
import { makeInodeSet } from "../../../agent/freeze/inode-set.ts";
import type { FrozenEntry, FrozenTree } from "../../../agent/freeze/types.ts";
import { libcTrouble } from "../../../posix/libc.ts";
import { setXattr } from "../../../posix/xattrs.ts";
import { comparePaths as sealedOrder } from "../../../vault/sealed/paths.ts";
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
import { fakeFreeze } from "../../support/frozen-tree.ts";
import { tempDir } from "../../support/tmp.ts";
import { anyTree, growTree, type Plan } from "../../support/trees.ts";

const root = process.getuid?.() === 0;

/** What a tree holds, in comparable form: everything but where the bytes lie. */
async function describeTree(tree: FrozenTree): Promise<object[]> {
  return (await entriesOf(tree)).map((entry) => ({
    ...shapeOf(entry),
    content: entry.type === "file" ? frozenBytes(entry) : null,
  }));
}

function shapeOf(entry: FrozenEntry) {
  const { type, mode, uid, gid, mtime, size, target } = entry;
  const at = target === undefined ? null : Buffer.from(target).toString("latin1");
  return { path: pathOf(entry), type, mode, uid, gid, mtime, size, target: at };
}

/** The tree itself in the place of a frozen one: what is expected. */
async function asItLies(home: string): Promise<FrozenTree> {
  return (await fakeFreeze()(freezeOptions(home))).capture();
}

const readable = (plan: Plan): Plan =>
  plan.kind === "file" && plan.mode === 0 && !root ? { ...plan, mode: 0o400 } : plan;

describe("a frozen tree", () => {
  it("is the tree, in its order: random trees, links, holes, odd names, whatever the classes", async () => {
    let made = 0;
    const home = tempDir("freeze");
    await fc.assert(
      fc.asyncProperty(anyTree, fc.constantFrom([], ["a*"], ["**"]), async (plans, immutable) => {
        const here = join(home, String(made++));
        mkdirSync(join(here, "data"), { recursive: true });
        growTree(join(here, "data"), plans.map(readable));
        const expected = await describeTree(await asItLies(here));
        const tree = await freeze(here, { globs: { immutable } });
        // Whatever the node does now must not reach the frozen tree.
        execFileSync("rm", ["-r", join(here, "data")]);
        expect(await describeTree(tree)).toEqual(expected);
        expect(await describeTree(tree)).toEqual(expected);
        await tree.release();
        await tree.release();
        expect(existsSync(join(here, ".coldkeep-freeze"))).toBe(false);
        expect(existsSync(join(here, "state/freeze.journal"))).toBe(false);
        expect(existsSync(join(here, "state/freeze"))).toBe(false);
      }),
      { numRuns: 25 },
    );
  });

  it("is the state at the stop, whatever changed since the preparation", async () => {
    let made = 0;
    const home = tempDir("freeze");
    const change = fc.record({
      kind: fc.constantFrom("write", "append", "replace", "remove", "folder", "rename", "link"),
      pick: fc.nat(),
      name: fc.constantFrom("a", "b", "0", "new", "z."),
    });
    await fc.assert(
      fc.asyncProperty(anyTree, fc.array(change, { maxLength: 8 }), async (plans, changes) => {
        const here = join(home, String(made++));
        const data = join(here, "data");
        mkdirSync(data, { recursive: true });
        growTree(data, plans.map(readable));
        const prepared = await prepareFreeze(freezeOptions(here, { globs: { immutable: ["b", "a", "c/**"] } }));
        for (const { kind, pick, name } of changes) apply(kind, plans, pick, name, data);
        const expected = await describeTree(await asItLies(here));
        const tree = await prepared.capture();
        expect(await describeTree(tree)).toEqual(expected);
        await tree.release();
      }),
      { numRuns: 40 },
    );
  });

  function apply(kind: string, plans: readonly Plan[], pick: number, name: string, data: string): void {
    const plan = plans[pick % Math.max(1, plans.length)];
    const folder = Buffer.from(`${data}/${plan?.kind === "directory" ? plan.path : ""}`, "latin1");
    const fresh = Buffer.concat([folder, Buffer.from(`/${name}`)]);
    const path = plan === undefined ? fresh : Buffer.from(`${data}/${plan.path}`, "latin1");
    try {
      if (kind === "folder") mkdirSync(fresh);
      else if (kind === "rename") renameSync(path, fresh);
      else if (kind === "link") linkSync(path, fresh);
      else if (kind === "remove") rmSync(path, { recursive: true });
      else if (kind === "write") writeFileSync(fresh, "new content");
      else if (lstatSync(path).isFile()) {
        if (kind === "append") appendFileSync(path, "more");
        else {
          writeFileSync(`${data}.replacement`, "replaced");
          renameSync(`${data}.replacement`, path);
        }
      }
    } catch {
      // Not a change that this tree can have.
    }
  }

  it("keeps what the restarted node truncates, rewrites, appends to and unlinks", async () => {
    const { home, data } = makeHome();
    for (const name of ["000001.ldb", "000005.log", "MANIFEST-000004", "CURRENT", "000009.ldb"]) {
      writeFileSync(join(data, name), `content of ${name}`);
    }
    writeFileSync(join(data, "grows"), "12345");
    const node = puppet({
      onStart() {
        unlinkSync(join(data, "000001.ldb"));
        truncateSync(join(data, "000005.log"));
        truncateSync(join(data, "000009.ldb"));
        writeFileSync(join(data, "CURRENT"), "other");
        appendFileSync(join(data, "grows"), "67890");
      },
    });
    const tree = await freeze(home, {
      profile: "leveldb",
      globs: { append_only: ["grows"] },
      control: controlOf(node.manager),
    });
    const files = (await entriesOf(tree)).filter(({ type }) => type === "file");
    for (const entry of files.filter((entry) => !pathOf(entry).endsWith("grows"))) {
      expect(frozenBytes(entry).toString("latin1")).toBe(`content of ${pathOf(entry).slice(5)}`);
    }
    const classes = Object.fromEntries(files.map((entry) => [pathOf(entry).slice(5), entry.mutability]));
    expect(classes).toEqual({
      "000001.ldb": "immutable",
      "000005.log": "mutable",
      "000009.ldb": "mutable",
      CURRENT: "mutable",
      "MANIFEST-000004": "mutable",
      grows: "append-only",
    });
    const grows = files.find((entry) => pathOf(entry) === "data/grows");
    expect(grows?.size).toBe(5);
    expect(tree.figures).toMatchObject({ files: 6, linked: 2 });
    expect(tree.figures.copied + tree.figures.reflinked).toBe(4);
    await tree.release();
  });

  it("gives immutable files a fingerprint that stays until they are others", async () => {
    const { home, data } = makeHome();
    const setting = { globs: { immutable: ["*"] } };
    const printOf = async () => {
      const tree = await freeze(home, setting);
      const [, entry] = await entriesOf(tree);
      await tree.release();
      return entry?.fingerprint;
    };
    writeFileSync(join(data, "a"), "1234");
    const { ino, mtimeNs } = lstatSync(join(data, "a"), { bigint: true });
    const print = `${volumeOf(lstatSync(data, { bigint: true }))}:${ino}:4:${mtimeNs}`;
    expect(await printOf()).toBe(print);
    expect(await printOf()).toBe(print);
    writeFileSync(join(data, "b"), "5678");
    renameSync(join(data, "b"), join(data, "a"));
    expect(await printOf()).not.toBe(print);
  });

  it("knows a file system by its root's birth, and by its device only where that is not told", () => {
    const [dev, ino] = [7n, 2n];
    expect(volumeOf({ dev, ino, birthtimeNs: 5n })).toBe("5.2");
    expect(volumeOf({ dev: 8n, ino, birthtimeNs: 5n })).toBe("5.2");
    expect(volumeOf({ dev, ino, birthtimeNs: 6n })).not.toBe("5.2");
    expect(volumeOf({ dev, ino, birthtimeNs: 0n })).toBe("7");
  });

  it("takes a file that is immutable by one name and written through another for mutable", async () => {
    const { home, data } = makeHome();
    mkdirSync(join(data, "z"));
    writeFileSync(join(data, "a.dat"), "old");
    linkSync(join(data, "a.dat"), join(data, "z/alias"));
    const node = puppet({ onStart: () => writeFileSync(join(data, "z/alias"), "new") });
    const tree = await freeze(home, { globs: { immutable: ["*.dat"] }, control: controlOf(node.manager) });
    const entries = await entriesOf(tree);
    const file = entries.find((entry) => pathOf(entry) === "data/a.dat");
    expect(file).toMatchObject({ type: "file", mutability: "mutable", fingerprint: "" });
    expect(frozenBytes(file).toString("latin1")).toBe("old");
    const alias = entries.find((entry) => pathOf(entry) === "data/z/alias");
    expect(alias?.type).toBe("hardlink");
    expect(Buffer.from(alias?.target ?? []).toString()).toBe("data/a.dat");
    await tree.release();
  });

  describe.each(["before the walks", "as the node stops"] as const)("a further name that is made %s", (when) => {
    it.each([
      ["written through the second", ["a.key"], "mutable", "old"],
      ["written through the first", ["z/alias"], "mutable", "old"],
      ["never written", ["a.key", "z/alias"], "immutable", "old"],
      ["written through both", [], "mutable", "old"],
    ] as const)("is a hardlink, of the strictest class and a secret: %s", async (_, immutable, mutability, content) => {
      const { home, data } = makeHome();
      mkdirSync(join(data, "z"));
      writeFileSync(join(data, "a.key"), content);
      // As another backup's frozen tree has it.
      linkSync(join(data, "a.key"), join(home, "elsewhere"));
      const link = () => linkSync(join(data, "a.key"), join(data, "z/alias"));
      if (when === "before the walks") link();
      const onStart = () => {
        if (mutability === "mutable") writeFileSync(join(data, "z/alias"), "new");
      };
      const node = puppet({ onStop: () => void (when === "as the node stops" && link()), onStart });
      const globs = { immutable, secret: ["a.key"] };
      const tree = await freeze(home, { globs, control: controlOf(node.manager) });
      const [file, alias] = (await entriesOf(tree)).filter(({ type }) => type !== "directory");
      expect(file).toMatchObject({ type: "file", mutability, secret: true });
      expect(frozenBytes(file).toString("latin1")).toBe(content);
      expect(alias).toMatchObject({ type: "hardlink" });
      expect(Buffer.from(alias?.target ?? []).toString()).toBe("data/a.key");
      expect(tree.figures).toMatchObject({ files: 1, bytes: content.length });
      await tree.release();
    });
  });

  it("a secret by its second name alone is one, whenever that name was made", async () => {
    for (const when of ["before", "meanwhile"]) {
      const { home, data } = makeHome();
      writeFileSync(join(data, "a"), "content");
      linkSync(join(data, "a"), join(home, "elsewhere"));
      const link = () => linkSync(join(data, "a"), join(data, "b.key"));
      if (when === "before") link();
      const node = puppet({ onStop: () => void (when === "meanwhile" && link()) });
      const tree = await freeze(home, { globs: { secret: ["*.key"] }, control: controlOf(node.manager) });
      expect((await entriesOf(tree)).find(({ type }) => type === "file")).toMatchObject({ secret: true });
      await tree.release();
    }
  });

  it("leaves out what globs exclude, sockets, FIFOs and its own folders, and says so once", async () => {
    const { home, data } = makeHome();
    mkdirSync(join(data, "cache/deep"), { recursive: true });
    mkdirSync(join(data, ".coldkeep-freeze"));
    writeFileSync(join(data, ".coldkeep-freeze/x"), "");
    writeFileSync(join(data, "cache/deep/x"), "");
    writeFileSync(join(data, "a.tmp"), "");
    writeFileSync(join(data, "id.key"), "");
    execFileSync("mkfifo", [join(data, "fifo")]);
    const tree = await freeze(home, { globs: { exclude: ["cache", "*.tmp"], secret: ["*.key"] } });
    const entries = await entriesOf(tree);
    expect(entries.map(pathOf)).toEqual(["data", "data/id.key"]);
    expect(entries[1]?.secret).toBe(true);
    expect([...tree.omitted].sort()).toEqual([
      "data/a.tmp: left out: excluded by the configuration",
      "data/cache: left out: excluded by the configuration",
      "data/fifo: a socket, FIFO or device: not captured",
    ]);
    await tree.release();
  });

  it("never follows a symlink, wherever it leads", async () => {
    const { home, data } = makeHome();
    const secrets = join(home, "secrets");
    mkdirSync(secrets);
    writeFileSync(join(secrets, "password"), "x");
    symlinkSync(secrets, join(data, "inside"));
    symlinkSync("/etc/passwd", join(data, "file"));
    symlinkSync("nowhere", join(data, "dangling"));
    const tree = await freeze(home, { globs: { immutable: ["**"] } });
    expect((await entriesOf(tree)).map((e) => [pathOf(e), e.type])).toEqual([
      ["data", "directory"],
      ["data/dangling", "symlink"],
      ["data/file", "symlink"],
      ["data/inside", "symlink"],
    ]);
    await tree.release();
  });

  const trouble = libcTrouble();
  it.skipIf(trouble !== null)(
    `carries extended attributes${trouble === null ? "" : ` (skipped: ${trouble})`}`,
    async () => {
      const { home, data } = makeHome();
      mkdirSync(join(data, "folder"));
      for (const name of ["linked", "copied", "folder"]) {
        if (name !== "folder") writeFileSync(join(data, name), "");
        setXattr(join(data, name), { name: "user.note", value: Buffer.from([0xff, 0, 0x0a]) });
      }
      const tree = await freeze(home, { globs: { immutable: ["linked"] } });
      const [, ...entries] = await entriesOf(tree);
      expect(entries.map((e) => [pathOf(e), (e.xattrs ?? []).map((x) => [x.name, Buffer.from(x.value)])])).toEqual(
        ["copied", "folder", "linked"].map((name) => [`data/${name}`, [["user.note", Buffer.from([0xff, 0, 0x0a])]]]),
      );
      await tree.release();
    },
  );

  it("takes several roots, in the order of their names", async () => {
    const { home, data } = makeHome();
    mkdirSync(join(home, "wal"));
    writeFileSync(join(home, "wal/w"), "w");
    writeFileSync(join(data, "d"), "d");
    const roots = [
      { name: "wal", path: join(home, "wal") },
      { name: "a-data", path: data },
    ];
    const tree = await freeze(home, { roots });
    expect((await entriesOf(tree)).map(pathOf)).toEqual(["a-data", "a-data/d", "wal", "wal/w"]);
    expect(tree.roots.map(({ name }) => name)).toEqual(["a-data", "wal"]);
    await tree.release();
  });

  it("reads a folder again that changed in the very tick in which it was read", async () => {
    const { home, data } = makeHome();
    for (let i = 0; i < 20; i += 1) writeFileSync(join(data, `f${i}`), "");
    const prepared = await prepareFreeze(freezeOptions(home, { globs: { immutable: ["*"] } }));
    const before = lstatSync(data, { bigint: true });
    writeFileSync(join(data, "late"), "");
    // The folder's time as it was: a change that its times do not show.
    execFileSync("touch", [
      "-d",
      `@${before.mtimeNs / 1_000_000_000n}.${String(before.mtimeNs % 1_000_000_000n).padStart(9, "0")}`,
      data,
    ]);
    const tree = await prepared.capture();
    expect((await entriesOf(tree)).map(pathOf)).toContain("data/late");
    await tree.release();
  });

  it("that somebody removes while it is made fails the freeze, and is no tree without files", async () => {
    const { home, data } = makeHome();
    mkdirSync(join(data, "sub"));
    for (const name of ["a", "b", "sub/c"]) writeFileSync(join(data, name), name);
    const node = puppet({ onStop: () => rmSync(join(home, ".coldkeep-freeze"), { recursive: true }) });
    const attempt = freeze(home, { control: controlOf(node.manager), globs: { immutable: ["b"] } });
    await expect(attempt).rejects.toThrow(/ENOENT/);
    expect(node.calls).toEqual(["stop", "start"]);
  });

  it("counts the names of one file once", async () => {
    const { home, data } = makeHome();
    mkdirSync(join(data, "z"));
    writeFileSync(join(data, "a"), "12345");
    writeFileSync(join(data, "b"), "1");
    linkSync(join(data, "a"), join(data, "z/a"));
    const tree = await freeze(home);
    const files = (await entriesOf(tree)).filter(({ type }) => type === "file");
    expect(tree.figures).toMatchObject({ files: files.length, bytes: 6 });
    await tree.release();
  });

  it("of files that may not be linked is made of copies", async () => {
    const { home, data } = makeHome();
    writeFileSync(join(data, "a"), "content");
    let immutable = false;
    try {
      execFileSync("chattr", ["+i", join(data, "a")], { stdio: "ignore" });
      immutable = true;
    } catch {
      // No right, or a file system without the flag: then the tree is made of a link.
    }
    try {
      const tree = await freeze(home, { globs: { immutable: ["*"] } });
      const entry = (await entriesOf(tree))[1];
      expect(entry).toMatchObject({ mutability: "immutable", size: 7 });
      expect(frozenBytes(entry).toString("latin1")).toBe("content");
      expect(tree.figures.linked).toBe(immutable ? 0 : 1);
      await tree.release();
    } finally {
      if (immutable) execFileSync("chattr", ["-i", join(data, "a")]);
    }
  });

  it("needs no right to write in the node's folders", async () => {
    const { home, data } = makeHome();
    mkdirSync(join(data, "sub"));
    writeFileSync(join(data, "sub/a"), "a");
    chmodSync(join(data, "sub"), 0o555);
    chmodSync(data, 0o555);
    try {
      const tree = await freeze(home, { globs: { immutable: ["**"] } });
      expect((await entriesOf(tree)).map((e) => [pathOf(e), e.mode])).toEqual([
        ["data", 0o555],
        ["data/sub", 0o555],
        ["data/sub/a", 0o644],
      ]);
      await tree.release();
    } finally {
      chmodSync(data, 0o755);
      chmodSync(join(data, "sub"), 0o755);
    }
  });
});

describe("the order of entries", () => {
  it("is the one of the manifest", () => {
    const path = fc.array(fc.constantFrom("a", "b", "/", ".", "-", "\xff", "\n"), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(path, path, (a, b) => {
        const [x, y] = [a.join(""), b.join("")];
        const wanted = Math.sign(sealedOrder(Buffer.from(x, "latin1"), Buffer.from(y, "latin1")));
        expect(comparePaths(x, y)).toBe(wanted);
      }),
    );
  });
});

describe("a set of inodes", () => {
  it("holds what was put in, and nothing else", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.maxSafeInteger().map((n) => Math.abs(n) + 1),
          { maxLength: 3000 },
        ),
        fc.array(fc.nat()),
        (added, others) => {
          const set = makeInodeSet();
          for (const ino of added) set.add(ino);
          const model = new Set(added);
          expect(set.size).toBe(model.size);
          for (const ino of [...added, ...others]) expect(set.has(ino)).toBe(model.has(ino));
        },
      ),
      { numRuns: 30 },
    );
  });
});
