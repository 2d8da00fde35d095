import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assertSafePath, comparePaths } from "../../../vault/sealed/index.ts";
import { refusal } from "./fixtures.ts";

// A small alphabet around the separator finds what a large one would miss: "!" and "." sort before "/", "0" after it.
const name = fc.array(fc.constantFrom(0x01, 0x21, 0x2e, 0x30, 0x61, 0xff), { minLength: 1, maxLength: 3 });
const path = fc
  .array(name, { minLength: 1, maxLength: 4 })
  .map((parts) => Buffer.from(parts.flatMap((part, i) => (i === 0 ? part : [0x2f, ...part]))));
const componentsOf = (bytes: Buffer) => bytes.toString("latin1").split("/");

describe("the order of paths", () => {
  it("is total: antisymmetric, transitive, equal for equal bytes only", () => {
    fc.assert(
      fc.property(path, path, path, (a, b, c) => {
        expect(Math.sign(comparePaths(a, b)) + Math.sign(comparePaths(b, a))).toBe(0);
        expect(comparePaths(a, b) === 0).toBe(a.equals(b));
        const [x, y, z] = [a, b, c].sort(comparePaths);
        if (x === undefined || y === undefined || z === undefined) throw new Error("three went in");
        expect(comparePaths(x, y)).toBeLessThanOrEqual(0);
        expect(comparePaths(y, z)).toBeLessThanOrEqual(0);
        expect(comparePaths(x, z)).toBeLessThanOrEqual(0);
      }),
      { numRuns: 2000 },
    );
  });

  it("is that of components one after the other", () => {
    const byComponents = (a: Buffer, b: Buffer): number => {
      const [x, y] = [componentsOf(a), componentsOf(b)];
      for (let i = 0; i < Math.min(x.length, y.length); i++) {
        const order = Buffer.compare(Buffer.from(x[i] ?? "", "latin1"), Buffer.from(y[i] ?? "", "latin1"));
        if (order !== 0) return order;
      }
      return x.length - y.length;
    };
    fc.assert(
      fc.property(path, path, (a, b) => {
        expect(Math.sign(comparePaths(a, b))).toBe(Math.sign(byComponents(a, b)));
      }),
      { numRuns: 2000 },
    );
  });

  it("is that of a walk through the tree: a directory, then all it contains, then the next", () => {
    fc.assert(
      fc.property(fc.array(path, { maxLength: 30 }), (paths) => {
        const all = new Set(
          paths.flatMap((p) => componentsOf(p).map((_, i, parts) => parts.slice(0, i + 1).join("/"))),
        );
        const walk = (folder: string): string[] => {
          const prefix = folder === "" ? "" : `${folder}/`;
          const children = [...all].filter((p) => p.startsWith(prefix) && !p.slice(prefix.length).includes("/"));
          const sorted = children.filter((p) => p !== folder).sort((a, b) => (a < b ? -1 : 1));
          return sorted.flatMap((child) => [child, ...walk(child)]);
        };
        const sorted = [...all].map((p) => Buffer.from(p, "latin1")).sort(comparePaths);
        expect(sorted.map((p) => p.toString("latin1"))).toEqual(walk(""));
      }),
      { numRuns: 200 },
    );
  });

  it("puts a folder's content before a sibling that only begins with its name", () => {
    const sorted = ["db-old", "db/x", "db", "db.bak", "db/x/y"].map((p) => Buffer.from(p)).sort(comparePaths);
    expect(sorted.map(String)).toEqual(["db", "db/x", "db/x/y", "db-old", "db.bak"]);
  });
});

describe("a path that could leave its folder, or be no path at all, is refused", () => {
  it.each([
    "",
    "/",
    "/etc/passwd",
    "a//b",
    "a/",
    ".",
    "..",
    "../a",
    "a/..",
    "a/../b",
    "a/./b",
    "a\0b",
    "\0",
    "x".repeat(256),
    `a/${"x".repeat(256)}/b`,
    `${"a/".repeat(2048)}a`,
  ])("%j", (text) => {
    refusal(() => assertSafePath(Buffer.from(text)));
  });

  it.each(["a", "...", "..a", "a..", ".a", "a/b/c", "a b", "ä", "x".repeat(255), " ", "a\\..\\b"])(
    "%j is fine",
    (text) => {
      assertSafePath(Buffer.from(text));
    },
  );
});
