/** Numbers that are the same in every run of one seed. */
export interface Dice {
  /** A whole number from 0 to below `n`. */
  below(n: number): number;
  pick<T>(from: readonly T[]): T;
  /** True once in `n` times. */
  once(n: number): boolean;
}

/** The dice of one execution: told by its seed and its number, so that any one can be played again alone. */
export function diceOf(seed: number, nth: number): Dice {
  let a = (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(nth + 1, 0xc2b2ae35)) >>> 0;
  // mulberry32 (public domain, Tommy Ettinger)
  const next = () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
  next();
  const below = (n: number) => (n <= 1 ? 0 : next() % n);
  return {
    below,
    pick: (from) => from[below(from.length)] as (typeof from)[number],
    once: (n) => below(n) === 0,
  };
}
