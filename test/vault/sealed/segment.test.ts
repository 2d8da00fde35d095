import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeSnapshotId, type SnapshotId } from "../../../vault/names/index.ts";
import {
  comparePaths,
  EntryOrder,
  type EntryPiece,
  MAX_PIECES,
  type ManifestEntry,
  parseSegment,
  parseSegmentAgain,
  SegmentWriter,
  splitEntry,
} from "../../../vault/sealed/index.ts";
import { refusal } from "./fixtures.ts";

const origins = [1, 2, 3].map((n) => makeSnapshotId(Date.UTC(2026, 0, n), new Uint8Array(8).fill(n)));
const [first] = origins as [SnapshotId];
const bytes = (text: string) => new TextEncoder().encode(text);

const file = (path: string | Uint8Array, pieces: readonly EntryPiece[] = [], more: Partial<ManifestEntry> = {}) => ({
  path: typeof path === "string" ? bytes(path) : path,
  type: "file" as const,
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: { seconds: 1, nanoseconds: 2 },
  size: pieces.reduce((sum, p) => sum + ("hole" in p ? p.hole : p.plain), 0),
  pieces,
  ...more,
});
const chunk = (plain: number, more: object = {}): EntryPiece => ({
  origin: first,
  pack: 1,
  frame: 2,
  offset: 96,
  stored: plain + 16,
  plain,
  codec: 0,
  id: new Uint8Array(32).fill(7),
  ...more,
});
const segmentOf = (...entries: ManifestEntry[]) => {
  const writer = new SegmentWriter();
  for (const entry of entries) writer.add(entry);
  return writer.finish();
};
const linesOf = (segment: Uint8Array) => Buffer.from(segment).toString("utf8").split("\n");
const parse = (segment: Uint8Array, order?: EntryOrder) => [...parseSegment(segment, order)];

const name = fc
  .uint8Array({ minLength: 1, maxLength: 6 })
  .map((part) => part.map((byte) => (byte === 0 || byte === 0x2f || byte === 0x2e ? 0x61 : byte)));
const piece: fc.Arbitrary<EntryPiece> = fc.oneof(
  fc.record({ hole: fc.integer({ min: 1, max: 2 ** 40 }) }),
  fc
    .tuple(
      fc.constantFrom(...origins),
      fc.nat(99_999),
      fc.nat(2 ** 24 - 1),
      fc.nat(2 ** 30),
      fc.integer({ min: 1, max: 2 ** 24 }),
    )
    .map(([origin, pack, frame, at, plain]) => chunk(plain, { origin, pack, frame, offset: at + 96 })),
);
const mtime = fc.record({ seconds: fc.integer(), nanoseconds: fc.nat(999_999_999) });
const entry = fc
  .tuple(fc.array(name, { minLength: 1, maxLength: 4 }), fc.constantFrom("file", "directory", "symlink"), mtime)
  .chain(([parts, type, time]) =>
    fc
      .record({
        pieces: fc.array(piece, { maxLength: 4 }),
        owner: fc.tuple(fc.nat(0xffff_ffff), fc.nat(0xffff_ffff)),
        mode: fc.nat(0o7777),
        target: fc.uint8Array({ minLength: 1, maxLength: 9 }).map((t) => t.map((byte) => byte || 1)),
        xattrs: fc.uniqueArray(fc.tuple(fc.stringMatching(/^user\.[a-z]{1,4}$/), fc.uint8Array({ maxLength: 9 })), {
          selector: ([key]) => key,
          maxLength: 3,
        }),
        secret: fc.boolean(),
      })
      .map((o): ManifestEntry => {
        const path = Uint8Array.from(parts.flatMap((part, i) => (i === 0 ? [...part] : [0x2f, ...part])));
        const sorted = o.xattrs.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => ({ name: key, value }));
        return {
          ...file(path, type === "file" ? o.pieces : []),
          type,
          mode: o.mode,
          uid: o.owner[0],
          gid: o.owner[1],
          mtime: time,
          ...(type === "symlink" ? { target: o.target } : {}),
          ...(sorted.length === 0 ? {} : { xattrs: sorted }),
          ...(o.secret ? { secret: true as const } : {}),
        };
      }),
  );

