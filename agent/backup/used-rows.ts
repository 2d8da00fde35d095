/** By whom a row is used; of mutable files that the next run can know by their fingerprints those of one chunk, and larger ones. */
export const USE = { any: 1, smallCopy: 2, largeCopy: 4 } as const;

/** Rows of the chunk table that a snapshot refers to, one byte each. */
export interface UsedRows {
  /** @param by one of `USE` */
  mark(row: number, by?: number): void;
  /** One byte a row: 0 where it is not used, else the sum of `any` and who uses it. */
  all(rows: number): Uint8Array;
}

export function makeUsedRows(): UsedRows {
  let marks = new Uint8Array(1 << 16);
  return {
    mark(row, by = USE.any) {
      if (row >= marks.length) {
        const larger = new Uint8Array(Math.max(row + 1, 2 * marks.length));
        larger.set(marks);
        marks = larger;
      }
      marks[row] = (marks[row] ?? 0) | USE.any | by;
    },
    all(rows) {
      const exact = new Uint8Array(rows);
      exact.set(marks.subarray(0, rows));
      return exact;
    },
  };
}
