import fc from "fast-check";
import { expect, it } from "vitest";
import { readByteName, showByteName } from "../../../agent/browse/index.ts";

it("shows any bytes without a control character, and takes them back", () => {
  const pieces = fc.oneof(
    fc.uint8Array({ maxLength: 12 }),
    fc.string({ unit: "grapheme", maxLength: 12 }).map((text) => new Uint8Array(Buffer.from(text))),
    fc.constantFrom("\\", "\\x41", "\u202e", "\u001b[2J", "\n").map((text) => new Uint8Array(Buffer.from(text))),
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 4 }), (parts) => {
      const name = Buffer.concat(parts);
      const shown = showByteName(name);
      expect(shown).not.toMatch(/\p{Cc}|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u);
      expect(shown).not.toContain("\ufffd".repeat(2));
      expect(Buffer.from(readByteName(shown)).equals(name)).toBe(true);
    }),
  );
});

it.each([
  ["plain.ldb", "plain.ldb"],
  ["grüße 節點", "grüße 節點"],
  ["a\\b", "a\\\\b"],
  ["bell\u0007", "bell\\x07"],
  ["evil\u202egnp.exe", "evil\\xe2\\x80\\xaegnp.exe"],
])("shows %j as %s", (name, shown) => {
  expect(showByteName(Buffer.from(name))).toBe(shown);
});

it("shows what is cut off in the middle of a character byte by byte", () => {
  expect(showByteName(Buffer.from([0x61, 0xe7, 0xaf]))).toBe("a\\xe7\\xaf");
});

it.each(["a\\", "a\\n", "\\x4", "\\xgg"])("refuses %s, which means nothing", (text) => {
  expect(() => readByteName(text)).toThrow(/a backslash in a path begins an escape/);
});
