import { createHash } from "node:crypto";
import type { RandomSource } from "../../vault/sealed/types.ts";

/** Random bytes that are the same in every run: SHA-256 of the seed and a counter. For tests and vectors only. */
export function seededRandom(seed: string): RandomSource {
  let counter = 0;
  let rest: Uint8Array = new Uint8Array(0);
  return (length) => {
    while (rest.length < length) {
      const block = createHash("sha256").update(`${seed}\0${counter++}`).digest();
      rest = Buffer.concat([rest, block]);
    }
    const bytes = Uint8Array.from(rest.subarray(0, length));
    rest = rest.subarray(length);
    return bytes;
  };
}
