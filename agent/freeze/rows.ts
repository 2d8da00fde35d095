import type { Latin1 } from "./bytes.ts";
import { addCounts, type Counts, type FileRow, NO_COUNTS } from "./records.ts";

/** Looks up rows by ascending names. */
export function findByName(rows: Generator<FileRow>): (name: Latin1) => FileRow | null {
  let next = rows.next();
  return (name) => {
    while (next.done !== true && next.value.name < name) next = rows.next();
    if (next.done === true || next.value.name !== name) return null;
    return next.value.kind === "file" ? next.value : null;
  };
}

/** Adds up the rows of one folder. */
export function makeSums() {
  let counts: Counts = NO_COUNTS;
  let volatile = false;
  return {
    add(row: FileRow) {
      volatile ||= isVolatile(row);
      if (row.kind === "file") counts = addCounts(counts, countsOf(row));
    },
    sums: () => ({ counts, volatile }),
  };
}

/** True for rows that an unchanged folder does not vouch for. */
export function isVolatile(row: FileRow): boolean {
  return row.kind === "file" && (row.mutability !== "immutable" || row.young || row.grouped || row.means === "none");
}

/** Names of one inode are counted with their group, once. */
function countsOf(row: FileRow): Counts {
  if (row.grouped) return NO_COUNTS;
  return countOf(row);
}

/** What one frozen file adds to the figures. */
export function countOf({ size, means }: Pick<FileRow, "size" | "means">): Counts {
  const copied = means === "copy";
  return {
    files: 1,
    bytes: size,
    linked: means === "link" ? 1 : 0,
    copied: copied ? 1 : 0,
    copiedBytes: copied ? size : 0,
    reflinked: means === "reflink" ? 1 : 0,
  };
}
