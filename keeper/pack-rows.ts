import type { PackListRow } from "../vault/card/index.ts";
import { type SnapshotId, toHex } from "../vault/names/index.ts";

const SUM_BYTES = 32;

/**
 * What one pack list tells of the packs of one origin, in a fifth of the memory that rows take as objects: a history may
 * have a million packs, and a job comes to most of them once a snapshot.
 */
export class PackRows {
  readonly origin: SnapshotId;
  /** A byte a pack for whoever looks at them; 0 where nobody did. */
  readonly looked: Uint8Array;
  /** Ascending. */
  readonly #indexes: Uint32Array;
  readonly #sizes: Float64Array;
  readonly #sums: Buffer;

  /** @param rows of this origin, none twice, as a pack list has them */
  constructor(origin: SnapshotId, rows: readonly PackListRow[]) {
    const sorted = rows.toSorted((a, b) => a.index - b.index);
    this.origin = origin;
    this.looked = new Uint8Array(sorted.length);
    this.#indexes = Uint32Array.from(sorted, ({ index }) => index);
    this.#sizes = Float64Array.from(sorted, ({ size }) => size);
    this.#sums = Buffer.alloc(sorted.length * SUM_BYTES);
    for (const [slot, { sha256 }] of sorted.entries()) this.#sums.write(sha256, slot * SUM_BYTES, "hex");
  }

  get length(): number {
    return this.#indexes.length;
  }

  /** Where a pack's row is; -1 where the list has none. */
  slotOf(index: number): number {
    const indexes = this.#indexes;
    let high = indexes.length - 1;
    let low = 0;
    const [first, last] = [indexes[low], indexes[high]];
    if (first === undefined || last === undefined || index < first || index > last) return -1;
    // Numbers that follow each other without a gap, as mostly, need no search.
    if (indexes[index - first] === index) return index - first;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const there = indexes[middle] as number;
      if (there === index) return middle;
      if (there < index) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  sizeAt(slot: number): number {
    return this.#sizes[slot] as number;
  }

  rowAt(slot: number): PackListRow {
    const sha256 = toHex(this.#sums.subarray(slot * SUM_BYTES, (slot + 1) * SUM_BYTES));
    return { origin: this.origin, index: this.#indexes[slot] as number, size: this.sizeAt(slot), sha256 };
  }
}

/** Those of one list, by origin, in the order of the list. */
export function packRowsOf(rows: readonly PackListRow[]): readonly PackRows[] {
  return [...Map.groupBy(rows, ({ origin }) => origin)].map(([origin, those]) => new PackRows(origin, those));
}
