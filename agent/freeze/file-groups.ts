import type { FileRow, Means } from "./records.ts";

/** All names of one inode: frozen once, and a hardlink wherever it turns up again. */
export interface FileGroup {
  readonly number: number;
  readonly offset: number;
  readonly means: Means;
  readonly size: number;
  /** The strictest class of its names: one name through which it is written makes it mutable. */
  readonly mutability: FileRow["mutability"];
  readonly secret: boolean;
  readonly xattrs: FileRow["xattrs"];
}

/** Groups by `<dev>:<ino>`. */
export type FileGroups = Map<string, FileGroup>;

export function groupKey(dev: bigint, ino: bigint): string {
  return `${dev}:${ino}`;
}

const STRICTNESS = ["immutable", "append-only", "mutable"] as const;

/** The class that is safe for both. */
export function stricter(a: FileRow["mutability"], b: FileRow["mutability"]): FileRow["mutability"] {
  return STRICTNESS.indexOf(a) > STRICTNESS.indexOf(b) ? a : b;
}
