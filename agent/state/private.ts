import { closeSync, constants, fstatSync, lstatSync, mkdirSync, openSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import { fsyncFolder, readBounded, writeFileDurable } from "../../posix/durable.ts";
import { fromSystemError, showPath } from "../../posix/system-error.ts";
import { ColdkeepError, systemCode } from "../../vault/names/index.ts";

/** Folders of the state are for their owner alone, and so is every file in them. */
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/**
 * Makes a folder of mode 0700, whatever the umask, with the folders above it; one that is there must be private.
 * @throws ColdkeepError `permission`, `refused` where it is no folder, `no-space`, else `internal`.
 */
export function makePrivateFolder(path: string): void {
  try {
    // mkdir(2) takes bits away from the mode, never adds any, so no moment exists in which others could look in.
    if (mkdirSync(path, { recursive: true, mode: FOLDER_MODE }) !== undefined) fsyncFolder(dirname(path));
  } catch (error) {
    if (systemCode(error) === "EEXIST" || systemCode(error) === "ENOTDIR") throw noFolder(path);
    throw fromSystemError(error, {
      what: "cannot make a folder for coldkeep's state",
      on: path,
      otherwise: "internal",
    });
  }
  assertPrivateFolder(path);
}

/** @throws ColdkeepError `permission` where others than its owner, or another owner, may enter; `refused` where it is no folder. */
function assertPrivateFolder(path: string): void {
  const info = statOf(path);
  if (!info.isDirectory()) throw noFolder(path);
  assertOwn(path, info, "folder", "700");
}

/**
 * The content of a private file, or null where there is none.
 * @throws ColdkeepError `permission` where others may read or write it, `integrity` where it is no plain file or too large.
 */
export function readPrivateFile(path: string, max: number): Buffer | null {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    throw fromSystemError(error, { what: "cannot read a file of coldkeep's state", on: path, otherwise: "internal" });
  }
  try {
    assertOwn(path, fstatSync(fd), "file", "600");
  } finally {
    closeSync(fd);
  }
  return readBounded(path, max);
}

/** Replaces a private file durably. @throws ColdkeepError `no-space`, `permission`, else `internal`. */
export function writePrivateFile(path: string, bytes: Uint8Array): void {
  writeFileDurable(path, bytes, FILE_MODE);
}

function assertOwn(path: string, info: Stats, noun: "folder" | "file", mode: string): void {
  const self = process.geteuid?.();
  if (self !== undefined && info.uid !== self) {
    throw new ColdkeepError("permission", {
      what: `refused to use a ${noun} of coldkeep's state`,
      on: showPath(path),
      why: `it belongs to user ${info.uid}, and coldkeep runs as user ${self}`,
      todo: "run coldkeep as that user, or give the state directory to this one",
    });
  }
  if ((info.mode & 0o077) === 0) return;
  throw new ColdkeepError("permission", {
    what: `refused to use a ${noun} of coldkeep's state`,
    on: showPath(path),
    why: `its mode is ${(info.mode & 0o777).toString(8)}, so others than its owner can get at it; allowed is ${mode}`,
    todo: `find out who could read it, then run: chmod ${mode} ${showPath(path)}`,
  });
}

function statOf(path: string): Stats {
  try {
    return lstatSync(path);
  } catch (error) {
    throw fromSystemError(error, { what: "cannot look at coldkeep's state", on: path, otherwise: "internal" });
  }
}

function noFolder(path: string): ColdkeepError {
  return new ColdkeepError("refused", {
    what: "cannot keep coldkeep's state there",
    on: showPath(path),
    why: "something that is no folder is in the way",
    todo: "choose another state_dir, or move that away",
  });
}
