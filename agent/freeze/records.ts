import type { Mutability } from "../profiles/types.ts";
import type { Latin1 } from "./bytes.ts";

/** How a file got into the frozen tree; `none`: not yet, or not at all, as its content is known. */
export type Means = "none" | "link" | "copy" | "reflink";

/** A plain file or symlink as a walk found it. Texts are latin1. */
export interface FileRow {
  readonly name: Latin1;
  readonly kind: "file" | "symlink";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Nanoseconds since the epoch. */
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly ino: bigint;
  readonly mutability: Exclude<Mutability, "omitted">;
  readonly means: Means;
  /** Its number in the frozen tree; 0: not there. Small copies share one file: theirs begins at `offset`. */
  readonly number: number;
  readonly offset: number;
  /** More names than ours lead to it: it may be in the tree twice. */
  readonly grouped: boolean;
  readonly sparse: boolean;
  readonly secret: boolean;
  /** Changed so lately that it may be changing still: looked at again after the stop. */
  readonly young: boolean;
  /** Of a symlink. */
  readonly target: Latin1;
  /** Name and value, latin1; null where they are read from the frozen inode. */
  readonly xattrs: readonly (readonly [name: string, value: Latin1])[] | null;
}

export interface Counts {
  readonly files: number;
  readonly bytes: number;
  readonly linked: number;
  readonly copied: number;
  readonly copiedBytes: number;
  readonly reflinked: number;
}

/** A folder as a walk found it; its rows lie elsewhere, so that an unchanged folder costs one line. */
export interface FolderHead {
  /** Index of its root. */
  readonly root: number;
  /** Below the root, latin1; "" is the root itself. */
  readonly path: Latin1;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly dev: bigint;
  readonly ino: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly xattrs: NonNullable<FileRow["xattrs"]>;
  /** Changed so lately that a change after it could bear the same time: read again after the stop. */
  readonly young: boolean;
  /** Some of its files must be looked at again after the stop though the folder itself did not change. */
  readonly volatile: boolean;
  readonly counts: Counts;
  readonly rows: Place;
}

/** Where a folder's rows lie: the walk that wrote them, and bytes in its file. */
export interface Place {
  readonly walk: number;
  readonly offset: number;
  readonly length: number;
}

const CLASSES = ["immutable", "append-only", "mutable"] as const;
const MEANS = ["none", "link", "copy", "reflink"] as const;
const GROUPED = 1;
const SPARSE = 2;
const SECRET = 4;
const YOUNG = 8;
const SYMLINK = 16;

/** One line of JSON, newline included. Positions instead of names, as there may be millions. */
export function rowToLine(r: FileRow): string {
  const flags =
    (r.grouped ? GROUPED : 0) |
    (r.sparse ? SPARSE : 0) |
    (r.secret ? SECRET : 0) |
    (r.young ? YOUNG : 0) |
    (r.kind === "symlink" ? SYMLINK : 0);
  const head = [r.name, flags, r.mode, r.uid, r.gid, r.size, String(r.mtimeNs), String(r.ctimeNs), String(r.ino)];
  const state = [CLASSES.indexOf(r.mutability), MEANS.indexOf(r.means), r.number, r.offset];
  return `${JSON.stringify([...head, ...state, r.target, r.xattrs])}\n`;
}

/** The row of a line that `rowToLine` wrote in this very run. */
export function lineToRow(line: string): FileRow {
  const [name, flags, mode, uid, gid, size, mtimeNs, ctimeNs, ino, mutability, means, number, offset, target, xattrs] =
    JSON.parse(line) as [
      string,
      number,
      number,
      number,
      number,
      number,
      string,
      string,
      string,
      number,
      number,
      number,
      number,
      string,
      FileRow["xattrs"],
    ];
  return {
    name,
    kind: (flags & SYMLINK) === 0 ? "file" : "symlink",
    mode,
    uid,
    gid,
    size,
    mtimeNs: BigInt(mtimeNs),
    ctimeNs: BigInt(ctimeNs),
    ino: BigInt(ino),
    mutability: CLASSES[mutability] ?? "mutable",
    means: MEANS[means] ?? "none",
    number,
    offset,
    grouped: (flags & GROUPED) !== 0,
    sparse: (flags & SPARSE) !== 0,
    secret: (flags & SECRET) !== 0,
    young: (flags & YOUNG) !== 0,
    target,
    xattrs,
  };
}

export function headToLine(h: FolderHead): string {
  const times = [h.dev, h.ino, h.mtimeNs, h.ctimeNs].map(String);
  return `${JSON.stringify([h.root, h.path, h.mode, h.uid, h.gid, times, h.xattrs, h.young, h.volatile, h.counts, h.rows])}\n`;
}

/** The head of a line that `headToLine` wrote in this very run. */
export function lineToHead(line: string): FolderHead {
  const [root, path, mode, uid, gid, times, xattrs, young, isVolatile, counts, rows] = JSON.parse(line) as [
    number,
    string,
    number,
    number,
    number,
    [string, string, string, string],
    FolderHead["xattrs"],
    boolean,
    boolean,
    Counts,
    Place,
  ];
  const [dev, ino, mtimeNs, ctimeNs] = times;
  const stamps = { dev: BigInt(dev), ino: BigInt(ino), mtimeNs: BigInt(mtimeNs), ctimeNs: BigInt(ctimeNs) };
  return { root, path, mode, uid, gid, ...stamps, xattrs, young, volatile: isVolatile, counts, rows };
}

export const NO_COUNTS: Counts = { files: 0, bytes: 0, linked: 0, copied: 0, copiedBytes: 0, reflinked: 0 };

export function addCounts(a: Counts, b: Counts): Counts {
  return {
    files: a.files + b.files,
    bytes: a.bytes + b.bytes,
    linked: a.linked + b.linked,
    copied: a.copied + b.copied,
    copiedBytes: a.copiedBytes + b.copiedBytes,
    reflinked: a.reflinked + b.reflinked,
  };
}