describe("a segment", () => {
  it("gives back its entries, whatever bytes their names are made of", () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 12 }), (entries) => {
        const sorted = entries
          .sort((a, b) => comparePaths(a.path, b.path))
          .filter((e, i) => i === 0 || comparePaths(entries[i - 1]?.path ?? e.path, e.path) !== 0);
        expect(parse(segmentOf(...sorted))).toEqual(sorted);
        expect([...parseSegmentAgain(segmentOf(...sorted))]).toEqual(sorted);
      }),
      { numRuns: 150 },
    );
  });

  it("is the same bytes for the same entries, so that an unchanged one is stored once", () => {
    const make = () => segmentOf(file("a", [chunk(10)]), file("b", [chunk(11, { origin: origins[2] })]));
    expect(make()).toEqual(make());
  });

  it("writes UTF-8 as text and anything else as base64url, and refuses the other way round", () => {
    const lines = linesOf(segmentOf(file("ä\n\u0001"), file(Uint8Array.of(0xff, 0xfe))));
    expect(lines[1]).toContain('"path":"ä\\n\\u0001"');
    expect(lines[2]).toContain('"path_raw":"__4"');
    const asRaw = lines
      .join("\n")
      .replace('"path_raw":"__4"', `"path_raw":"${Buffer.from("zz").toString("base64url")}"`);
    refusal(() => parse(bytes(asRaw)));
  });

  it("ends at a path that the path chooses after 256 entries, at 4,096 entries, or at 2 MiB", () => {
    const lengths = (count: number, makeEntry: (i: number) => ManifestEntry) => {
      const found: number[] = [];
      let writer = new SegmentWriter();
      for (let i = 0; i < count; i++) {
        writer.add(makeEntry(i));
        if (writer.ends) {
          found.push(writer.entries);
          writer = new SegmentWriter();
        }
      }
      return found;
    };
    const path = (i: number) => String(i).padStart(6, "0");
    const ordinary = lengths(3000, (i) => file(path(i)));
    expect(Math.min(...ordinary)).toBeGreaterThanOrEqual(256);
    expect(Math.max(...ordinary)).toBeLessThan(600);
    // One entry more in front moves one border at most: the later segments stay as they were.
    const borders = (skip: number) => {
      let writer = new SegmentWriter();
      const found: number[] = [];
      for (let i = skip; i < 3000; i++) {
        writer.add(file(path(i)));
        if (writer.ends) {
          found.push(i);
          writer = new SegmentWriter();
        }
      }
      return found;
    };
    expect(borders(0).slice(-3)).toEqual(borders(1).slice(-3));
    const large = Array.from({ length: 1000 }, () => ({ hole: 2 ** 50 - 1 }));
    expect(lengths(200, (i) => file(path(i), [], { pieces: large.slice(0, 5), size: 5 * (2 ** 50 - 1) }))).toEqual([]);
    const heavy = lengths(30, (i) =>
      file(
        path(i),
        Array.from({ length: 1500 }, () => chunk(1000)),
      ),
    );
    expect(heavy[0]).toBeLessThan(30);
  });
});

describe("a file of more pieces than an entry holds", () => {
  const pieces = Array.from({ length: MAX_PIECES * 2 + 3 }, (_, i) => ({ hole: 1 + (i % 3) }));
  const whole = { ...file("big", pieces), xattrs: [{ name: "user.a", value: bytes("1") }] };

  it("goes on in entries of the same path, and comes back in order", () => {
    const parts = [...splitEntry(whole)];
    expect(parts.length).toBe(3);
    expect(parts.map((part) => part.pieces.length)).toEqual([MAX_PIECES, MAX_PIECES, 3]);
    expect(parts.map((part) => part.xattrs === undefined)).toEqual([false, true, true]);
    const order = new EntryOrder();
    const found = parts.flatMap((part) => parse(segmentOf(part), order));
    order.end();
    expect(found.flatMap((part) => part.pieces)).toEqual(pieces);
    expect([...splitEntry(file("small", [{ hole: 3 }]))].length).toBe(1);
  });

  it("is refused whole, and without its beginning, middle or end", () => {
    refusal(() => segmentOf(whole));
    const [a, b, c] = [...splitEntry(whole)] as [ManifestEntry, ManifestEntry, ManifestEntry];
    const follow = (...parts: ManifestEntry[]) => {
      const order = new EntryOrder();
      for (const part of parts) order.next(part);
      order.end();
    };
    follow(a, b, c, file("c"));
    refusal(() => follow(b, c));
    refusal(() => follow(a, c));
    refusal(() => follow(a, b));
    refusal(() => follow(a, b, file("c")));
    refusal(() => follow(a, b, b));
    refusal(() => follow(a, { ...b, mode: 0 }, c));
    refusal(() => follow(a, { ...b, size: b.size + 1 }, c));
  });
});

