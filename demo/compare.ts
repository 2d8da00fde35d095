import { ClassicLevel } from "classic-level";
import { blockKey, encodeBlock, GENESIS, nextBlock } from "./blocks.ts";

/** How a restored database compares with what the chain says it must hold. */
export interface Comparison {
  /** Blocks found equal, from 1 on without a gap. */
  readonly blocks: number;
  /** Bytes of them. */
  readonly bytes: number;
  /** Hash of the last one, hex. */
  readonly hash: string;
  /** Hashes at the heights asked for, hex. */
  readonly hashes: ReadonlyMap<number, string>;
}

/**
 * Opens a LevelDB folder with LevelDB itself and compares every block in it with the chain, computed anew from nothing
 * but heights.
 * @throws Error at the first block that is missing, out of place or different, or where the tip the node wrote beside
 * its blocks is another.
 */
export async function compareWithChain(folder: string, keep: ReadonlySet<number>): Promise<Comparison> {
  const database = new ClassicLevel<string, Buffer>(folder, { createIfMissing: false, valueEncoding: "buffer" });
  await database.open();
  try {
    const hashes = new Map<number, string>();
    let parent: { height: number; hash: Buffer } = { height: 0, hash: GENESIS };
    let bytes = 0;
    for await (const [key, value] of database.iterator({ gte: "block/", lt: "block0" })) {
      const block = nextBlock(parent);
      if (key !== blockKey(block.height))
        throw new Error(`block ${block.height} is missing; found ${key} in its place`);
      if (!encodeBlock(block).equals(value)) throw new Error(`block ${block.height} differs from what was committed`);
      if (keep.has(block.height)) hashes.set(block.height, block.hash.toString("hex"));
      bytes += value.length;
      parent = { height: block.height, hash: block.hash };
    }
    const tip = Number(await database.get("tip"));
    if (tip !== parent.height) throw new Error(`the database says its tip is ${tip}, but it ends at ${parent.height}`);
    return { blocks: parent.height, bytes, hash: parent.hash.toString("hex"), hashes };
  } finally {
    await database.close();
  }
}
