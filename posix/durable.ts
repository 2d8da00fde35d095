import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { ColdkeepError, systemCode } from "../vault/names/index.ts";
import { makerMark } from "./maker.ts";
import { fromSystemError, type PathBytes, showPath } from "./system-error.ts";

/** What follows in the names of temporary files is their maker's mark: `sweepLeft` removes what a killed one left. */
export const TEMP_LABEL = ".tmp-";

/**
 * Puts `bytes` at `path` so that after a crash the old or the new content is there whole, and after return the new
 * one: temporary file beside it, fsync, rename, fsync of the folder (rename(2), fsync(2) NOTES). `mode` holds whatever
 * the umask is. Blocks; meant for small files.
 * @throws ColdkeepError `no-space`, `permission`, else `internal`.
 */
export function writeFileDurable(path: PathBytes, bytes: Uint8Array, mode = 0o600): void {
  const temp = besides(path, `${TEMP_LABEL}${makerMark()}-${randomBytes(6).toString("hex")}`);
  try {
    writeNewFile(temp, bytes, mode);
    try {
      renameSync(temp, path);
    } catch (error) {
      tryUnlink(temp);
      throw error;
    }
    fsyncFolder(folderOf(path));
  } catch (error) {
    throw fromSystemError(error, { what: "cannot write a file", on: path, otherwise: "internal" });
  }
}

/**
 * Creates `path`, writes `bytes`, fsyncs. The name itself is durable only after `fsyncFolder`. Leaves nothing behind
 * where it fails.
 * @throws the system's error, EEXIST where the name is taken.
 */
export function writeNewFile(path: PathBytes, bytes: Uint8Array, mode: number): void {
  const { O_CREAT, O_EXCL, O_WRONLY, O_NOFOLLOW } = constants;
  const fd = openSync(path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o600);
  try {
    fchmodSync(fd, mode);
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
    fsyncSync(fd);
  } catch (error) {
    tryUnlink(path);
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** Makes names in a folder durable: entries added, renamed or removed in it survive a power cut. */
export function fsyncFolder(path: PathBytes): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Removes a file or a whole folder, if it is there, so that no power cut brings it back. @throws the system's error. */
export function removeDurably(path: string): void {
  rmSync(path, { recursive: true, force: true });
  fsyncFolder(folderOf(path));
}

/**
 * The whole content of a plain file, or null where there is none. Never follows a symlink at the last component, never
 * waits for a FIFO.
 * @throws ColdkeepError `integrity` where it is larger than `max` bytes or no plain file; `permission`, else `internal`.
 */
export function readBounded(path: PathBytes, max: number): Buffer | null {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    throw fromSystemError(error, { what: "cannot read a file", on: path, otherwise: "internal" });
  }
  try {
    const info = fstatSync(fd);
    if (!info.isFile()) throw damaged(path, "it is not a plain file");
    if (info.size > max) throw damaged(path, `it has ${info.size} bytes, at most ${max} are expected`);
    // One byte more than allowed, so that a file that grows meanwhile is noticed.
    const buffer = Buffer.allocUnsafe(max < info.size + 65_536 ? max + 1 : info.size + 65_536);
    let length = 0;
    for (;;) {
      const got = readSync(fd, buffer, length, buffer.length - length, null);
      if (got === 0) break;
      length += got;
      if (length > max || length === buffer.length) throw damaged(path, `it grew past ${length - 1} bytes while read`);
    }
    return Buffer.from(buffer.subarray(0, length));
  } catch (error) {
    throw fromSystemError(error, { what: "cannot read a file", on: path, otherwise: "internal" });
  } finally {
    closeSync(fd);
  }
}

/** The folder a path lies in; "." for a bare name. */
export function folderOf(path: PathBytes): PathBytes {
  const bytes = typeof path === "string" ? Buffer.from(path) : path;
  const slash = bytes.lastIndexOf(0x2f);
  if (slash < 0) return ".";
  return slash === 0 ? "/" : bytes.subarray(0, slash);
}

function besides(path: PathBytes, suffix: string): PathBytes {
  return typeof path === "string" ? path + suffix : Buffer.concat([path, Buffer.from(suffix)]);
}

function tryUnlink(path: PathBytes): void {
  try {
    unlinkSync(path);
  } catch {
    // The first error is the one to report; a left temporary file hurts nobody.
  }
}

function damaged(path: PathBytes, why: string): ColdkeepError {
  return new ColdkeepError("integrity", { what: "refused to read a file", on: showPath(path), why });
}
