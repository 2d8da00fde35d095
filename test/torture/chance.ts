import { createHash } from "node:crypto";

/** Decisions that are the same for the same seed. One of its own for each round, so that a round can be played alone. */
export interface Chance {
  /** In [0, 1). */
  real(): number;
  /** A whole number in [from, to]. */
  whole(from: number, to: number): number;
  /** True so often: 0.3 is three times in ten. */
  hits(rate: number): boolean;
  pick<T>(from: readonly T[]): T;
  /** So many bytes that no compressor makes smaller. */
  bytes(length: number): Buffer;
}

/** @param seed Any text; the campaign's seed, its name and the round make one. */
export function chanceOf(seed: string): Chance {
  let count = 0;
  const block = () => createHash("sha256").update(`${seed}\0${count++}`).digest();
  const real = () => block().readUIntBE(0, 6) / 2 ** 48;
  return {
    real,
    whole: (from, to) => from + Math.floor(real() * (to - from + 1)),
    hits: (rate) => real() < rate,
    pick: (from) => {
      const found = from[Math.floor(real() * from.length)];
      if (found === undefined) throw new Error("there is nothing to pick from");
      return found;
    },
    bytes: (length) => {
      const blocks: Buffer[] = [];
      for (let have = 0; have < length; have += 32) blocks.push(block());
      return Buffer.concat(blocks).subarray(0, length);
    },
  };
}
