import { type BigIntStats, type Dirent, lstatSync, opendirSync } from "node:fs";
import { fromSystemError } from "../../posix/system-error.ts";
import { readXattrs } from "../../posix/xattrs.ts";
import { type ColdkeepError, systemCode } from "../../vault/names/index.ts";
import { fromBytes, type Latin1, toBytes } from "./bytes.ts";
import type { FileRow } from "./records.ts";

/** Mode, owner and group as rows keep them. */
export function ownerOf(info: BigIntStats) {
  return { mode: Number(info.mode & 0o7777n), uid: Number(info.uid), gid: Number(info.gid) };
}

/** Extended attributes as rows keep them; none of what is gone. @throws ColdkeepError. */
export function xattrsOf(path: Latin1): NonNullable<FileRow["xattrs"]> {
  return guard(path, () => readXattrs(toBytes(path)).map(({ name, value }) => [name, fromBytes(value)] as const)) ?? [];
}

export type EntryKind = "file" | "folder" | "symlink" | "other";

/** Names asked of the system at once: enough to be quick, few enough to be nothing. */
const NAMES_AT_ONCE = 512;

/**
 * Tells what is in a folder, one name after the other: a folder of a million names is never held as the system's objects.
 * Nothing where it is gone. @throws ColdkeepError.
 */
export function list(path: Latin1, take: (name: Latin1, kind: EntryKind) => void): void {
  guard(path, () => {
    // Buffers, as a file system that keeps no types in its folders has each name looked at, and names are bytes.
    const encoding = "buffer" as BufferEncoding;
    using folder = opendirSync(toBytes(path), { encoding, bufferSize: NAMES_AT_ONCE });
    for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) {
      take(fromBytes(entry.name as unknown as Buffer), kindOf(entry));
    }
  });
}

function kindOf(entry: Dirent): EntryKind {
  if (entry.isDirectory()) return "folder";
  if (entry.isSymbolicLink()) return "symlink";
  return entry.isFile() ? "file" : "other";
}

/** What lies there now; null where nothing does. @throws ColdkeepError. */
export function statOf(path: Latin1): BigIntStats | null {
  return guard(path, () => lstatSync(toBytes(path), { bigint: true }));
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
