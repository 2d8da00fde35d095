import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crc32c } from "../../../agent/exchange/crc32c.ts";
import { parseMetaFile, renderMetaFile } from "../../../agent/exchange/meta-file.ts";

describe("CRC-32C", () => {
  it("is RFC 3720's (B.4), whole or in pieces", () => {
    for (const [bytes, crc] of [
      [Buffer.alloc(32), 0x8a9136aa],
      [Buffer.alloc(32, 0xff), 0x62a8ab43],
      [Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
      [Buffer.from("123456789"), 0xe3069283],
    ] as const) {
      expect(crc32c(bytes)).toBe(crc);
      for (let at = 0; at <= bytes.length; at += 1)
        expect(crc32c(bytes.subarray(at), crc32c(bytes.subarray(0, at)))).toBe(crc);
    }
  });
});

/** As RocksDB 7.8 wrote it. */
const WRITTEN = `1795866266
5
3
shared_checksum/000028_sJDTKC9S8APPB784B5I4D_1029.sst crc32 1372105864
private/1/MANIFEST-000037 crc32 1857101508
private/1/CURRENT crc32 1393830465
`;

describe("a meta file of BackupEngine", () => {
  it.each([
    // `npm run torture -- --campaign hostile`, first round of seed 1
    ["a file that is its own folder", WRITTEN.replace("private/1/CURRENT", "shared/.").replace("\n3\n", "\n4\n")],
    ["a time that is no date", WRITTEN.replace("1795866266", "9007199254740991")],
  ])("%s is refused", (_, text) => {
    expect(() => parseMetaFile(`${text}private/1/CURRENT crc32 1\n`, "1")).toThrow(/cannot be read/);
  });

  it("of each version is read: names as the database has them", () => {
    expect(parseMetaFile(WRITTEN, "1")).toEqual({
      timestamp: 1795866266,
      sequence: "5",
      metadata: null,
      files: [
        {
          path: "shared_checksum/000028_sJDTKC9S8APPB784B5I4D_1029.sst",
          name: "000028.sst",
          crc: 1372105864,
          size: null,
        },
        { path: "private/1/MANIFEST-000037", name: "MANIFEST-000037", crc: 1857101508, size: null },
        { path: "private/1/CURRENT", name: "CURRENT", crc: 1393830465, size: null },
      ],
    });
    const newer = `schema_version 2.1\n7\n8\nmetadata 6869\n2\nshared/000012.sst size 5\nprivate/2/CURRENT crc32 1 size 16\n`;
    expect(parseMetaFile(newer, "2")).toMatchObject({
      metadata: Buffer.from("hi"),
      files: [
        { name: "000012.sst", crc: null, size: 5 },
        { name: "CURRENT", crc: 1, size: 16 },
      ],
    });
    expect(
      parseMetaFile("1\n2\n2\nshared_checksum/7_99_1029.sst crc32 9\nprivate/1/CURRENT crc32 1\n", "3").files[0]?.name,
    ).toBe("7.sst");
  });

  it("is written as it is read", () => {
    expect(renderMetaFile(parseMetaFile(WRITTEN, "1"))).toBe(WRITTEN);
    const told = WRITTEN.replace("\n3\n", "\nmetadata 00FF\n3\n");
    expect(renderMetaFile(parseMetaFile(told, "1"))).toBe(told);
  });

  it("that says anything else is refused, and never leads out of its folder", () => {
    for (const text of [
      "",
      "x",
      WRITTEN.replace("\n3\n", "\n4\n"),
      WRITTEN.replace("1372105864", "4294967296"),
      WRITTEN.replace("1372105864", "-1"),
      WRITTEN.replace("private/1/CURRENT", "private/1/CURRENT2"),
      WRITTEN.replace("private/1/MANIFEST-000037", "private/1/CURRENT"),
      WRITTEN.replace("private/1/MANIFEST-000037", "/etc/passwd"),
      WRITTEN.replace("private/1/MANIFEST-000037", "shared/.."),
      WRITTEN.replace("private/1/MANIFEST-000037", "private/1/a/b"),
    ]) {
      expect(() => parseMetaFile(text, "meta/1"), text).toThrow(/meta\/1: line \d+: /);
    }
    fc.assert(
      fc.property(fc.string(), (path) => {
        try {
          for (const file of parseMetaFile(WRITTEN.replace("private/1/MANIFEST-000037", path), "1").files) {
            expect(file.path).toMatch(/^(private\/\d+|shared|shared_checksum)\/[^/]+$/);
            expect(file.name).toMatch(/^[^/]+$/);
          }
        } catch (error) {
          expect(error).toMatchObject({ kind: "integrity" });
        }
      }),
    );
  });
});
