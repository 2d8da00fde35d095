import { ClassicLevel } from "classic-level";
import { describe, expect, it } from "vitest";
import { blockKey, encodeBlock, GENESIS, nextBlock } from "../../demo/blocks.ts";
import { compareWithChain } from "../../demo/compare.ts";
import { tempDir } from "../support/tmp.ts";

/** A database of `length` blocks, then changed by `spoil`. */
async function databaseWith(length: number, spoil: (database: ClassicLevel<string, Buffer>) => Promise<unknown>) {
  const folder = tempDir("coldkeep-compare");
  const database = new ClassicLevel<string, Buffer>(folder, { valueEncoding: "buffer" });
  let parent: { height: number; hash: Buffer } = { height: 0, hash: GENESIS };
  while (parent.height < length) {
    const block = nextBlock(parent);
    await database.put(blockKey(block.height), encodeBlock(block));
    parent = block;
  }
  await database.put("tip", Buffer.from(String(length)));
  await spoil(database);
  await database.close();
  return folder;
}

const compare = (folder: string) => compareWithChain(folder, new Set([1, 50]));

describe("comparing a restored database with the chain", () => {
  it("counts what is equal and gives the hashes asked for", async () => {
    const found = await compare(await databaseWith(50, async () => {}));
    expect(found.blocks).toBe(50);
    expect([...found.hashes.keys()]).toEqual([1, 50]);
    expect(found.hashes.get(50)).toBe(found.hash);
  });

  it("finds one changed byte", async () => {
    const folder = await databaseWith(50, async (database) => {
      const value = await database.get(blockKey(30));
      if (value === undefined) throw new Error("block 30");
      value[100] = (value[100] ?? 0) ^ 1;
      await database.put(blockKey(30), value);
    });
    await expect(compare(folder)).rejects.toThrow("block 30 differs");
  });

  it("finds a missing block", async () => {
    const folder = await databaseWith(50, (database) => database.del(blockKey(30)));
    await expect(compare(folder)).rejects.toThrow("block 30 is missing");
  });

  it("finds a database that ends early", async () => {
    const folder = await databaseWith(50, (database) => database.del(blockKey(50)));
    await expect(compare(folder)).rejects.toThrow("ends at 49");
  });

  it("does not make a database where there is none", async () => {
    await expect(compare(tempDir("coldkeep-none"))).rejects.toThrow();
  });
});
