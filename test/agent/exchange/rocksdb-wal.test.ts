import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { crc32c } from "../../../agent/exchange/crc32c.ts";
import { walWrites } from "../../../agent/exchange/index.ts";
import { tempDir } from "../../support/tmp.ts";

const [FULL, FIRST, LAST, RECYCLED, COMPRESSED] = [1, 2, 4, 5, 9];

/** One fragment as RocksDB writes it; `log`: of which log it says that it is. */
function fragment(type: number, payload: Buffer, log?: number): Buffer {
  const of = Buffer.alloc(log === undefined ? 0 : 4);
  if (log !== undefined) of.writeUInt32LE(log);
  const rest = Buffer.concat([Buffer.from([type]), of, payload]);
  const head = Buffer.alloc(6);
  const crc = crc32c(rest);
  head.writeUInt32LE((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0);
  head.writeUInt16LE(payload.length, 4);
  return Buffer.concat([head, rest]);
}

function write(sequence: number, count: number, length = 40): Buffer {
  const bytes = Buffer.alloc(length, "x");
  bytes.writeBigUInt64LE(BigInt(sequence));
  bytes.writeUInt32LE(count, 8);
  return bytes;
}

function read(...parts: readonly Buffer[]) {
  const path = join(tempDir("wal"), "000007.log");
  writeFileSync(path, "");
  for (const part of parts) appendFileSync(path, part);
  const writes = walWrites(path, 7n);
  const found: string[] = [];
  for (;;) {
    const step = writes.next();
    if (step.done === true) return [...found, step.value];
    found.push(`${step.value.sequence}+${step.value.count}`);
  }
}

describe("a WAL file of RocksDB", () => {
  const first = fragment(FULL, write(5, 2));

  it("tells its writes in their order, over blocks and fragments, to its end or to what was made in advance", () => {
    expect(read()).toEqual(["whole"]);
    expect(read(first, fragment(FULL, write(7, 1)))).toEqual(["5+2", "7+1", "whole"]);
    expect(read(first, Buffer.alloc(100_000))).toEqual(["5+2", "whole"]);
    // The first fragment of the second write ends its block, with 5 bytes of its head.
    const long = write(7, 3, 500);
    const filler = fragment(FULL, write(6, 1, 32_768 - first.length - 7 - 7 - 5));
    const parts = [first, filler, fragment(FIRST, long.subarray(0, 5)), fragment(LAST, long.subarray(5))];
    expect(read(...parts)).toEqual(["5+2", "6+1", "7+3", "whole"]);
  });

  it("that was used before ends where the older one's records begin", () => {
    expect(read(fragment(RECYCLED, write(5, 2), 7), fragment(RECYCLED, write(1, 1), 3))).toEqual(["5+2", "whole"]);
  });

  it("that is damaged, or cut off in a write, says so", () => {
    const damaged = Buffer.from(first);
    damaged[20] = 0;
    expect(read(first, damaged)).toEqual(["5+2", "cut off"]);
    expect(read(first, first.subarray(0, 30))).toEqual(["5+2", "cut off"]);
    expect(read(first, fragment(FIRST, write(7, 1)))).toEqual(["5+2", "cut off"]);
    expect(read(first, fragment(FIRST, write(7, 1)), first)).toEqual(["5+2", "cut off"]);
    expect(read(fragment(LAST, write(7, 1)))).toEqual(["cut off"]);
    expect(read(fragment(FULL, Buffer.alloc(3)))).toEqual(["cut off"]);
  });

  it("that is compressed, or of a kind that is not known, is refused", () => {
    expect(() => read(fragment(COMPRESSED, Buffer.alloc(4)))).toThrow("it is compressed (wal_compression)");
    expect(() => read(fragment(77, Buffer.alloc(4)))).toThrow("unknown kind, 77");
  });
});
