import { MAX_PACKS } from "../card/limits.ts";
import type { CardOrigin } from "../card/types.ts";
import type { SnapshotId } from "../names/index.ts";

/**
 * Which packs are in use: one bit a pack, a bitset an origin. Only ever grows, so that whatever is added wrongly can
 * keep too much and never too little.
 */
export class LivePacks {
  readonly #bits = new Map<SnapshotId, Uint8Array>();
  readonly #whole = new Set<SnapshotId>();

  /** All packs that a card uses. */
  add(origins: readonly CardOrigin[]): void {
    for (const { snapshot, ranges } of origins) {
      const end = ranges.reduce((top, [, last]) => Math.max(top, last), -1) + 1;
      if (end > MAX_PACKS) throw new RangeError(`pack numbers end at ${MAX_PACKS - 1}, got ${end - 1}`);
      const bits = this.#bitsOf(snapshot, end);
      for (const [first, last] of ranges) {
        for (let index = first; index <= last; index += 1)
          bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7));
      }
    }
  }

  /** Everything in an origin's data folder. */
  addWhole(origin: SnapshotId): void {
    this.#whole.add(origin);
  }

  isWhole(origin: SnapshotId): boolean {
    return this.#whole.has(origin);
  }

  /** Whether any pack of it is in use; then its key.json is, too. */
  uses(origin: SnapshotId): boolean {
    return this.#whole.has(origin) || this.#bits.has(origin);
  }

  has(origin: SnapshotId, index: number): boolean {
    if (this.#whole.has(origin)) return true;
    return (((this.#bits.get(origin)?.[index >> 3] ?? 0) >> (index & 7)) & 1) === 1;
  }

  #bitsOf(origin: SnapshotId, end: number): Uint8Array {
    const bytes = (end + 7) >> 3;
    const there = this.#bits.get(origin);
    if (there !== undefined && there.length >= bytes) return there;
    const grown = new Uint8Array(Math.max(bytes, (there?.length ?? 0) * 2));
    grown.set(there ?? []);
    this.#bits.set(origin, grown);
    return grown;
  }
}
