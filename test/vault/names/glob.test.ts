import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileGlobs, type GlobOrigin } from "../../../vault/names/index.ts";

const latin1 = (path: string | Uint8Array) => Buffer.from(path as string).toString("latin1");
const matches = (pattern: string, path: string | Uint8Array) => compileGlobs([pattern], "usage")(latin1(path));

describe("globs over paths", () => {
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
    ["data/[a-a]", "data/a", true],
    ["data/[a-a]", "data/-", false],
    ["data/[a-]", "data/-", true],
    ["data/[a-]", "data/b", false],
    ["data/[--0]", "data/.", true],
    ["data/[!a-a]", "data/-", true],
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
    expect(matches("data/?", Buffer.from("data/\xff", "latin1"))).toBe(true);
    expect(matches("data/*", Buffer.from("data/\xff\xfe", "latin1"))).toBe(true);
    expect(matches("f?r", Buffer.from("f\xffr", "latin1"))).toBe(true);
    expect(matches("f??r", "für")).toBe(false);
  });

  it.each(["", "/", "data/[a", "data/x\\", "data/[z-a]", "data/[ä]", "a\0b"])(
    "refuses %j, as whose mistake it is",
    (bad) => {
      for (const origin of ["config", "usage"] satisfies GlobOrigin[]) {
        const compile = () => compileGlobs(["fine", bad], origin);
        expect(compile).toThrow(`cannot read a pattern: ${JSON.stringify(bad)}`);
        expect(compile).toThrow(expect.objectContaining({ kind: origin }));
      }
    },
  );

  it("several match what one of them does, none match nothing", () => {
    const is = compileGlobs(["a", "b/*.x"], "config");
    expect(["a", "z/a", "b/1.x", "b/1.y", "c"].map(is)).toEqual([true, true, true, false, false]);
    expect(compileGlobs([], "config")("a")).toBe(false);
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
});
