import type { Mutability } from "../profiles/types.ts";
import type { Latin1 } from "./bytes.ts";

/**
 * How a file got into the frozen tree; `none`: not yet, or not at all, as its content is known; `view`: it is read where
 * it lies, in a snapshot of its volume.
 */
export type Means = "none" | "link" | "copy" | "reflink" | "view";

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
  /** Its ctime is so young that a change after this look could bear the same. */
  readonly fresh: boolean;
  /** Its content, and with it all else, is known by its fingerprint: not copied, attributes not read. */
  readonly known: boolean;
  /** Of a symlink. */
  readonly target: Latin1;
  /** Name and value, latin1; null where they are read from the frozen inode, or known. */
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
const MEANS = ["none", "link", "copy", "reflink", "view"] as const;
const GROUPED = 1;
const SPARSE = 2;
const SECRET = 4;
const YOUNG = 8;
const SYMLINK = 16;
const FRESH = 32;
/** Attributes were not read. */
const NOT_READ = 64;
const KNOWN = 128;
const CLASS_SHIFT = 8;
const MEANS_SHIFT = 10;

/** Bytes of a row without its texts. */
const FIXED = 80;
const NO_XATTRS: NonNullable<FileRow["xattrs"]> = [];

/** Bytes that `writeRow` may need. */
export function mostRowBytes(r: FileRow): number {
  const xattrs = r.xattrs === null || r.xattrs.length === 0 ? 0 : 3 * JSON.stringify(r.xattrs).length;
  return FIXED + r.name.length + r.target.length + xattrs;
}

/**
 * Writes a row at `at`, where `mostRowBytes` must have room; numbers stand in fixed places, as there may be millions of
 * rows, each written and read several times in a run. Returns where it ends.
 */
export function writeRow(r: FileRow, bytes: Buffer, view: DataView, at: number): number {
  const flags =
    (r.grouped ? GROUPED : 0) |
    (r.sparse ? SPARSE : 0) |
    (r.secret ? SECRET : 0) |
    (r.young ? YOUNG : 0) |
    (r.kind === "symlink" ? SYMLINK : 0) |
    (r.fresh ? FRESH : 0) |
    (r.known ? KNOWN : 0) |
    (r.xattrs === null ? NOT_READ : 0) |
    (CLASSES.indexOf(r.mutability) << CLASS_SHIFT) |
    (MEANS.indexOf(r.means) << MEANS_SHIFT);
  let end = at + FIXED;
  end += bytes.write(r.name, end, "latin1");
  if (r.target !== "") end += bytes.write(r.target, end, "latin1");
  const texts = end;
  if (r.xattrs !== null && r.xattrs.length > 0) end += bytes.write(JSON.stringify(r.xattrs), end, "utf8");
  view.setUint32(at, end - at, true);
  view.setUint16(at + 4, flags, true);
  view.setUint16(at + 6, r.mode, true);
  view.setUint32(at + 8, r.uid, true);
  view.setUint32(at + 12, r.gid, true);
  view.setFloat64(at + 16, r.size, true);
  view.setBigInt64(at + 24, r.mtimeNs, true);
  view.setBigInt64(at + 32, r.ctimeNs, true);
  view.setBigUint64(at + 40, r.ino, true);
  view.setFloat64(at + 48, r.number, true);
  view.setFloat64(at + 56, r.offset, true);
  view.setUint32(at + 64, r.name.length, true);
  view.setUint32(at + 68, r.target.length, true);
  view.setUint32(at + 72, end - texts, true);
  return end;
}

/** The row that `writeRow` wrote at `at`, in this very run. */
export function readRow(bytes: Buffer, view: DataView, at: number): FileRow {
  const flags = view.getUint16(at + 4, true);
  const name = at + FIXED;
  const target = name + view.getUint32(at + 64, true);
  const xattrs = target + view.getUint32(at + 68, true);
  const length = view.getUint32(at + 72, true);
  return {
    name: bytes.toString("latin1", name, target),
    kind: (flags & SYMLINK) === 0 ? "file" : "symlink",
    mode: view.getUint16(at + 6, true),
    uid: view.getUint32(at + 8, true),
    gid: view.getUint32(at + 12, true),
    size: view.getFloat64(at + 16, true),
    mtimeNs: view.getBigInt64(at + 24, true),
    ctimeNs: view.getBigInt64(at + 32, true),
    ino: view.getBigUint64(at + 40, true),
    mutability: CLASSES[(flags >> CLASS_SHIFT) & 3] ?? "mutable",
    means: MEANS[(flags >> MEANS_SHIFT) & 7] ?? "none",
    number: view.getFloat64(at + 48, true),
    offset: view.getFloat64(at + 56, true),
    grouped: (flags & GROUPED) !== 0,
    sparse: (flags & SPARSE) !== 0,
    secret: (flags & SECRET) !== 0,
    young: (flags & YOUNG) !== 0,
    fresh: (flags & FRESH) !== 0,
    known: (flags & KNOWN) !== 0,
    target: target === xattrs ? "" : bytes.toString("latin1", target, xattrs),
    xattrs: (flags & NOT_READ) !== 0 ? null : length === 0 ? NO_XATTRS : parse(bytes, xattrs, length),
  };
}

function parse(bytes: Buffer, at: number, length: number): FileRow["xattrs"] {
  return JSON.parse(bytes.toString("utf8", at, at + length)) as FileRow["xattrs"];
}

/** Bytes of the row at `at`; null where fewer than `end` allows are there to tell. */
export function rowLength(view: DataView, at: number, end: number): number | null {
  return at + 4 > end ? null : view.getUint32(at, true);
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
