import { isFile, type PathInfo } from "../../posix/stat.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import { fromBytes, toText } from "./bytes.ts";
import { type FileGroups, stricter } from "./file-groups.ts";
import { fingerprintOf } from "./fingerprint.ts";
import type { FrozenPlace } from "./frozen-place.ts";
import type { InodeSet } from "./inode-set.ts";
import { statBelow, statOf, xattrsBelow } from "./look.ts";
import type { ReadAhead } from "./read-ahead.ts";
import type { FileRow } from "./records.ts";
import { allocated, assertRoom, type CopyNeeds, isSparse } from "./space.ts";
import type { KnownFiles } from "./types.ts";
import { type FileHandler, type FoundFile, pathOf, shownOf } from "./walk.ts";

/** Inodes of captured files by device. */
export type Inodes = ReadonlyMap<bigint, InodeSet>;

/**
 * While the node may still run: links what never changes (or copies it, where it cannot be linked), and counts what
 * will have to be copied once the node is down.
 * @param twice takes the inodes of which this walk, if it is the first, meets another name
 */
export function whileRunning(
  inodes: Inodes,
  needs: CopyNeeds,
  readAhead: ReadAhead | null,
  known: IsKnown = () => false,
  twice: Inodes | null = null,
): FileHandler {
  return (file) => {
    const { folder, rule, old } = file;
    const { place } = folder;
    const remember = (info: PathInfo) => {
      if (info.nlink > 1 && holds(inodes, info)) put(twice, info);
      put(inodes, info);
    };
    if (rule.mutability === "mutable") {
      const info = plainFile(file);
      if (info === null) return null;
      remember(info);
      needs.add(place, info);
      // A guess at what will be so once the node is down; until then any file may be in the writing.
      const guess = known(file, info);
      if (!guess && !place.reflinks) readAhead?.(pathOf(file), info);
      return rowOf(file, info, { mutability: "mutable", means: "none", ...NOWHERE, links: 1, known: guess });
    }
    if (rule.mutability === "omitted") return null;
    const { mutability } = rule;
    if (old !== null && old.number > 0) {
      const info = plainFile(file);
      if (info === null) return null;
      remember(info);
      const links = old.means === "link" ? 2 : 1;
      if (stillHolds(old, info)) return rowOf(file, info, { mutability, means: old.means, ...placeOf(old), links });
    }
    const number = place.link(pathOf(file));
    if (number !== null) {
      // The frozen inode is the one that counts, whatever took its name meanwhile.
      const info = statOf(fromBytes(place.pathOf(number)));
      if (info === null || !isFile(info)) return null;
      remember(info);
      return rowOf(file, info, { mutability, means: "link", number, offset: 0, links: 2 });
    }
    const info = plainFile(file);
    if (info === null) return null;
    remember(info);
    // What only grows is copied with the mutable ones, when it has stopped growing.
    if (mutability === "append-only") {
      needs.add(place, info);
      return rowOf(file, info, { mutability, means: "none", ...NOWHERE, links: 1 });
    }
    assertRoom(place, place.reflinks ? 0 : allocated(info));
    return copied(file, info);
  };

  function* copied(file: FoundFile, info: PathInfo): Generator<void, FileRow> {
    const copy = yield* copyOf(file, info);
    return rowOf(file, info, { mutability: "immutable", ...copy, links: 1 });
  }
}

/** Whether the content of a file, if nobody is writing to it, is in the vault: then nobody will read it. */
export type IsKnown = (file: FoundFile, info: PathInfo) => boolean;

/** By their fingerprints, which files' contents are known. Grouped ones are not: another of their names may be read. */
export function knownBy(known: KnownFiles | undefined): IsKnown {
  if (known === undefined) return () => false;
  return (file, { nlink, ino, size, mtimeNs, ctimeNs }) => {
    if (file.rule.mutability !== "mutable" || nlink > 1) return false;
    const { volume, honestTimes } = file.folder.place;
    const found = { mutability: "mutable", ino, size, mtimeNs, ctimeNs, young: false, grouped: false } as const;
    const fingerprint = fingerprintOf(volume, found, honestTimes);
    return fingerprint !== "" && known.has(shownOf(file), fingerprint);
  };
}

