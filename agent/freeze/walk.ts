import { readlinkSync } from "node:fs";
import { isFolder, isSymlink, type PathInfo } from "../../posix/stat.ts";
import type { CaptureSet, FileRule } from "../profiles/types.ts";
import { below, fromBytes, fromText, isBelow, type Latin1, toBytes } from "./bytes.ts";
import { FREEZE_FOLDER, type FrozenPlace } from "./frozen-place.ts";
import type { Lister } from "./list-ahead.ts";
import { failure, guard, isGone, list, ownerOf, statBelow, statOf, xattrsBelow, xattrsOf } from "./look.ts";
import type { Notes } from "./notes.ts";
import { type FileRow, type FolderHead, NO_COUNTS } from "./records.ts";
import { findByName, isVolatile, makeSums } from "./rows.ts";
import type { HeadCursor, WalkFiles, WalkWriter } from "./walk-files.ts";

/**
 * What a walk does with the plain files it meets, the rest it does by itself: makes the row of one file, or null where
 * it is not captured. Where that is long, as steps to be taken.
 */
export type FileHandler = (file: FoundFile) => FileRow | null | Generator<void, FileRow | null>;

/** A folder as long as its files are handled. */
export interface FoundIn {
  readonly place: FrozenPlace;
  /** Its path, and `<root name>/<path below it>`. */
  readonly source: Latin1;
  readonly shown: Latin1;
  /** Files changed after this moment count as young (ns). */
  readonly youngFrom: bigint;
  /** What changed after this moment may change again and bear the same time (ns). */
  readonly freshFrom: bigint;
  /** Mount points below the root, latin1. */
  readonly mounts: ReadonlySet<Latin1>;
}

export interface FoundFile {
  readonly folder: FoundIn;
  readonly name: Latin1;
  readonly rule: FileRule;
  /** The row that an earlier walk made of this name. */
  readonly old: FileRow | null;
}

export function pathOf({ folder, name }: FoundFile): Latin1 {
  return below(folder.source, name);
}

/** `<root name>/<path below it>`. */
export function shownOf({
  folder,
  name,
}: Pick<FoundFile, "name"> & { readonly folder: Pick<FoundIn, "shown"> }): Latin1 {
  return below(folder.shown, name);
}

export interface WalkOptions {
  readonly places: readonly FrozenPlace[];
  readonly profile: CaptureSet;
  readonly files: WalkFiles;
  readonly writer: WalkWriter;
  /** The heads of the walk before: folders that did not change since are not read again. */
  readonly before: HeadCursor | null;
  readonly handle: FileHandler;
  /** Default: folders are listed when it is their turn. */
  readonly lister?: Lister;
  readonly notes: Notes;
  /** True where the node is said to be down: no file is in the writing any more. */
  readonly settled: boolean;
  /** False: files of folders that did not change are taken over as they were, since a later walk looks at them. */
  readonly again?: boolean;
  /** Mount points, latin1. */
  readonly mounts: ReadonlySet<Latin1>;
  /** Told of folders on another device than their root, by their path. */
  readonly nested?: (path: Latin1) => void;
}

/** A folder's times are exact to a clock tick, or to 2 s on old file systems: what lies that close may hide a change. */
const CLOCK_MARGIN = 2_000_000_000n;
/** While a node runs, a file may be in the writing though nothing was written to it for a while. */
const WRITING_MARGIN = 3_600_000_000_000n;

/**
 * Walks all roots once, in the order of entries, and writes what it finds; finishing the writer is left to the caller. Yields often: whoever drives it may stop
 * there. Folders and files that vanish meanwhile are left out.
 * @throws ColdkeepError `permission`, `no-space`, else `internal`.
 */
export function* walk(o: WalkOptions): Generator<void> {
  for (const [root, place] of o.places.entries()) {
    const now = place.now();
    const filesFrom = now - (o.settled ? CLOCK_MARGIN : WRITING_MARGIN);
    const name = fromText(place.root.name);
    const mounts = new Set([...o.mounts].filter((point) => isBelow(point, place.path === "/" ? "" : place.path)));
    yield* visit(o, { root, place, name, foldersFrom: now - CLOCK_MARGIN, filesFrom, mounts }, "");
  }
}

