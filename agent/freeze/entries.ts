import { fromSystemError } from "../../posix/system-error.ts";
import { toFileTime } from "../../posix/times.ts";
import { readXattrs } from "../../posix/xattrs.ts";
import { below, fromText, isBelow, type Latin1, toBytes } from "./bytes.ts";
import { type FileGroups, groupKey } from "./file-groups.ts";
import { fingerprintOf } from "./fingerprint.ts";
import type { FrozenPlace } from "./frozen-place.ts";
import type { Notes } from "./notes.ts";
import type { FileRow, FolderHead } from "./records.ts";
import type { FrozenEntry } from "./types.ts";
import { type HeadCursor, makeCursor, type WalkFiles } from "./walk-files.ts";

export interface EntriesOptions {
  readonly places: readonly FrozenPlace[];
  readonly files: WalkFiles;
  /** The walk that captured. */
  readonly walk: number;
  readonly groups: FileGroups;
  readonly notes: Notes;
}

/** The format's bounds on extended attributes (docs/FORMAT.md); Linux allows somewhat more. */
const MAX_XATTRS = 1024;
const MAX_XATTR_NAME = 255;
const MAX_XATTR_BYTES = 1 << 20;

/** The entries of the frozen tree in order, read from disk as they are asked for. */
export function* readEntries(o: EntriesOptions): Generator<FrozenEntry> {
  const cursor = makeCursor(o.files.heads(o.walk));
  const first = new Map<string, Latin1>();
  try {
    for (const [root] of o.places.entries()) {
      const head = cursor.take(root, "");
      if (head !== null) yield* folderEntries(o, head, cursor, first);
    }
  } finally {
    cursor.close();
  }
}

function* folderEntries(
  o: EntriesOptions,
  head: FolderHead,
  cursor: HeadCursor,
  first: Map<string, Latin1>,
): Generator<FrozenEntry> {
  const place = o.places[head.root];
  if (place === undefined) return;
  const path = below(fromText(place.root.name), head.path);
  yield folderEntry(o, head, path);
  for (const row of o.files.rows(head)) {
    yield* foldersBefore(o, head, row.name, cursor, first);
    yield row.kind === "symlink" ? symlinkEntry(o, row, path) : fileEntry(o, head, row, path, place, first);
  }
  yield* foldersBefore(o, head, null, cursor, first);
}

/** The folders in `head` whose names come before `name`; all that are left where it is null. */
function* foldersBefore(
  o: EntriesOptions,
  head: FolderHead,
  name: Latin1 | null,
  cursor: HeadCursor,
  first: Map<string, Latin1>,
): Generator<FrozenEntry> {
  for (;;) {
    const child = cursor.peekChild(head.root, head.path);
    if (child === null || !isBelow(child.path, head.path)) return;
    const own = head.path === "" ? child.path : child.path.slice(head.path.length + 1);
    if (name !== null && own > name) return;
    cursor.take(child.root, child.path);
    yield* folderEntries(o, child, cursor, first);
  }
}

const NOTHING = new Uint8Array(0);

function folderEntry(o: EntriesOptions, head: FolderHead, path: Latin1): FrozenEntry {
  const { mode, uid, gid, mtimeNs } = head;
  return {
    path: toBytes(path),
    type: "directory",
    ...{ mode, uid, gid, mtime: toFileTime(mtimeNs), size: 0, source: NOTHING, offset: 0, linked: false },
    ...{ mutability: "mutable", secret: false, sparse: false, known: false, fingerprint: "" },
    ...carried(o, head.xattrs.map(toXattr), path),
  };
}

function symlinkEntry(o: EntriesOptions, row: FileRow, folder: Latin1): FrozenEntry {
  const path = below(folder, row.name);
  return {
    ...common(row, path),
    type: "symlink",
    target: toBytes(row.target),
    ...carried(o, (row.xattrs ?? []).map(toXattr), path),
  };
}

function fileEntry(
  o: EntriesOptions,
  head: FolderHead,
  row: FileRow,
  folder: Latin1,
  place: FrozenPlace,
  first: Map<string, Latin1>,
): FrozenEntry {
  const path = below(folder, row.name);
  if (row.known) return new KnownEntry(row, path, fingerprintOf(place.volume, row, place.honestTimes));
  const inode = { dev: head.dev, ino: row.ino };
  const group = row.grouped ? o.groups.get(inode) : undefined;
  const key = group === undefined ? "" : groupKey(inode);
  const before = group === undefined ? undefined : first.get(key);
  if (before !== undefined) return { ...common(row, path), type: "hardlink", target: toBytes(before) };
  if (group !== undefined) first.set(key, path);
  const { number, offset, means, xattrs: noted } = group ?? row;
  const source = means === "view" ? toBytes(below(below(place.path, head.path), row.name)) : place.pathOf(number);
  const mutability = group?.mutability ?? row.mutability;
  const xattrs = noted === null ? ownXattrs(source, path) : noted.map(toXattr);
  return new PlainEntry(row, path, {
    source,
    offset,
    spooled: means === "copy" && place.isShared(number),
    linked: means === "link",
    mutability,
    secret: group?.secret ?? row.secret,
    fingerprint: fingerprintOf(place.volume, { ...row, mutability }, place.honestTimes),
    ...carried(o, xattrs, path),
  });
}

