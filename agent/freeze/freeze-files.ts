import type { BigIntStats } from "node:fs";
import { ColdkeepError } from "../../vault/names/index.ts";
import { fromBytes, toText } from "./bytes.ts";
import { type FileGroups, groupKey, stricter } from "./file-groups.ts";
import { fingerprintOf } from "./fingerprint.ts";
import type { FrozenPlace } from "./frozen-place.ts";
import type { InodeSet } from "./inode-set.ts";
import { ownerOf, statOf, xattrsOf } from "./look.ts";
import type { ReadAhead } from "./read-ahead.ts";
import type { FileRow } from "./records.ts";
import { allocated, assertRoom, type CopyNeeds, isSparse } from "./space.ts";
import type { KnownFiles } from "./types.ts";
import type { FileHandler, FoundFile } from "./walk.ts";

/** Inodes of captured files by device. */
export type Inodes = ReadonlyMap<bigint, InodeSet>;

/**
 * While the node may still run: links what never changes (or copies it, where it cannot be linked), and counts what
 * will have to be copied once the node is down.
 */
export function whileRunning(
  inodes: Inodes,
  needs: CopyNeeds,
  readAhead: ReadAhead | null,
  known: IsKnown = () => false,
): FileHandler {
  return function* (file) {
    const { place, path, rule, old } = file;
    if (rule.mutability === "mutable") {
      const info = plainFile(file);
      if (info === null) return null;
      remember(inodes, info);
      needs.add(place, info);
      const row = rowOf(file, info, { mutability: "mutable", means: "none", ...NOWHERE, links: 1 });
      // A guess at what will be so once the node is down; until then any file may be in the writing.
      if (!place.reflinks && !known(file, { ...row, young: false })) readAhead?.(path, info);
      return row;
    }
    if (rule.mutability === "omitted") return null;
    const { mutability } = rule;
    if (old !== null && old.number > 0) {
      const info = plainFile(file);
      if (info === null) return null;
      remember(inodes, info);
      const links = old.means === "link" ? 2 : 1;
      if (stillHolds(old, info)) return rowOf(file, info, { mutability, means: old.means, ...placeOf(old), links });
    }
    const number = place.link(path);
    if (number !== null) {
      // The frozen inode is the one that counts, whatever took its name meanwhile.
      const info = statOf(fromBytes(place.pathOf(number)));
      if (info?.isFile() !== true) return null;
      remember(inodes, info);
      return rowOf(file, info, { mutability, means: "link", number, offset: 0, links: 2 });
    }
    const info = plainFile(file);
    if (info === null) return null;
    remember(inodes, info);
    // What only grows is copied with the mutable ones, when it has stopped growing.
    if (mutability === "append-only") {
      needs.add(place, info);
      return rowOf(file, info, { mutability, means: "none", ...NOWHERE, links: 1 });
    }
    assertRoom(place, place.reflinks ? 0n : allocated(info));
    const copy = yield* copyOf(file, info);
    return rowOf(file, info, { mutability, ...copy, links: 1 });
  };
}

/** Whether the content of a file as its row tells it is in the vault: then nobody will read it. */
export type IsKnown = (file: FoundFile, row: FileRow) => boolean;

/** By their fingerprints, which files' contents are known. Grouped ones are not: another of their names may be read. */
export function knownBy(known: KnownFiles | undefined): IsKnown {
  if (known === undefined) return () => false;
  return ({ place, shown }, row) => {
    if (row.mutability !== "mutable" || row.grouped) return false;
    const fingerprint = fingerprintOf(place.dev, row, place.honestTimes);
    return fingerprint !== "" && known.has(shown, fingerprint);
  };
}

