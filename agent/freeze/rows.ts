import type { Latin1 } from "./bytes.ts";
import { type Counts, type FileRow, NO_COUNTS } from "./records.ts";

/** Looks up rows by ascending names. */
export function findByName(rows: Iterable<FileRow>): (name: Latin1) => FileRow | null {
  const all = rows[Symbol.iterator]();
  let next = all.next();
  return (name) => {
    while (next.done !== true && next.value.name < name) next = all.next();
    if (next.done === true || next.value.name !== name) return null;
    return next.value.kind === "file" ? next.value : null;
  };
}

/** Adds up the rows of one folder. */
export function makeSums() {
  const counts = { ...NO_COUNTS };
  let volatile = false;
  return {
    add(row: FileRow) {
      volatile ||= isVolatile(row);
      // Names of one inode are counted with their group, once.
      if (row.kind !== "file" || row.grouped) return;
      counts.files += 1;
      counts.bytes += row.size;
      if (row.means === "none") return;
      const { linked, copied, copiedBytes, reflinked } = countOf(row);
      counts.linked += linked;
      counts.copied += copied;
      counts.copiedBytes += copiedBytes;
      counts.reflinked += reflinked;
    },
    sums: () => ({ counts, volatile }),
  };
}

/** True for rows that an unchanged folder does not vouch for. */
export function isVolatile(row: FileRow): boolean {
  return row.kind === "file" && (row.mutability !== "immutable" || row.young || row.grouped || row.means === "none");
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