describe("a hostile segment is refused", () => {
  const good = segmentOf(file("a", [chunk(10), { hole: 5 }]), file("b"));
  const replace = (from: string | RegExp, to: string) => bytes(linesOf(good).join("\n").replace(from, to));

  it("and the one they are made of is not", () => {
    expect(parse(good).length).toBe(2);
  });

  it.each<[string, string | RegExp, string]>([
    ["a path upwards", '"path":"a"', '"path":".."'],
    ["an absolute path", '"path":"a"', '"path":"/a"'],
    ["a path twice", '"path":"a"', '"path":"b"'],
    ["entries out of order", '"path":"a"', '"path":"c"'],
    ["an unknown type", '"type":"file"', '"type":"device"'],
    ["an unknown field", '"gid":0', '"gid":0,"go":1'],
    ["a missing field", '"gid":0,', ""],
    ["a mode out of bounds", '"mode":420', '"mode":4096'],
    ["a negative owner", '"uid":0', '"uid":-1'],
    ["a size that the pieces do not make", '"size":15', '"size":16'],
    ["a size beyond all integers", '"size":15', '"size":9007199254740993'],
    ["a fraction", '"size":15', '"size":15.5'],
    ["a piece of no length", ",5]", ",0]"],
    ["a negative hole", ",5]", ",-5]"],
    ["an origin that is not named", "[0,1,2,96", "[1,1,2,96"],
    ["a negative origin", "[0,1,2,96", "[-1,1,2,96"],
    ["a pack out of bounds", "[0,1,2,96", "[0,100000,2,96"],
    ["a frame inside the header", "[0,1,2,96", "[0,1,2,95"],
    ["a codec that is none", ',10,0,"', ',10,2,"'],
    ["a chunk id of another length", /"BwcH[^"]*"/, '"BwcH"'],
    ["an origin that is no snapshot id", String(first), "../../etc"],
    ["spaces", '"gid":0', '"gid": 0'],
    ["a key twice", '"gid":0', '"gid":0,"gid":0'],
    ["a prototype", '{"gid":0', '{"__proto__":{},"gid":0'],
    ["a first line that is missing", /^.*\n/, ""],
    ["a last line without an end", /\n$/, ""],
    ["an empty line", /\n/, "\n\n"],
  ])("%s", (_, from, to) => {
    const changed = replace(from, to);
    expect(Buffer.from(changed)).not.toEqual(Buffer.from(good));
    refusal(() => parse(changed));
  });

  it("with links that point nowhere allowed", () => {
    const link = (type: "symlink" | "hardlink", target?: string): ManifestEntry => ({
      ...file("m"),
      type,
      ...(target === undefined ? {} : { target: bytes(target) }),
    });
    expect(parse(segmentOf(link("symlink", "../anything goes: it is text"))).length).toBe(1);
    expect(parse(segmentOf(link("hardlink", "a"))).length).toBe(1);
    for (const target of ["../a", "/a", "m", "z", "", "a\0"]) refusal(() => segmentOf(link("hardlink", target)));
    refusal(() => segmentOf(link("symlink", "")));
    refusal(() => segmentOf(link("symlink", "a\0b")));
    refusal(() => segmentOf(link("symlink")));
    refusal(() => segmentOf({ ...file("m"), target: bytes("a") }));
    refusal(() => segmentOf({ ...file("m"), type: "directory", pieces: [{ hole: 1 }], size: 1 }));
  });

  it("with attributes out of order, twice, or without end", () => {
    const value = bytes("v");
    const withAttributes = (...list: string[]) => ({ ...file("m"), xattrs: list.map((key) => ({ name: key, value })) });
    expect(parse(segmentOf(withAttributes("user.a", "user.b"))).length).toBe(1);
    refusal(() => segmentOf(withAttributes("user.b", "user.a")));
    refusal(() => segmentOf(withAttributes("user.a", "user.a")));
    refusal(() => segmentOf(withAttributes()));
    refusal(() => segmentOf({ ...file("m"), xattrs: [{ name: "user.a", value: new Uint8Array(65_537) }] }));
  });

  it("with more entries than a segment has", () => {
    const line = linesOf(segmentOf(file("a")))[1] ?? "";
    const many = Array.from({ length: 4097 }, (_, i) => line.replace('"a"', `"${String(i).padStart(5, "0")}"`));
    refusal(() => parse(bytes(`{"origins":[]}\n${many.join("\n")}\n`)));
  });
});