/**
 * Once the node is proven down: brings every row up to date and copies what is mutable and not known.
 * @param guessed true where the walk before guessed by the very same `known`
 */
export function onceStopped(
  inodes: Inodes,
  fresh: Inodes,
  groups: FileGroups,
  known: IsKnown = () => false,
  guessed = false,
): FileHandler {
  return (file) => {
    const { rule, old } = file;
    if (rule.mutability === "omitted") return null;
    const info = plainFile(file);
    if (info === null) return null;
    if (guessed && old?.known === true && isUntouched(file, old, info)) return { ...old, young: false, fresh: false };
    remember(fresh, info, inodes);
    const { mutability } = rule;
    const links = old?.means === "link" && old.ino === info.ino ? 2 : 1;
    if (info.nlink > links) {
      const group = groups.get(info);
      // A link will not do for a file that turns out to be written through this name.
      if (group !== undefined && (group.mutability === "mutable" || mutability !== "mutable")) {
        const secret = rule.secret === true || group.secret;
        groups.add(info, { ...group, mutability: stricter(group.mutability, mutability), secret });
        return rowOf(file, info, { mutability, means: group.means, ...placeOf(group), links });
      }
    }
    if (isYoung(file, info, mutability) || !known(file, info)) return taken(file, info, links);
    return rowOf(file, info, { mutability, means: "none", ...NOWHERE, links, known: true });
  };

  function* taken(file: FoundFile, info: PathInfo, links: number): Generator<void, FileRow | null> {
    const { rule } = file;
    if (rule.mutability === "omitted") return null;
    const { mutability } = rule;
    const met = info.nlink > links ? groups.metAs(info) : undefined;
    const strictest = stricter(met?.mutability ?? mutability, mutability);
    const means = yield* take(file, info, strictest);
    const row = rowOf(file, info, { ...means, mutability, links });
    if (row.grouped) {
      const secret = rule.secret === true || met?.secret === true;
      groups.add(info, { ...means, size: row.size, mutability: strictest, secret, xattrs: row.xattrs });
    }
    return row;
  }

  function* take(file: FoundFile, info: PathInfo, mutability: FileRow["mutability"]) {
    const { folder, old } = file;
    if (mutability !== "mutable") {
      if (old !== null && old.number > 0 && stillHolds(old, info)) return { means: old.means, ...placeOf(old) };
      const number = folder.place.link(pathOf(file));
      if (number !== null) return { means: "link" as const, number, offset: 0 };
    }
    return yield* copyOf(file, info);
  }
}

/**
 * Looks at files that a snapshot is taken of, and remembers their inodes, but those that are `known`.
 */
export function whileLooking(inodes: Inodes, known?: Inodes): FileHandler {
  return (file) => {
    const { rule } = file;
    if (rule.mutability === "omitted") return null;
    const info = plainFile(file);
    if (info === null) return null;
    remember(inodes, info, known);
    return rowOf(file, info, { mutability: rule.mutability, means: "view", ...NOWHERE, links: 1 });
  };
}

/** In a snapshot: every file is there for good, and read where it lies. */
export function inSnapshot(groups: FileGroups, known: IsKnown): FileHandler {
  return (file) => {
    const { rule, folder } = file;
    if (rule.mutability === "omitted") return null;
    const info = plainFile(file);
    if (info === null) return null;
    const { mutability } = rule;
    const isKnown = !isYoung(file, info, mutability) && known(file, info);
    const means = isKnown ? "none" : "view";
    const row = rowOf(file, info, { mutability, means, ...NOWHERE, links: 1, known: isKnown });
    if (row.grouped) {
      const inode = { dev: folder.place.dev, ino: info.ino };
      const met = groups.metAs(inode);
      groups.add(inode, {
        ...NOWHERE,
        means,
        size: row.size,
        mutability: stricter(met?.mutability ?? mutability, mutability),
        secret: row.secret || met?.secret === true,
        xattrs: row.xattrs,
      });
    }
    return row;
  };
}

/** Not in the frozen tree yet. */
const NOWHERE = { number: 0, offset: 0 } as const;

