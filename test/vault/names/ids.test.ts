import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  fromBase64url,
  isNodeName,
  isSnapshotId,
  isVaultId,
  makeSnapshotId,
  makeVaultId,
  names,
  parseSnapshotId,
  toBase64url,
  toHex,
  toNodeName,
  toSnapshotId,
} from "../../../vault/names/index.ts";

const random8 = fc.uint8Array({ minLength: 8, maxLength: 8 });

describe("a snapshot id", () => {
  it("gives back the time in seconds, the height and the random part it was made of", () => {
    const seconds = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) / 1000 });
    const height = fc.option(fc.maxSafeNat(), { nil: undefined });
    fc.assert(
      fc.property(seconds, fc.nat(999), height, random8, (s, ms, h, random) => {
        const id = makeSnapshotId(s * 1000 + ms, random, h);
        expect(isSnapshotId(id)).toBe(true);
        const expected = { time: s * 1000, random: toHex(random), ...(h === undefined ? {} : { height: h }) };
        expect(parseSnapshotId(id)).toEqual(expected);
      }),
    );
  });

  it("sorts as text in the order of time", () => {
    fc.assert(
      fc.property(fc.nat(2 ** 31), fc.nat(2 ** 31), (a, b) => {
        const [x, y] = [a, b].map((s) => makeSnapshotId(s * 1000, new Uint8Array(8)));
        if (a !== b) expect((x ?? "") < (y ?? "")).toBe(a < b);
      }),
    );
  });

  it.each([
    "",
    "latest",
    "20260115T000000Z",
    "20260115T000000Z-0123456789ABCDEF",
    "20260115T000000Z-0123456789abcde",
    "20260115T000000Z-0123456789abcdef0",
    "20260115T000000Z-bh-0123456789abcdef",
    "20260115T000000Z-bh01-0123456789abcdef",
    "20260115T000000Z-bh-1-0123456789abcdef",
    "20261315T000000Z-0123456789abcdef",
    "20260230T000000Z-0123456789abcdef",
    "20260115T250000Z-0123456789abcdef",
    "20260115T240000Z-0123456789abcdef",
    "20260115T000000Z-bh9999999999999999-0123456789abcdef",
    "../20260115T000000Z-0123456789abcdef",
    "20260115T000000Z-0123456789abcdef/..",
    "20260115T000000Z-0123456789abcdef\n",
  ])("is not %j", (text) => {
    expect(isSnapshotId(text)).toBe(false);
    expect(() => toSnapshotId(text)).toThrow(/not a snapshot id/);
  });

  it("is made of 8 random bytes and a height that is a whole number", () => {
    expect(() => makeSnapshotId(0, new Uint8Array(7))).toThrow(RangeError);
    expect(() => makeSnapshotId(0, new Uint8Array(8), -1)).toThrow(RangeError);
    expect(() => makeSnapshotId(0, new Uint8Array(8), 0.5)).toThrow(RangeError);
    expect(() => makeSnapshotId(Date.UTC(10_000, 0, 1), new Uint8Array(8))).toThrow(RangeError);
  });
});

describe("a node's name", () => {
  it.each(["a", "icon-main.1", "n0", "x".repeat(63)])("may be %j", (name) => {
    expect(toNodeName(name)).toBe(name);
  });

  it.each([
    "",
    ".",
    "..",
    "a..b",
    "-a",
    "a-",
    ".a",
    "A",
    "a/b",
    "a\\b",
    "a b",
    "ä",
    "a\n",
    "x".repeat(64),
    "groups",
    "tickets",
    "vault.json",
  ])("is not %j", (name) => {
    expect(isNodeName(name)).toBe(false);
    expect(() => toNodeName(name)).toThrow(/not a node name/);
  });
});

describe("names of objects", () => {
  const node = toNodeName("n");
  const id = makeSnapshotId(0, new Uint8Array(8));

  it("lie below their own node, whatever is put in", () => {
    const all = [
      names.nodeJson(node),
      names.headJson(node),
      names.indexJson(node),
      names.indexMonth(node, "2026-01"),
      names.backupList(node),
      names.begin(node, id),
      names.keyJson(node, id),
      names.manifest(node, id),
      names.pack(node, id, 0),
      names.packList(node, id, 0),
      names.card(node, id),
      names.expired(node, id, 1),
      names.fate(node, id, 1),
      names.proof(node, id, "20260101T000000Z"),
      names.pin(node, id, "0011"),
      names.share(node, "ticket"),
    ];
    expect(new Set(all).size).toBe(all.length);
    for (const name of all) expect(name).toMatch(/^n\/[a-z0-9A-Z_./-]+$/);
  });

  it("that belong to no node lie below words that cannot name one", () => {
    const all = [names.VAULT_JSON, names.REVOKED_TICKETS, names.groupJson("g", "id"), names.groupDown("g", "slot")];
    for (const name of all) expect(isNodeName(name.split("/")[0] ?? "")).toBe(false);
  });

  it("of packs and lists are numbered so that they sort", () => {
    expect(names.pack(node, id, 7)).toBe(`n/data/${id}/00007.pack`);
    expect(names.packName(99_999)).toBe("99999.pack");
    expect(names.packList(node, id, 12)).toBe(`n/data/${id}/packs-0012.json`);
    for (const number of [-1, 0.5, 100_000, Number.NaN]) expect(() => names.packName(number)).toThrow(RangeError);
    expect(() => names.packListName(10_000)).toThrow(RangeError);
  });
});

describe("base64url", () => {
  it("has one spelling for each bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
        const text = toBase64url(bytes);
        expect(text).toMatch(/^[A-Za-z0-9_-]*$/);
        expect(fromBase64url(text, bytes.length)).toEqual(bytes);
        expect(fromBase64url(text, bytes.length + 1)).toBeNull();
        expect(fromBase64url(`${text}=`)).toBeNull();
      }),
    );
    // The last character's spare bits must be zero.
    for (const text of ["AB", "AAB", "A", "A A", "AA\n", "+/+/", "AA=="]) expect(fromBase64url(text)).toBeNull();
  });

  it("of a vault id is 16 bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        expect(isVaultId(makeVaultId(bytes))).toBe(true);
      }),
    );
    expect(isVaultId("AAAAAAAAAAAAAAAAAAAAAB")).toBe(false);
    expect(isVaultId("AAAAAAAAAAAAAAAAAAAAA")).toBe(false);
    expect(() => makeVaultId(new Uint8Array(15))).toThrow(RangeError);
  });
});
