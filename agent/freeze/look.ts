import { type EntryKind, listFolder } from "../../posix/list-folder.ts";
import { lookAt, lookBelow, type PathInfo } from "../../posix/stat.ts";
import { fromSystemError } from "../../posix/system-error.ts";
import { readXattrs, readXattrsBelow, type Xattr } from "../../posix/xattrs.ts";
import { type ColdkeepError, systemCode } from "../../vault/names/index.ts";
import { below, fromBytes, type Latin1, toBytes } from "./bytes.ts";
import type { FileRow } from "./records.ts";

/** Mode, owner and group as rows keep them. */
export function ownerOf({ mode, uid, gid }: PathInfo) {
  return { mode: mode & 0o7777, uid, gid };
}

type RowXattrs = NonNullable<FileRow["xattrs"]>;
const NO_XATTRS: RowXattrs = [];

/** Extended attributes as rows keep them; none of what is gone. @throws ColdkeepError. */
export function xattrsOf(path: Latin1): RowXattrs {
  return asRow(guard(path, () => readXattrs(toBytes(path))));
}

/** Those of `name` in `folder`. */
export function xattrsBelow(folder: Latin1, name: Latin1): RowXattrs {
  try {
    return asRow(readXattrsBelow(folder, name));
  } catch (error) {
    if (isGone(error)) return NO_XATTRS;
    throw failure(error, below(folder, name));
  }
}

function asRow(found: readonly Xattr[] | null): RowXattrs {
  if (found === null || found.length === 0) return NO_XATTRS;
  return found.map(({ name, value }) => [name, fromBytes(value)] as const);
}

/** Tells what is in a folder, one name after the other. Nothing where it is gone. @throws ColdkeepError. */
export function list(path: Latin1, take: (name: Latin1, kind: EntryKind) => void): void {
  guard(path, () => listFolder(path, take));
}

/** What lies there now; null where nothing does. @throws ColdkeepError. */
export function statOf(path: Latin1): PathInfo | null {
  return guard(path, () => lookAt(path));
}

/** What lies at `name` in `folder`. */
export function statBelow(folder: Latin1, name: Latin1): PathInfo | null {
  try {
    return lookBelow(folder, name);
  } catch (error) {
    throw failure(error, below(folder, name));
  }
}

/** What `look` at a path gives; null where the path is gone. @throws ColdkeepError. */
export function guard<T>(path: Latin1, look: () => T): T | null {
  try {
    return look();
  } catch (error) {
    if (isGone(error)) return null;
    throw failure(error, path);
  }
}

/** True for the errors that say that a path is not there; whose path, they do not say. */
export function isGone(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes(systemCode(error) ?? "");
}

/** An error of the system as one of coldkeep's. */
export function failure(error: unknown, path: Latin1): ColdkeepError {
  return fromSystemError(error, { what: "cannot freeze", on: toBytes(path), otherwise: "internal" });
}
