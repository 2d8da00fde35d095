import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCanonical } from "../../../vault/card/index.ts";
import { makeSnapshotId } from "../../../vault/names/index.ts";
import { entryOf, entryToLine } from "../../../vault/sealed/entry.ts";
import { FileLines } from "../../../vault/sealed/file-lines.ts";
import type { ManifestEntry } from "../../../vault/sealed/types.ts";

const origins = [1, 2].map((n) => makeSnapshotId(Date.UTC(2026, 0, n), new Uint8Array(8).fill(n)));
const ascii = (text: string) => Uint8Array.from(Buffer.from(text, "latin1"));

const number = fc.oneof(fc.nat(20), fc.nat(2 ** 30));
const chunk = fc.record({
  origin: fc.constantFrom(...origins),
  pack: fc.nat(99_999),
  frame: fc.nat(2 ** 24 - 1),
  offset: fc.integer({ min: 96, max: 2 ** 30 }),
  stored: fc.integer({ min: 17, max: 1000 }),
  plain: fc.integer({ min: 1001, max: 2 ** 24 }),
  codec: fc.constant(1 as const),
  id: fc.uint8Array({ minLength: 32, maxLength: 32 }),
});
const file: fc.Arbitrary<ManifestEntry> = fc
  .record({
    path: fc.stringMatching(/^[ !#-,0-9A-[\]-~]{1,200}$/),
    pieces: fc.array(fc.oneof(chunk, fc.record({ hole: fc.integer({ min: 1, max: 2 ** 40 }) })), { maxLength: 3 }),
    numbers: fc.tuple(fc.nat(0o7777), number, number, number),
    xattrs: fc.uniqueArray(fc.stringMatching(/^user\.[a-z]{1,4}$/), { maxLength: 2 }),
    secret: fc.boolean(),
  })
  .map(({ path, pieces, numbers: [mode, uid, gid, seconds], xattrs, secret }) => ({
    path: ascii(path),
    type: "file" as const,
    mode,
    uid,
    gid,
    mtime: { seconds, nanoseconds: 5 },
    size: pieces.reduce((sum, piece) => sum + ("hole" in piece ? piece.hole : piece.plain), 0),
    pieces,
    ...(xattrs.length === 0 ? {} : { xattrs: xattrs.sort().map((name) => ({ name, value: ascii(name) })) }),
    ...(secret ? { secret: true as const } : {}),
  }));

const lineOf = (entry: ManifestEntry) => ascii(entryToLine(entry, (origin) => origins.indexOf(origin)));
const later = `${"A".repeat(42)}E`;
const plain = `{"gid":0,"mode":420,"mtime":[1,2],"path":"a","pieces":[[0,1,2,96,100,200,1,"${later}"]],"size":200,"type":"file","uid":0}`;

/** As it stands alone in a segment, between other lines. */
function read(line: Uint8Array): ManifestEntry | null {
  const bytes = Uint8Array.from([0x0a, ...line, 0x0a, ...ascii("}}]")]);
  return new FileLines(bytes, origins).read(1, 1 + line.length);
}

function bySlowWay(line: Uint8Array): ManifestEntry {
  return entryOf(parseCanonical(line, "line"), origins);
}

describe("lines of files", () => {
  it("are read as JSON would be", () => {
    fc.assert(
      fc.property(file, (entry) => {
        expect(read(lineOf(entry))).toEqual(entry);
      }),
    );
  });

  it("that go on in the middle of a file are, too", () => {
    const line = ascii(plain.replace("{", '{"from":7,'));
    expect(read(line)).toEqual(bySlowWay(line));
    expect(read(line)?.from).toBe(7);
  });

  it("with any byte changed, added or taken out are read as the strict way reads them, or left to it", () => {
    const spoilt = fc.tuple(
      file,
      fc.nat(),
      fc.constantFrom(0, 1, 2),
      fc.constantFrom(...ascii(' 0129-,[]{}"\\:.eE_a\nä')),
    );
    fc.assert(
      fc.property(spoilt, ([entry, place, taken, byte]) => {
        const line = [...lineOf(entry)];
        line.splice(place % line.length, taken, byte);
        const found = ignoringBadAttributes(() => read(Uint8Array.from(line)));
        if (found !== null) expect(found).toEqual(bySlowWay(Uint8Array.from(line)));
      }),
      { numRuns: 3000 },
    );
  });

  it.each([
    ["a number with a leading zero", plain.replace('"gid":0', '"gid":00')],
    ["a number beyond safe integers", plain.replace('"size":200', '"size":9007199254740993')],
    ["a number in other words", plain.replace('"gid":0', '"gid":0.0')],
    ["a negative number", plain.replace('"gid":0', '"gid":-1')],
    ["an escape", plain.replace('"a"', '"\\u0061"')],
    ["a control character", plain.replace('"a"', '"\u0001"')],
    ["no ASCII", plain.replace('"a"', '"\u00e4"')],
    ["another spelling of an id", plain.replace('E"', 'F"')],
    ["an id that is too short", plain.replace('AE"', 'E"')],
    ["an origin that is not named", plain.replace("[[0,", "[[9,")],
    ["a piece with a number too many", plain.replace(`,"${later}"`, `,1,"${later}"`)],
    ["a comma that nothing follows", plain.replace("]],", "],],")],
    ["members in another order", plain.replace('"gid":0,"mode":420', '"mode":420,"gid":0')],
    ["more than its members", plain.replace("}", ',"z":1}')],
    ["a part from the beginning", plain.replace("{", '{"from":0,')],
    ["what is secret in other words", plain.replace('"size"', '"secret":false,"size"')],
    ["something behind its end", `${plain} `],
    ["its end missing", plain.slice(0, -1)],
  ])("with %s are left to the strict way", (_, line) => {
    expect(read(ascii(plain))).not.toBeNull();
    expect(read(ascii(line))).toBeNull();
  });
});

/** What is wrong with attributes is told at once, as the strict way tells it. */
function ignoringBadAttributes(act: () => ManifestEntry | null): ManifestEntry | null {
  try {
    return act();
  } catch {
    return null;
  }
}
