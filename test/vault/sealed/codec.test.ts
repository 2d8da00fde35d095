import { randomBytes } from "node:crypto";
import { zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Compressor, makeCompressor } from "../../../vault/sealed/codec.ts";
import { compress, decompress } from "../../../vault/sealed/index.ts";
import { refusal } from "./fixtures.ts";

const compressors: [string, Compressor][] = [
  ["one call", compress],
  ["many calls, by zstd called directly where it can be", makeCompressor()],
  ["many calls, by node:zlib", makeCompressor("balanced", null)],
  ["one call, fast", (plain) => compress(plain, "fast")],
  ["many calls, fast", makeCompressor("fast")],
  ["many calls, small", makeCompressor("small")],
  ["many calls, small, by node:zlib", makeCompressor("small", null)],
];

describe.each(compressors)("compression of a frame: %s", (_, compress) => {
  it("gives back what it took", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4000 }), fc.integer({ min: 1, max: 30 }), (seed, times) => {
        const plain = Buffer.concat(Array.from({ length: times }, () => seed));
        const { codec, bytes } = compress(plain);
        expect(Buffer.compare(decompress(codec, bytes, plain.length), plain)).toBe(0);
      }),
    );
  });

  it("stores what does not shrink by one part in 32, and never makes a frame larger", () => {
    const noise = randomBytes(100_000);
    expect(compress(noise)).toEqual({ codec: 0, bytes: noise });
    expect(compress(new Uint8Array(0)).codec).toBe(0);
    const text = Buffer.alloc(100_000, "blocks and more blocks ");
    const { codec, bytes } = compress(text);
    expect(codec).toBe(1);
    expect(bytes.length).toBeLessThan(1000);
    // What was stored as it is comes back as it is, whatever is compressed after it.
    const kept = compress(noise).bytes;
    compress(text);
    expect(Buffer.compare(kept, noise)).toBe(0);
  });

  it("takes frames of all sizes, small ones after large ones and the other way round", () => {
    for (const size of [16 << 20, 64, 1 << 20, 63, 4 << 20, 1000, 0, 16 << 20]) {
      const plain = Buffer.alloc(size, "blocks and more blocks ");
      const { codec, bytes } = compress(plain);
      expect(Buffer.compare(decompress(codec, bytes, size), plain)).toBe(0);
    }
  });
});

describe("decompression of a frame", () => {
  it("produces no byte beyond the length recorded: a bomb stops at it", () => {
    const bomb = zstdCompressSync(new Uint8Array(64 << 20));
    expect(bomb.length).toBeLessThan(10_000);
    const before = process.memoryUsage().arrayBuffers;
    const { message } = refusal(() => decompress(1, bomb, 4096, "frame 7 of 00000.pack"));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 << 20);
    expect(message).toContain("frame 7 of 00000.pack");
  });

  it("refuses a length that is not met, and bytes that are no zstd", () => {
    const { bytes } = compress(Buffer.alloc(5000, "abc"));
    refusal(() => decompress(1, bytes, 5001));
    refusal(() => decompress(1, bytes, 4999));
    refusal(() => decompress(1, bytes, 0));
    refusal(() => decompress(1, bytes.subarray(0, bytes.length - 4), 5000));
    refusal(() => decompress(1, randomBytes(500), 5000));
    refusal(() => decompress(0, new Uint8Array(10), 11));
  });
});
