import { zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { type Block, blockKey, GENESIS, hashBlock, nextBlock, payloadAt } from "../../demo/blocks.ts";

function chain(length: number): Block[] {
  const blocks: Block[] = [];
  let parent: { height: number; hash: Buffer } = { height: 0, hash: GENESIS };
  while (blocks.length < length) {
    const block = nextBlock(parent);
    blocks.push(block);
    parent = block;
  }
  return blocks;
}

describe("the demo's chain", () => {
  it("is the same for everyone", () => {
    expect(chain(1000).at(-1)?.hash.toString("hex")).toBe(
      "0114e5a39686b2722c4d8ab49bf223ed4fc2417606e12334a4fa2e1628ea8087",
    );
  });

  it("ties each block to all before it", () => {
    const [first, second] = chain(2);
    if (first === undefined || second === undefined) throw new Error("two blocks");
    const other = Buffer.from(first.payload);
    other[0] = (other[0] ?? 0) ^ 1;
    expect(hashBlock(hashBlock(GENESIS, 1, other), 2, second.payload)).not.toEqual(second.hash);
  });

  it("compresses about as well as a real chain's blocks, neighbours included", () => {
    const bytes = Buffer.concat(chain(2000).map(({ payload }) => payload));
    const ratio = zstdCompressSync(bytes).length / bytes.length;
    expect(ratio).toBeGreaterThan(0.35);
    expect(ratio).toBeLessThan(0.65);
  });

  it("has blocks from some hundred bytes to some 20 KiB", () => {
    const sizes = Array.from({ length: 2000 }, (_, index) => payloadAt(index + 1).length);
    expect(Math.min(...sizes)).toBeGreaterThan(200);
    expect(Math.max(...sizes)).toBeLessThan(25 * 1024);
  });

  it("sorts its keys by height", () => {
    const heights = [1, 9, 10, 99, 100, 123_456_789];
    expect(heights.map(blockKey).toSorted()).toEqual(heights.map(blockKey));
  });
});
