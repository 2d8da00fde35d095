import type { CardOrigin } from "../vault/card/index.ts";
import type { SnapshotId } from "../vault/names/index.ts";

export type Range = readonly [first: number, last: number];

/** The ranges of one origin, none where it is not used. */
export function rangesOf(origins: readonly CardOrigin[], id: SnapshotId): readonly Range[] {
  return origins.find(({ snapshot }) => snapshot === id)?.ranges ?? [];
}

/** The first index of `inner` that `outer` lacks, or null. Both ascending and disjoint, as cards are. */
export function firstNotCovered(inner: readonly Range[], outer: readonly Range[]): number | null {
  for (const [first, last] of inner) {
    let next = first;
    for (const [from, to] of outer) if (from <= next && next <= to) next = to + 1;
    if (next <= last) return next;
  }
  return null;
}

/** How many packs the ranges name. */
export function countRanges(ranges: readonly Range[]): number {
  return ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
}

/** Every index, ascending. */
export function* indexesOf(ranges: readonly Range[]): Generator<number> {
  for (const [first, last] of ranges) for (let index = first; index <= last; index += 1) yield index;
}
