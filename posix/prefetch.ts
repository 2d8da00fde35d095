import { closeSync, constants, openSync } from "node:fs";
import { libc } from "./libc.ts";
import type { PathBytes } from "./system-error.ts";

const POSIX_FADV_WILLNEED = 3;
const POSIX_FADV_DONTNEED = 4;

/**
 * Asks the kernel to read a part of a file into memory while this process does something else (posix_fadvise(2)). A
 * hint only: where the file cannot be opened, or libc not be called, nothing happens and whoever reads it next finds
 * out. Offset and length in bytes.
 */
export function prefetch(path: PathBytes, offset: number, length: number): void {
  const calls = libc();
  if (calls === null) return;
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return;
  }
  calls.posixFadvise(fd, offset, length, POSIX_FADV_WILLNEED);
  closeSync(fd);
}

/**
 * Lets go of what the kernel keeps in memory of an open file whose bytes are on disk already: a large file that nobody
 * reads soon must not push out what the node's own reads live on, and the next one is written into the same memory. A
 * hint only.
 */
export function dropCached(fd: number): void {
  libc()?.posixFadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}
