import type { SnapshotId } from "../vault/names/index.ts";
import type { PackSaid, PacksSaid } from "./packs-present.ts";

/** How many new packs of a snapshot one call looks at, and how many of each were looked at by calls before. */
export interface PackSlices {
  readonly most: number;
  readonly looked: ReadonlyMap<SnapshotId, number>;
}

/** Thrown where a snapshot has more new packs than are looked at in one call; those that were are there. */
export class PacksLeft extends Error {
  readonly snapshot: SnapshotId;
  /** From the first on, in the order of its origins. */
  readonly looked: number;

  constructor(snapshot: SnapshotId, looked: number) {
    super(`${looked} packs of ${snapshot} were looked at, and there are more`);
    this.snapshot = snapshot;
    this.looked = looked;
  }
}

/** So many packs from one on, in an order that does not change. */
export function slicePacks(packs: PacksSaid, from: number, most: number): PacksSaid {
  const slice = new Map<SnapshotId, Map<number, PackSaid>>();
  let at = 0;
  for (const [origin, all] of packs) {
    for (const [index, said] of all) {
      if (at >= from && at < from + most) {
        const some = slice.get(origin) ?? new Map<number, PackSaid>();
        slice.set(origin, some.set(index, said));
      }
      at += 1;
    }
  }
  return slice;
}

export function countPacks(packs: PacksSaid): number {
  let count = 0;
  for (const all of packs.values()) count += all.size;
  return count;
}