/** Once the node is proven down: brings every row up to date and copies what is mutable and not known. */
export function onceStopped(
  inodes: Inodes,
  fresh: Inodes,
  groups: FileGroups,
  known: IsKnown = () => false,
): FileHandler {
  return function* (file) {
    const { rule, old } = file;
    if (rule.mutability === "omitted") return null;
    const info = plainFile(file);
    if (info === null) return null;
    remember(fresh, info, inodes);
    const { mutability } = rule;
    const key = groupKey(info.dev, info.ino);
    const links = old?.means === "link" && old.ino === info.ino ? 2 : 1;
    const group = info.nlink > BigInt(links) ? groups.get(key) : undefined;
    const strictest = stricter(group?.mutability ?? mutability, mutability);
    const secret = rule.secret === true || group?.secret === true;
    // A link will not do for a file that turns out to be written through this name.
    if (group !== undefined && (group.mutability === "mutable" || mutability !== "mutable")) {
      groups.set(key, { ...group, mutability: strictest, secret });
      return rowOf(file, info, { mutability, means: group.means, ...placeOf(group), links });
    }
    const uncopied = rowOf(file, info, { mutability, means: "none", ...NOWHERE, links });
    if (known(file, uncopied)) return uncopied;
    const taken = yield* take(file, info);
    const row = rowOf(file, info, { ...taken, mutability, links });
    if (row.grouped) groups.set(key, { ...taken, size: row.size, mutability: strictest, secret, xattrs: row.xattrs });
    return row;
  };

  function* take(file: FoundFile, info: BigIntStats) {
    const { place, path, rule, old } = file;
    if (rule.mutability !== "mutable") {
      if (old !== null && old.number > 0 && stillHolds(old, info)) return { means: old.means, ...placeOf(old) };
      const number = place.link(path);
      if (number !== null) return { means: "link" as const, number, offset: 0 };
    }
    return yield* copyOf(file, info);
  }
}

/** Not in the frozen tree yet. */
const NOWHERE = { number: 0, offset: 0 } as const;

function placeOf({ number, offset }: Pick<FileRow, "number" | "offset">) {
  return { number, offset };
}

function copyOf({ place, path }: FoundFile, info: BigIntStats) {
  return place.copy(path, Number(info.size), isSparse(info));
}

/** True where the frozen inode still is what the name leads to; a copy must also be of this very state. */
function stillHolds(old: FileRow, info: BigIntStats): boolean {
  if (old.ino !== info.ino) return false;
  return old.means === "link" || (BigInt(old.size) === info.size && old.mtimeNs === info.mtimeNs);
}

function plainFile({ path }: FoundFile): BigIntStats | null {
  const info = statOf(path);
  return info?.isFile() === true ? info : null;
}

function remember(into: Inodes, { dev, ino }: BigIntStats, known?: Inodes): void {
  if (known?.get(dev)?.has(Number(ino)) !== true) into.get(dev)?.add(Number(ino));
}

function rowOf(
  { name, path, rule, old, youngFrom, shown }: FoundFile,
  info: BigIntStats,
  state: Pick<FileRow, "mutability" | "means" | "number" | "offset"> & { readonly links: number },
): FileRow {
  const { mutability, means, number, offset, links } = state;
  if (info.size > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new ColdkeepError("refused", { what: "a file is too large to be captured", on: toText(shown) });
  }
  return {
    name,
    kind: "file",
    ...ownerOf(info),
    size: Number(info.size),
    mtimeNs: info.mtimeNs,
    ctimeNs: info.ctimeNs,
    ino: info.ino,
    mutability,
    means,
    number,
    offset,
    grouped: info.nlink > BigInt(links),
    sparse: isSparse(info),
    secret: rule.secret === true,
    // What is copied is known again by its ctime; a link of ours moves that, and then it says nothing.
    young: info.mtimeNs >= youngFrom || (mutability === "mutable" && info.ctimeNs >= youngFrom),
    target: "",
    // A link shows its attributes itself; a copy may not be allowed to carry them all.
    xattrs: means === "link" ? null : (sameXattrs(old, info) ?? xattrsOf(path)),
  };
}

/** What an earlier walk read: each change of them moves the ctime. */
function sameXattrs(old: FileRow | null, { ino, ctimeNs }: BigIntStats): FileRow["xattrs"] {
  return old !== null && !old.young && old.ino === ino && old.ctimeNs === ctimeNs ? old.xattrs : null;
}

/** The frozen places' devices, each with an empty set. */
export function makeInodes(places: readonly FrozenPlace[], make: () => InodeSet): Inodes {
  return new Map(places.map(({ dev }) => [dev, make()]));
}
