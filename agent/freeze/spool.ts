import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { type Latin1, toBytes } from "./bytes.ts";

/**
 * Small files that must be copied, laid end to end in one file: making an inode for each would take longer than copying
 * what is in it, and the node waits meanwhile.
 */
export interface Spool {
  /** Offset of the copy in the spool; null where the file is no longer of that size, or too large for this. */
  add(from: Latin1, size: number): number | null;
  /** Hands on to the system what is still held back. */
  flush(): void;
}

/** Larger files are copied to files of their own: there the inode does not count. Bytes. */
const SPOOL_MAX = 256 * 1024;
const BLOCK = 1 << 20;
const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** `create` makes the empty file that holds them all, with the first file that is added. */
export function makeSpool(create: () => Buffer): Spool {
  let path: Buffer | null = null;
  let block: Buffer | null = null;
  let held = 0;
  let written = 0;

  function flush(): void {
    if (path === null || block === null || held === 0) return;
    const fd = openSync(path, constants.O_WRONLY | O_NOFOLLOW);
    try {
      for (let done = 0; done < held; ) done += writeSync(fd, block, done, held - done, written + done);
    } finally {
      closeSync(fd);
    }
    written += held;
    held = 0;
  }

  return {
    add(from, size) {
      if (size > SPOOL_MAX) return null;
      path ??= create();
      block ??= Buffer.allocUnsafeSlow(BLOCK);
      if (held + size > BLOCK) flush();
      if (!readWhole(from, block, held, size)) return null;
      held += size;
      return written + held - size;
    },
    flush,
  };
}

/** True where the file had exactly `size` bytes, which then lie in `into` at `at`. @throws the system's error. */
function readWhole(from: Latin1, into: Buffer, at: number, size: number): boolean {
  const fd = openSync(toBytes(from), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const info = fstatSync(fd);
    if (!info.isFile() || info.size !== size) return false;
    for (let done = 0; done < size; ) {
      const got = readSync(fd, into, at + done, size - done, done);
      if (got === 0) return false;
      done += got;
    }
    return true;
  } finally {
    closeSync(fd);
  }
}
