import type { PathInfo } from "../../posix/stat.ts";
import { type InodeSet, makeInodeSet } from "./inode-set.ts";
import { addCounts, type Counts, type FileRow, type Means, NO_COUNTS } from "./records.ts";
import { countOf } from "./rows.ts";

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

/** What is known of an inode of which one name was met. */
type MetOnce = Pick<FileGroup, "mutability" | "secret">;

export type Inode = Pick<PathInfo, "dev" | "ino">;

/**
 * Files with several names, as the last walk meets them. Most have all but one elsewhere, as in another backup's frozen tree: of
 * those no more is kept than their inode and class, so that a million take no more than 32 MiB. Only one that is met again, or that an
 * earlier walk met twice, becomes a group.
 */
export class FileGroups {
  readonly #groups = new Map<string, FileGroup>();
  /** Inodes that were met once, by class, by device. */
  readonly #once = new Map<string, { readonly met: MetOnce; readonly inodes: Map<bigint, InodeSet> }>();
  readonly #isExpected: (inode: Inode) => boolean;
  /** Groups of which the first name was counted before they were one. */
  readonly #late = new Set<string>();
  #counts = NO_COUNTS;

  /** @param isExpected whether another name will surely be met: then nothing is frozen a second time for it */
  constructor(isExpected: (inode: Inode) => boolean = () => false) {
    this.#isExpected = isExpected;
  }

  get(inode: Inode): FileGroup | undefined {
    return this.#groups.size === 0 ? undefined : this.#groups.get(groupKey(inode));
  }

  /** What the names of an inode that were met so far say of it together. */
  metAs(inode: Inode): MetOnce | undefined {
    return this.get(inode) ?? this.#metOnce(inode);
  }

  /** A name is met, and what its inode is frozen as; `group` says what all its names so far do. */
  add(inode: Inode, group: FileGroup): void {
    const key = groupKey(inode);
    if (this.#metOnce(inode) !== undefined) this.#late.add(key);
    else if (!this.#groups.has(key) && !this.#isExpected(inode)) {
      this.#addOnce(inode, group);
      return;
    }
    this.#groups.set(key, group);
  }

  /** All names are met: what is left are groups. @returns what all these files add to the figures, each once */
  end(): Counts {
    for (const [key, group] of this.#groups) {
      if (!this.#late.has(key)) this.#counts = addCounts(this.#counts, countOf(group));
    }
    this.#once.clear();
    this.#late.clear();
    return this.#counts;
  }

  #metOnce({ dev, ino }: Inode): MetOnce | undefined {
    const number = Number(ino);
    for (const { met, inodes } of this.#once.values()) if (inodes.get(dev)?.has(number) === true) return met;
    return undefined;
  }

  #addOnce({ dev, ino }: Inode, group: FileGroup): void {
    const { mutability, secret } = group;
    this.#counts = addCounts(this.#counts, countOf(group));
    const as = `${mutability} ${secret}`;
    const { inodes } = this.#once.get(as) ?? { inodes: new Map<bigint, InodeSet>() };
    this.#once.set(as, { met: { mutability, secret }, inodes });
    const set = inodes.get(dev) ?? makeInodeSet();
    inodes.set(dev, set);
    set.add(Number(ino));
  }
}

export function groupKey({ dev, ino }: Inode): string {
  return `${dev}:${ino}`;
}

const STRICTNESS = ["immutable", "append-only", "mutable"] as const;

/** The class that is safe for both. */
export function stricter(a: FileRow["mutability"], b: FileRow["mutability"]): FileRow["mutability"] {
  return STRICTNESS.indexOf(a) > STRICTNESS.indexOf(b) ? a : b;
}