interface Root {
  readonly root: number;
  readonly place: FrozenPlace;
  /** The root's name, latin1. */
  readonly name: Latin1;
  readonly foldersFrom: bigint;
  readonly filesFrom: bigint;
  /** Mount points below it. */
  readonly mounts: ReadonlySet<Latin1>;
}

/** Files between two moments at which a walk may be stopped: handing on through all its folders costs more than a file. */
const STEP = 16;

function* visit(o: WalkOptions, at: Root, path: Latin1): Generator<void> {
  const { before, writer } = o;
  const source = path === "" ? at.place.path : below(at.place.path, path);
  const info = statOf(source);
  const old = before?.take(at.root, path) ?? null;
  if (info === null || !isFolder(info)) {
    before?.leave(at.root, path);
    return;
  }
  const { dev, readDev = dev } = at.place;
  const isMounted = path !== "" && (info.dev !== readDev || at.mounts.has(source));
  if (isMounted) {
    o.nested?.(source);
    o.notes.add(
      "another file system is mounted here and not captured: name it and its neighbours as roots, in place of the folder around them, or exclude it",
      below(at.name, path),
    );
    writer.end({ ...headOf(at, path, info, source), volatile: false, counts: NO_COUNTS });
    before?.leave(at.root, path);
    return;
  }
  if (old !== null && !old.young && isSame(old, info)) {
    if (old.volatile && o.again !== false) yield* again(o, at, old, source);
    else writer.keep(old);
    for (;;) {
      const child = before?.peekChild(at.root, path) ?? null;
      if (child === null) return;
      yield;
      yield* visit(o, at, child.path);
    }
  }
  const folders = yield* read(o, at, path, source, info, old);
  for (const name of folders) {
    yield;
    yield* visit(o, at, below(path, name));
  }
  before?.leave(at.root, path);
}

/** Reads a folder; returns the names of the folders in it, in order. */
function* read(
  o: WalkOptions,
  at: Root,
  path: Latin1,
  source: Latin1,
  info: PathInfo,
  old: FolderHead | null,
): Generator<void, Latin1[]> {
  const { files, symlinks, folders } = sort(o, at, path, source);
  o.lister?.expect(source, folders);
  const rules = o.profile.classify({ path, files });
  const known = old === null ? null : findByName(o.files.rows(old));
  const folder = foundIn(at, path, source);
  const sums = makeSums();
  for (let file = 0, link = 0; file < files.length || link < symlinks.length; ) {
    const isLink = file === files.length || (symlinks[link] ?? files[file] ?? "") < (files[file] ?? "");
    const rule = rules[file] ?? MUTABLE;
    const name = (isLink ? symlinks[link++] : files[file++]) ?? "";
    let row: FileRow | null;
    if (isLink) row = symlinkRow(source, name);
    else {
      const made = handle(o, { folder, name, rule, old: known?.(name) ?? null });
      row = made === null || !("next" in made) ? made : yield* made;
    }
    if ((file + link) % STEP === 0) yield;
    if (row === null) continue;
    sums.add(row);
    o.writer.row(row);
  }
  o.writer.end({ ...headOf(at, path, info, source), ...sums.sums() });
  return folders;
}

const MUTABLE: FileRule = { mutability: "mutable" };

/** Handles the files of a folder that did not change: only those that may have changed without it. */
function* again(o: WalkOptions, at: Root, old: FolderHead, source: Latin1): Generator<void> {
  const folder = foundIn(at, old.path, source);
  const sums = makeSums();
  let count = 0;
  for (const row of o.files.rows(old)) {
    let next: FileRow | null = row;
    if (isVolatile(row)) {
      const { name, mutability, secret } = row;
      const made = handle(o, { folder, name, rule: secret ? { mutability, secret } : RULES[mutability], old: row });
      next = made === null || !("next" in made) ? made : yield* made;
    }
    count += 1;
    if (count % STEP === 0) yield;
    if (next === null) continue;
    sums.add(next);
    o.writer.row(next);
  }
  const { rows: _, ...head } = old;
  o.writer.end({ ...head, ...sums.sums() });
}

const RULES = {
  immutable: { mutability: "immutable" },
  "append-only": { mutability: "append-only" },
  mutable: MUTABLE,
} as const;

