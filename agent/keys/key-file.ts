import { closeSync, constants, fsyncSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { fromSystemError } from "../../posix/system-error.ts";
import { readSecretFile } from "./secret-file.ts";

/** Longer than any key with its line ends; a key file is never larger. */
const MAX_BYTES = 4096;
const DROPPED = new Set([0x20, 0x09, 0x0a, 0x0b, 0x0c, 0x0d]);

export interface KeyFile {
  /** The content without spaces, tabs and line ends. */
  readonly bytes: Uint8Array;
  /** Overwrites the content with zeros and cuts the file to nothing. @throws ColdkeepError `permission`, else `key`. */
  empty(): void;
}

/** Reads a key file that none but its owner can read. @throws what `readSecretFile` throws. */
export function readKeyFile(path: string): KeyFile {
  const content = readSecretFile(path, { noun: "key file", maxBytes: MAX_BYTES });
  const { length } = content;
  return { bytes: stripKey(content), empty: () => empty(path, length) };
}

/** The key in a file's content, which is zeroed: spaces, tabs and line ends do not count. */
export function stripKey(content: Buffer): Uint8Array {
  const bytes = Uint8Array.from(content).filter((byte) => !DROPPED.has(byte));
  content.fill(0);
  return bytes;
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
