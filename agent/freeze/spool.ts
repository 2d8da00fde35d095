import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { type Latin1, toBytes } from "./bytes.ts";

/**
 * Small files that must be copied, laid end to end in one file: making an inode for each would take longer than copying
 * what is in it, and the node waits meanwhile.
 */
export interface Spool {
  /**
   * Offset of the copy in the spool; null where the file is no longer of that size, or too large for this.
   * @param told whether the listener hears of it
   */
  add(from: Latin1, size: number, told: boolean): number | null;
  /** Hands on to the system what is still held back. */
  flush(): void;
}

/** Told of copies that are in the file now, and stay as they are. */
export type SpoolListener = (copies: { readonly offsets: number[]; readonly sizes: number[] }) => void;

/** Larger files are copied to files of their own: there the inode does not count. Bytes. */
const SPOOL_MAX = 256 * 1024;
const BLOCK = 1 << 20;
const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;

/**
 * @param create makes the empty file that holds them all, with the first file that is added
 * @param written who wants to know, null where nobody does
 */
export function makeSpool(create: () => Buffer, written: () => SpoolListener | null): Spool {
  let path: Buffer | null = null;
  let block: Buffer | null = null;
  let held = 0;
  let done = 0;
  let copies: { offsets: number[]; sizes: number[] } = { offsets: [], sizes: [] };

  function flush(): void {
    if (path === null || block === null || held === 0) return;
    const fd = openSync(path, constants.O_WRONLY | O_NOFOLLOW);
    try {
      for (let put = 0; put < held; ) put += writeSync(fd, block, put, held - put, done + put);
    } finally {
      closeSync(fd);
    }
    done += held;
    held = 0;
    if (copies.offsets.length > 0) written()?.(copies);
    copies = { offsets: [], sizes: [] };
  }

  return {
    add(from, size, told) {
      if (size > SPOOL_MAX) return null;
      path ??= create();
      block ??= Buffer.allocUnsafeSlow(BLOCK);
      if (held + size > BLOCK) flush();
      if (!readWhole(from, block, held, size)) return null;
      const offset = done + held;
      held += size;
      if (told && size > 0 && written() !== null) {
        copies.offsets.push(offset);
        copies.sizes.push(size);
      }
      return offset;
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