/** A plain file. There may be a million: what nobody asks for is not made. */
abstract class FileEntry implements FrozenEntry {
  readonly type = "file";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly sparse: boolean;
  readonly text: Latin1;
  abstract readonly known: boolean;
  abstract readonly secret: boolean;
  abstract readonly source: Uint8Array;
  abstract readonly offset: number;
  abstract readonly linked: boolean;
  abstract readonly mutability: FrozenEntry["mutability"];
  abstract readonly fingerprint: string;
  readonly #mtimeNs: bigint;

  constructor({ mode, uid, gid, size, sparse, mtimeNs }: FileRow, text: Latin1) {
    this.mode = mode;
    this.uid = uid;
    this.gid = gid;
    this.size = size;
    this.sparse = sparse;
    this.text = text;
    this.#mtimeNs = mtimeNs;
  }

  get path(): Uint8Array {
    return toBytes(this.text);
  }

  get mtime(): FrozenEntry["mtime"] {
    return toFileTime(this.#mtimeNs);
  }
}

/** One of which all is known elsewhere. */
class KnownEntry extends FileEntry {
  readonly known = true;
  readonly secret: boolean;
  readonly source = NOTHING;
  readonly offset = 0;
  readonly linked = false;
  readonly mutability = "mutable";
  readonly fingerprint: string;

  constructor(row: FileRow, text: Latin1, fingerprint: string) {
    super(row, text);
    this.secret = row.secret;
    this.fingerprint = fingerprint;
  }
}

type Readable = Pick<
  FrozenEntry,
  "source" | "offset" | "spooled" | "linked" | "mutability" | "secret" | "fingerprint" | "xattrs"
>;

/** One that is read from the frozen tree. */
class PlainEntry extends FileEntry {
  readonly known = false;
  readonly secret: boolean;
  readonly source: Uint8Array;
  readonly offset: number;
  readonly spooled: boolean;
  readonly linked: boolean;
  readonly mutability: FrozenEntry["mutability"];
  readonly fingerprint: string;
  declare readonly xattrs?: NonNullable<FrozenEntry["xattrs"]>;

  constructor(row: FileRow, text: Latin1, o: Readable) {
    super(row, text);
    this.secret = o.secret;
    this.source = o.source;
    this.offset = o.offset;
    this.spooled = o.spooled === true;
    this.linked = o.linked;
    this.mutability = o.mutability;
    this.fingerprint = o.fingerprint;
    if (o.xattrs !== undefined) this.xattrs = o.xattrs;
  }
}

function common({ mode, uid, gid, mtimeNs }: FileRow, path: Latin1) {
  return {
    path: toBytes(path),
    ...{ mode, uid, gid, mtime: toFileTime(mtimeNs), size: 0, source: NOTHING, offset: 0, linked: false },
    ...{ mutability: "mutable" as const, secret: false, sparse: false, known: false, fingerprint: "" },
  };
}

type Xattr = NonNullable<FrozenEntry["xattrs"]>[number];

function toXattr([name, value]: readonly [string, Latin1]): Xattr {
  return { name, value: toBytes(value) };
}

function ownXattrs(source: Buffer, path: Latin1): Xattr[] {
  try {
    return readXattrs(source);
  } catch (error) {
    throw fromSystemError(error, { what: "cannot read a frozen file", on: toBytes(path), otherwise: "integrity" });
  }
}

/** What the format can hold of an entry's attributes; the rest is told. */
function carried(o: EntriesOptions, xattrs: readonly Xattr[], path: Latin1): { xattrs?: readonly Xattr[] } {
  if (xattrs.length === 0) return {};
  let bytes = 0;
  const kept = xattrs.filter(({ name, value }, i) => {
    bytes += name.length + value.length;
    return i < MAX_XATTRS && Buffer.byteLength(name) <= MAX_XATTR_NAME && bytes <= MAX_XATTR_BYTES;
  });
  if (kept.length < xattrs.length) o.notes.add("some extended attributes are too long or too many", path);
  return kept.length === 0 ? {} : { xattrs: kept };
}