function foundIn(at: Root, path: Latin1, source: Latin1): FoundIn {
  const { place, name, filesFrom, foldersFrom, mounts } = at;
  return { place, source, shown: below(name, path), youngFrom: filesFrom, freshFrom: foldersFrom, mounts };
}

function handle(o: WalkOptions, file: FoundFile): ReturnType<FileHandler> {
  const { rule } = file;
  if (rule.mutability === "omitted") {
    o.notes.add(`left out: ${rule.why ?? "rebuildable"}`, shownOf(file));
    return null;
  }
  if (file.folder.mounts.size > 0 && file.folder.mounts.has(pathOf(file))) {
    o.notes.add("another file is mounted over it, and not captured", shownOf(file));
    return null;
  }
  try {
    const made = o.handle(file);
    return made === null || !("next" in made) ? made : attempt(file, made);
  } catch (error) {
    return unlessGone(error, file);
  }
}

/** Names in order: plain files for the profile, symlinks, folders to go into. Little more than the names is held. */
function sort(o: WalkOptions, at: Root, path: Latin1, source: Latin1) {
  const files: Latin1[] = [];
  const symlinks: Latin1[] = [];
  const folders: Latin1[] = [];
  (o.lister?.list ?? list)(source, (name, kind) => {
    if (kind === "file") files.push(name);
    else if (kind === "symlink") symlinks.push(name);
    else if (kind === "folder") {
      const why = o.profile.omitFolder(below(path, name));
      if (why !== null) o.notes.add(`left out: ${why}`, below(at.name, below(path, name)));
      else if (!isOurs(path, name)) folders.push(name);
    } else o.notes.add("a socket, FIFO or device: not captured", below(at.name, below(path, name)));
  });
  return { files: files.sort(byBytes), symlinks: symlinks.sort(byBytes), folders: folders.sort(byBytes) };
}

/** Frozen trees, and what a restore may have beside its target, where the root is a mount point. */
function isOurs(path: Latin1, name: Latin1): boolean {
  return name === FREEZE_FOLDER || (path === "" && name.startsWith(".coldkeep-"));
}

function headOf(at: Root, path: Latin1, info: PathInfo, source: Latin1) {
  const { ino, mtimeNs, ctimeNs } = info;
  const { dev: own, readDev } = at.place;
  const dev = info.dev === readDev ? own : info.dev;
  return {
    root: at.root,
    path,
    ...ownerOf(info),
    dev,
    ino,
    mtimeNs,
    ctimeNs,
    xattrs: xattrsOf(source),
    young: mtimeNs >= at.foldersFrom || ctimeNs >= at.foldersFrom,
  };
}

function isSame(head: FolderHead, info: PathInfo): boolean {
  return (
    head.ino === info.ino && head.dev === info.dev && head.mtimeNs === info.mtimeNs && head.ctimeNs === info.ctimeNs
  );
}

function symlinkRow(folder: Latin1, name: Latin1): FileRow | null {
  const info = statBelow(folder, name);
  if (info === null || !isSymlink(info)) return null;
  const path = below(folder, name);
  const target = guard(path, () => fromBytes(readlinkSync(toBytes(path), "buffer")));
  if (target === null) return null;
  return {
    name,
    kind: "symlink",
    ...ownerOf(info),
    size: 0,
    mtimeNs: info.mtimeNs,
    ctimeNs: info.ctimeNs,
    ino: info.ino,
    mutability: "mutable",
    means: "none",
    number: 0,
    offset: 0,
    grouped: false,
    sparse: false,
    secret: false,
    young: false,
    fresh: false,
    known: false,
    target,
    xattrs: xattrsBelow(folder, name),
  };
}

/** Takes a handler's steps. */
function* attempt(file: FoundFile, steps: Generator<void, FileRow | null>): Generator<void, FileRow | null> {
  try {
    return yield* steps;
  } catch (error) {
    return unlessGone(error, file);
  }
}

/** A file that is proven to have vanished under its handler is not captured. */
function unlessGone(error: unknown, file: FoundFile): null {
  const path = pathOf(file);
  // The same error tells of a frozen tree that somebody removed.
  if (isGone(error) && statOf(path) === null) return null;
  throw failure(error, path);
}

function byBytes(a: Latin1, b: Latin1): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
