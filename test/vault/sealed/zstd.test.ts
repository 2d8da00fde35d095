import { randomBytes } from "node:crypto";
import { zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { compress, decompress } from "../../../vault/sealed/index.ts";
import { unzstdInto } from "../../../vault/sealed/zstd.ts";
import { refusal } from "./fixtures.ts";

const unzstd = unzstdInto();
const plain = Buffer.concat([Buffer.alloc(300_000, "blocks and more blocks "), randomBytes(70_001)]);
const packed = zstdCompressSync(plain);

describe.skipIf(unzstd === null)("zstd called directly (skipped where Node's own cannot be found)", () => {
  const into = Buffer.alloc(plain.length + 10, 0xaa);

  it("gives what node:zlib gives, and touches nothing behind it", () => {
    expect(unzstd?.(packed, into, plain.length)).toBe(plain.length);
    expect(into.subarray(0, plain.length).equals(plain)).toBe(true);
    expect(into.subarray(plain.length).equals(Buffer.alloc(10, 0xaa))).toBe(true);
  });

  it("says no length there is room for where it cannot, and goes on as if nothing was", () => {
    for (const bad of [packed.subarray(0, packed.length - 5), randomBytes(1000), Buffer.from("plain text")]) {
      expect(unzstd?.(bad, into, plain.length)).toBeGreaterThan(plain.length);
    }
    expect(unzstd?.(packed, into, plain.length - 1)).toBeGreaterThan(plain.length);
    expect(unzstd?.(packed, into, plain.length)).toBe(plain.length);
    expect(() => unzstd?.(packed, into, into.length + 1)).toThrow(RangeError);
  });
});

describe("decompression into memory that is there", () => {
  it("uses it where it is large enough, and what else there is where it is not", () => {
    const { codec, bytes } = compress(plain);
    for (const size of [0, plain.length - 1, plain.length, plain.length + 1]) {
      const memory = new Uint8Array(size);
      const out = decompress(codec, bytes, plain.length, "frame", memory);
      expect(Buffer.compare(out, plain)).toBe(0);
      if (unzstd !== null) expect(out.buffer === memory.buffer).toBe(size >= plain.length);
    }
  });

  it("takes nothing of what it held before for content", () => {
    const memory = new Uint8Array(plain.length).fill(1);
    refusal(() => decompress(1, packed, plain.length + 1, "frame", new Uint8Array(plain.length + 1)));
    refusal(() => decompress(1, packed.subarray(0, 100), plain.length, "frame", memory));
  });
});
