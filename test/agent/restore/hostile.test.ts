import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { BuildOptions, Item } from "../../support/build-snapshot.ts";
import { restoreFixture } from "./fixture.ts";

/**
 * A host that holds a valid key seals whatever it likes (docs/FORMAT.md, "restore targets"). Each of these manifests is
 * sealed, MACed and signed properly; what is wrong is what it says.
 */
const TREE: readonly Item[] = [
  { path: "data" },
  { path: "data/aa", content: ["content of a"] },
  { path: "data/d" },
  { path: "data/d/bb", content: ["content of b"] },
  { path: "data/e", type: "symlink", target: "/etc" },
  { path: "data/f", type: "hardlink", target: "data/aa" },
];

type Edit = NonNullable<BuildOptions["edit"]>;
const text = (from: string, to: string): Edit => ({
  segment: (lines) => {
    if (!lines.includes(from)) throw new Error(`the segment does not hold ${from}`);
    return lines.replace(from, to);
  },
});
const totals = (change: { files?: number; bytes?: number; entries?: number }): Edit => ({
  manifest: (m) => ({ ...m, totals: { ...m.totals, ...change } }),
});

describe("a hostile manifest, sealed with the right key, is refused with nothing written", () => {
  it.each<[string, Edit, RegExp]>([
    ["an absolute path", text('"path":"data/aa"', '"path":"/etc/aa"'), /empty|absolute|path/i],
    ["a path with ..", text('"path":"data/d/bb"', '"path":"data/../bb"'), /path/i],
    ["a path with .", text('"path":"data/d/bb"', '"path":"data/./bb"'), /path/i],
    ["a path with an empty name", text('"path":"data/d/bb"', '"path":"data//bb"'), /path/i],
    ["a path with a zero byte", text('"path":"data/d/bb"', '"path":"data/d/\\u0000b"'), /path|canonical/i],
    ["a name too long", text('"path":"data/d/bb"', `"path":"data/d/${"b".repeat(256)}"`), /cannot be rest/],
    ["a path in another root", text('"path":"data/d/bb"', '"path":"other/bb"'), /order|root|directory/],
    ["a root nobody named", { manifest: (m) => ({ ...m, roots: [{ name: "logs", path: "/" }] }) }, /no root/],
    ["a duplicate", text('"path":"data/d/bb"', '"path":"data/d"'), /twice|order/],
    ["a file, then something in it", text('"path":"data/d/bb"', '"path":"data/aa/b"'), /order|directory/],
    ["something in a symlink", text('"path":"data/f"', '"path":"data/e/f"'), /not a directory/],
    ["something in a folder nobody made", text('"path":"data/f"', '"path":"data/x/f"'), /not a directory/],
    ["a hardlink out of the tree", text('"target":"data/aa"', '"target":"../../etc/passwd"'), /path|target/],
    ["a hardlink to an absolute path", text('"target":"data/aa"', '"target":"/etc/passwd"'), /path|target/],
    ["a hardlink to a folder", text('"target":"data/aa"', '"target":"data/d"'), /no file of this root/],
    ["a hardlink through a symlink", text('"target":"data/aa"', '"target":"data/e/passwd"'), /target|no file/],
    ["a hardlink to a symlink", text('"target":"data/aa"', '"target":"data/e"'), /no file of this root/],
    ["a device", text('"type":"symlink"', '"type":"device"'), /type/],
    ["more bytes than pieces", text('"size":12', '"size":13'), /pieces/],
    ["a huge size", text('"size":12', '"size":9007199254740991'), /pieces|bytes/],
    ["totals that hide entries", totals({ entries: 2 }), /promises 2 entries/],
    ["totals that hide bytes", totals({ bytes: 13 }), /promises 13 bytes/],
    ["totals that promise more", totals({ entries: 99 }), /promises 99/],
    ["a chunk past the end of its pack", { segment: moveFirstPiece(10_000_000_000) }, /bounds|cannot lie/],
    ["a chunk inside the header", { segment: moveFirstPiece(0) }, /bounds|cannot lie/],
    ["a chunk of a pack that is not listed", { segment: (s) => s.replace(/\[0,0,/, "[0,7,") }, /not listed/],
    ["a frame given two places", { segment: (s) => s.replace(/\[0,0,1,/, "[0,0,0,") }, /two places|authenticate/],
  ])("%s", async (_, edit, message) => {
    const { dir, restore } = await restoreFixture(TREE, { edit });
    await expect(restore()).rejects.toMatchObject({ kind: "integrity", message: expect.stringMatching(message) });
    expect(readdirSync(dir)).toEqual(["state"]);
  });

  it("a card that hides the packs its manifest uses", async () => {
    const { dir, restore } = await restoreFixture(TREE, { edit: { core: (core) => ({ ...core, origins: [] }) } });
    await expect(restore()).rejects.toThrow(/the card does not list them|does not fit/);
    expect(readdirSync(dir)).toEqual(["state"]);
  });

  it.each<[string, readonly Item[]]>([
    ["small", TREE],
    ["large", [{ path: "data" }, ...[1, 2].map((n) => ({ path: `data/${n}`, content: [Buffer.alloc(1 << 20, n)] }))]],
  ])("a %s frame that holds other content than its id says is caught when files are read back", async (_, tree) => {
    const swapIds = (segment: string) => {
      const ids = [...segment.matchAll(/"([A-Za-z0-9_-]{43})"\]/g)].map((m) => m[1] ?? "");
      const [first, second] = ids;
      if (first === undefined || second === undefined) throw new Error("two chunks expected");
      return segment.replace(first, "?").replace(second, first).replace("?", second);
    };
    const { dir, restore } = await restoreFixture(tree, { edit: { segment: swapIds } });
    await expect(restore()).rejects.toMatchObject({ kind: "integrity", what: /not what was backed up/ });
    expect(readdirSync(dir)).toEqual(["state"]);
  });

  it("a terabyte of hole costs neither space nor time", async () => {
    const items: Item[] = [{ path: "data" }, { path: "data/s", content: ["x", 2 ** 40] }];
    const { dir, restore } = await restoreFixture(items);
    const { bytes } = await restore();
    expect(bytes).toBe(1 + 2 ** 40);
    expect(statSync(join(dir, "out/data/s"))).toMatchObject({ size: 1 + 2 ** 40, blocks: 8 });
  });

  it("symlinks may lead anywhere, and nothing is ever written through one", async () => {
    const { dir, restore } = await restoreFixture([
      { path: "data" },
      { path: "data/a", type: "symlink", target: "../../outside" },
      { path: "data/b", content: ["b"] },
    ]);
    writeFileSync(join(dir, "outside"), "untouched");
    await restore();
    expect(readdirSync(join(dir, "out/data")).sort()).toEqual(["a", "b"]);
  });
});

/** Gives the first piece of the first file another offset. */
function moveFirstPiece(offset: number) {
  return (segment: string) => segment.replace(/\[0,0,0,\d+,/, `[0,0,0,${offset},`);
}
