import { createHash } from "node:crypto";
import type { RandomSource } from "../../vault/sealed/types.ts";

/** Random bytes that are the same in every run: SHA-256 of the seed and a counter. For tests and vectors only. */
export function seededRandom(seed: string): RandomSource {
  let counter = 0;
  let rest: Uint8Array = new Uint8Array(0);
  return (length) => {
    const blocks = [rest];
    for (let have = rest.length; have < length; ) {
      const block = createHash("sha256").update(`${seed}\0${counter++}`).digest();
      blocks.push(block);
      have += block.length;
    }
    const all = Buffer.concat(blocks);
    rest = all.subarray(length);
    return Uint8Array.from(all.subarray(0, length));
  };
}
