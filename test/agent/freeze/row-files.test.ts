import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { FileRow } from "../../../agent/freeze/records.ts";
import { createRows, openRows } from "../../../agent/freeze/row-files.ts";
import { tempDir } from "../../support/tmp.ts";

const latin1 = (most: number) =>
  fc.uint8Array({ minLength: 1, maxLength: most }).map((bytes) => Buffer.from(bytes).toString("latin1"));
const time = fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n });
const row: fc.Arbitrary<FileRow> = fc.record({
  name: latin1(255),
  kind: fc.constantFrom("file" as const, "symlink" as const),
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.integer({ min: 0, max: 0xffff_ffff }),
  gid: fc.integer({ min: 0, max: 0xffff_ffff }),
  size: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  mtimeNs: time,
  ctimeNs: time,
  ino: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  mutability: fc.constantFrom("immutable" as const, "append-only" as const, "mutable" as const),
  means: fc.constantFrom("none" as const, "link" as const, "copy" as const, "reflink" as const),
  number: fc.integer({ min: 0, max: 2 ** 40 }),
  offset: fc.integer({ min: 0, max: 2 ** 40 }),
  grouped: fc.boolean(),
  sparse: fc.boolean(),
  secret: fc.boolean(),
  young: fc.boolean(),
  fresh: fc.boolean(),
  known: fc.boolean(),
  target: fc.oneof(fc.constant(""), latin1(4095)),
  xattrs: fc.oneof(
    fc.constant(null),
    fc.array(fc.tuple(fc.string({ unit: "binary", maxLength: 20 }), latin1(30)), { maxLength: 3 }),
  ),
});

describe("a file of rows", () => {
  it("gives back every row, in stretches that may be read side by side", () => {
    const dir = tempDir();
    let n = 0;
    fc.assert(
      fc.property(fc.array(fc.array(row, { maxLength: 12 }), { maxLength: 4 }), (folders) => {
        n += 1;
        const writer = createRows(join(dir, String(n)));
        const places = folders.map((rows) => {
          const offset = writer.length;
          for (const one of rows) writer.write(one);
          return { offset, length: writer.length - offset };
        });
        writer.close();
        const reader = openRows(join(dir, String(n)));
        const open = places.map(({ offset, length }) => reader.rows(offset, length));
        const read: FileRow[][] = folders.map(() => []);
        for (let left = true; left; ) {
          left = false;
          for (const [i, rows] of open.entries()) {
            const next = rows.next();
            if (next.done !== true) read[i]?.push(next.value);
            left ||= next.done !== true;
          }
        }
        reader.close();
        expect(read).toEqual(folders);
      }),
      { numRuns: 60 },
    );
  });

  it("holds more rows of a folder than one block, and rows larger than one", () => {
    const path = join(tempDir(), "rows");
    const [base] = fc.sample(row, 1);
    const large = { ...base, xattrs: [["user.a", "\xff".repeat(300_000)]] } as unknown as FileRow;
    const rows = Array.from({ length: 9000 }, (_, i) =>
      i % 4000 === 7 ? large : { ...base, name: `${i}` },
    ) as FileRow[];
    const writer = createRows(path);
    for (const one of rows) writer.write(one);
    const { length } = writer;
    writer.close();
    const reader = openRows(path);
    expect([...reader.rows(0, length)]).toEqual(rows);
    expect(() => [...reader.rows(0, length - 1)]).toThrow(/middle/);
    reader.close();
  });
});
