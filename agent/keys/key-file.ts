import { closeSync, constants, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { fromSystemError, showPath } from "../../posix/system-error.ts";
import { ColdkeepError, systemCode } from "../../vault/names/index.ts";

/** Longer than any key with its line ends; a key file is never larger. */
const MAX_BYTES = 4096;
const DROPPED = new Set([0x20, 0x09, 0x0a, 0x0b, 0x0c, 0x0d]);

export interface KeyFile {
  /** The content without spaces, tabs and line ends. */
  readonly bytes: Uint8Array;
  /** Overwrites the content with zeros and cuts the file to nothing. @throws ColdkeepError `permission`, else `key`. */
  empty(): void;
}

/**
 * Reads a key file that none but its owner can read.
 * @throws ColdkeepError `permission` where others can, `key` where it is missing, too large or no plain file.
 */
export function readKeyFile(path: string): KeyFile {
  const fd = open(path);
  try {
    const info = fstatSync(fd);
    if (!info.isFile()) throw refused(path, "it is not a plain file");
    if ((info.mode & 0o077) !== 0) throw openToOthers(path, info.mode & 0o777);
    if (info.size > MAX_BYTES) throw refused(path, `it has ${info.size} bytes; a key file has at most ${MAX_BYTES}`);
    const content = Buffer.alloc(MAX_BYTES + 1);
    const length = readSync(fd, content, 0, content.length, 0);
    const bytes = Uint8Array.from(content.subarray(0, length)).filter((byte) => !DROPPED.has(byte));
    content.fill(0);
    return { bytes, empty: () => empty(path, length) };
  } catch (error) {
    throw fromSystemError(error, { what: "cannot read the key file", on: path, otherwise: "key" });
  } finally {
    closeSync(fd);
  }
}

function open(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (systemCode(error) === "ENOENT") {
      throw new ColdkeepError("key", {
        what: "there is no key file",
        on: showPath(path),
        todo: "put the key there, or correct the path; a snapshot's own key is the only one that opens it",
      });
    }
    throw fromSystemError(error, { what: "cannot read the key file", on: path, otherwise: "key" });
  }
}

function empty(path: string, length: number): void {
  try {
    const fd = openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW);
    try {
      writeSync(fd, Buffer.alloc(length), 0, length, 0);
      fsyncSync(fd);
      ftruncateSync(fd, 0);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw fromSystemError(error, { what: "cannot empty the key file after reading it", on: path, otherwise: "key" });
  }
}

function refused(path: string, why: string): ColdkeepError {
  return new ColdkeepError("key", { what: "cannot use the key file", on: showPath(path), why });
}

function openToOthers(path: string, mode: number): ColdkeepError {
  return new ColdkeepError("permission", {
    what: "refused to use a key file that others can read",
    on: showPath(path),
    why: `its mode is ${mode.toString(8).padStart(3, "0")}, allowed is 600 or less`,
    todo: `run: chmod 600 ${showPath(path)}. If others use this machine, take a new key, too`,
  });
}
