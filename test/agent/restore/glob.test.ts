import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BytePath, fromBytes, fromText } from "../../../agent/restore/byte-path.ts";
import { compileGlob, makeSelection } from "../../../agent/restore/glob.ts";

const matches = (pattern: string, path: string) => compileGlob(pattern)(fromText(path));

describe("globs over paths of a snapshot", () => {
  it.each([
    ["data/*.ldb", "data/000005.ldb", true],
    ["data/*.ldb", "data/sub/000005.ldb", false],
    ["data/**/*.ldb", "data/a/b/000005.ldb", true],
    ["data/**/*.ldb", "data/000005.ldb", true],
    ["data/**", "data/a/b", true],
    ["*.ldb", "data/a/000005.ldb", true],
    ["LOG", "data/a/LOG", true],
    ["LOG", "data/a/LOG.old", false],
    ["data/a", "data/a/b/c", true],
    ["data/a/", "data/a/b/c", true],
    ["/data/a", "data/a", true],
    ["data/a", "data/ab", false],
    ["data/?", "data/ö", true],
    ["data/??", "data/ö", false],
    ["data/[0-9]*", "data/7up", true],
    ["data/[!0-9]*", "data/7up", false],
    ["data/[!0-9]*", "data/ö7", true],
    ["data/[]]", "data/]", true],
    ["data/ö*", "data/öl", true],
    ["data/\\*", "data/*", true],
    ["data/\\*", "data/x", false],
    ["data/a.b", "data/axb", false],
    ["data/a\nb", "data/a\nb", true],
    ["**/LOG", "data/LOG", true],
    ["**/LOG", "LOG", true],
  ])("%s on %s: %s", (pattern, path, expected) => {
    expect(matches(pattern, path)).toBe(expected);
  });

  it("matches names that are not UTF-8, byte by byte", () => {
    expect(compileGlob("data/?")(fromBytes(Buffer.from([0x64, 0x61, 0x74, 0x61, 0x2f, 0xff])))).toBe(true);
    expect(compileGlob("data/*")(fromBytes(Buffer.from([0x64, 0x61, 0x74, 0x61, 0x2f, 0xff, 0xfe])))).toBe(true);
  });

  it.each(["", "/", "data/[a", "data/x\\", "data/[z-a]", "data/[ä]"])("refuses %j", (pattern) => {
    expect(() => compileGlob(pattern)).toThrow(/cannot read a pattern/);
  });

  it("takes any path, escaped, as a pattern that matches it", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1, unit: "grapheme" }), { minLength: 1, maxLength: 4 }), (names) => {
        const clean = names.map((n) => n.replace(/[/\0]/g, "_"));
        fc.pre(clean.every((n) => n.isWellFormed()));
        const path = ["data", ...clean].join("/");
        expect(matches(path.replace(/[\\*?[\]!-]/g, "\\$&"), path)).toBe(true);
      }),
    );
  });

  it("exclude wins over include", () => {
    const selects = makeSelection(["data"], ["*.log"]);
    expect(selects("data/x" as BytePath)).toBe(true);
    expect(selects("data/x.log" as BytePath)).toBe(false);
    expect(selects("other/x" as BytePath)).toBe(false);
    expect(makeSelection()("anything" as BytePath)).toBe(true);
  });
});
