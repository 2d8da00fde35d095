import { randomBytes } from "node:crypto";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { COMPRESSIONS } from "../../../vault/names/index.ts";
import { compress, decompress } from "../../../vault/sealed/index.ts";
import { unzstdInto, zstdInto, zstdRoom } from "../../../vault/sealed/zstd.ts";
import { refusal } from "./fixtures.ts";

const unzstd = unzstdInto();
const zstd = zstdInto("balanced");
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

describe.skipIf(zstd === null)("compression by zstd called directly (skipped where Node's own cannot be found)", () => {
  it("makes what node:zlib can read of whatever comes, and touches nothing behind the room it asks for", () => {
    const noise = randomBytes(3000);
    const mixed = Buffer.concat(Array.from({ length: 400 }, (_, n) => Buffer.concat([Buffer.from(`key ${n}`), noise])));
    for (const size of [0, 1, 63, 64, 1000, 131_073, 1 << 20, mixed.length]) {
      for (const from of [randomBytes(size), plain, mixed, Buffer.alloc(size)].map((bytes) =>
        bytes.subarray(0, size),
      )) {
        const room = zstdRoom(from.length);
        const memory = Buffer.alloc(room + 8, 0xaa);
        const length = zstd?.(from, memory.subarray(0, room)) ?? 0;
        expect(zstdDecompressSync(memory.subarray(0, length)).equals(from)).toBe(true);
        expect(memory.subarray(room).equals(Buffer.alloc(8, 0xaa))).toBe(true);
      }
    }
  });

  it("makes the same of the same, whatever it was given between", () => {
    const memories = [Buffer.alloc(zstdRoom(plain.length)), Buffer.alloc(zstdRoom(plain.length))] as const;
    const first = zstd?.(plain, memories[0]) ?? 0;
    zstd?.(randomBytes(5000), memories[1]);
    expect(zstd?.(plain, memories[1])).toBe(first);
    expect(memories[1].subarray(0, first).equals(memories[0].subarray(0, first))).toBe(true);
  });

  it("has neither a checksum nor the size in its header (RFC 8878, 3.1.1.1.1), as node:zlib is told as well", () => {
    const memory = Buffer.alloc(zstdRoom(plain.length));
    zstd?.(plain, memory);
    expect(memory[4]).toBe(0);
    expect(compress(plain).bytes[4]).toBe(0);
  });

  it.each(COMPRESSIONS)("makes what node:zlib makes of the same settings: %s", (how) => {
    const memory = Buffer.alloc(zstdRoom(plain.length));
    const length = zstdInto(how)?.(plain, memory) ?? 0;
    expect(memory.subarray(0, length).equals(compress(plain, how).bytes)).toBe(true);
  });

  it("refuses memory that might be too small", () => {
    expect(() => zstd?.(plain, new Uint8Array(plain.length))).toThrow(RangeError);
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