function placeOf({ number, offset }: Pick<FileRow, "number" | "offset">) {
  return { number, offset };
}

function copyOf(file: FoundFile, info: PathInfo) {
  // Another name of it may be that of a secret.
  const told = file.rule.mutability !== "omitted" && file.rule.secret !== true && info.nlink === 1;
  return file.folder.place.copy(pathOf(file), { size: info.size, sparse: isSparse(info), told });
}

/** True where the frozen inode still is what the name leads to; a copy must also be of this very state. */
function stillHolds(old: FileRow, info: PathInfo): boolean {
  if (old.ino !== info.ino) return false;
  return old.means === "link" || (old.size === info.size && old.mtimeNs === info.mtimeNs);
}

/** What a walk met, where it still is a plain file. @throws ColdkeepError. */
export function plainFile({ folder, name }: Pick<FoundFile, "folder" | "name">): PathInfo | null {
  const info = statBelow(folder.source, name);
  return info !== null && isFile(info) ? info : null;
}

/** The very state that an earlier walk saw, and one that no later change can hide behind. */
function isUntouched(file: FoundFile, old: FileRow, info: PathInfo): boolean {
  return (
    old.ino === info.ino &&
    old.ctimeNs === info.ctimeNs &&
    old.mtimeNs === info.mtimeNs &&
    old.size === info.size &&
    old.mutability === file.rule.mutability &&
    old.secret === (file.rule.secret === true) &&
    info.nlink === 1 &&
    !isYoung(file, info, old.mutability)
  );
}

/** What is copied is known again by its ctime; a link of ours moves that, and then it says nothing. */
function isYoung({ folder }: FoundFile, { mtimeNs, ctimeNs }: PathInfo, mutability: FileRow["mutability"]): boolean {
  return mtimeNs >= folder.youngFrom || (mutability === "mutable" && ctimeNs >= folder.youngFrom);
}

function remember(into: Inodes, info: PathInfo, known?: Inodes): void {
  if (known === undefined || !holds(known, info)) put(into, info);
}

function put(into: Inodes | null, { dev, ino }: PathInfo): void {
  into?.get(dev)?.add(Number(ino));
}

/** Whether a set of inodes has that of a file. */
export function holds(inodes: Inodes, { dev, ino }: Pick<PathInfo, "dev" | "ino">): boolean {
  return inodes.get(dev)?.has(Number(ino)) === true;
}

function rowOf(
  file: FoundFile,
  info: PathInfo,
  state: Pick<FileRow, "mutability" | "means" | "number" | "offset"> & {
    readonly links: number;
    readonly known?: boolean;
  },
): FileRow {
  const { name, rule, old, folder } = file;
  const { mutability, means, number, offset, links, known = false } = state;
  if (info.size > Number.MAX_SAFE_INTEGER) {
    throw new ColdkeepError("refused", { what: "a file is too large to be captured", on: toText(shownOf(file)) });
  }
  return {
    name,
    kind: "file",
    mode: info.mode & 0o7777,
    uid: info.uid,
    gid: info.gid,
    size: info.size,
    mtimeNs: info.mtimeNs,
    ctimeNs: info.ctimeNs,
    ino: info.ino,
    mutability,
    means,
    number,
    offset,
    grouped: info.nlink > links,
    sparse: isSparse(info),
    secret: rule.secret === true,
    young: isYoung(file, info, mutability),
    fresh: info.ctimeNs >= folder.freshFrom,
    known,
    target: "",
    // A link shows its attributes itself; a copy may not be allowed to carry them all.
    xattrs:
      means === "link" || means === "view" || known
        ? null
        : (sameXattrs(old, info) ?? xattrsBelow(folder.source, name)),
  };
}

/** What an earlier walk read: each change of them moves the ctime. */
function sameXattrs(old: FileRow | null, { ino, ctimeNs }: PathInfo): FileRow["xattrs"] {
  return old !== null && !old.fresh && old.ino === ino && old.ctimeNs === ctimeNs ? old.xattrs : null;
}

/** The frozen places' devices, each with an empty set. */
export function makeInodes(places: readonly FrozenPlace[], make: () => InodeSet): Inodes {
  return new Map(places.map(({ dev }) => [dev, make()]));
}
