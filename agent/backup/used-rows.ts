/** Rows of the chunk table that a snapshot refers to, one byte each. */
export interface UsedRows {
  mark(row: number): void;
  /** One byte a row: 1 where it is used. */
  all(rows: number): Uint8Array;
}

export function makeUsedRows(): UsedRows {
  let marks = new Uint8Array(1 << 16);
  return {
    mark(row) {
      if (row >= marks.length) {
        const larger = new Uint8Array(Math.max(row + 1, 2 * marks.length));
        larger.set(marks);
        marks = larger;
      }
      marks[row] = 1;
    },
    all(rows) {
      const exact = new Uint8Array(rows);
      exact.set(marks.subarray(0, rows));
      return exact;
    },
  };
}
