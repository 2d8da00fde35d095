import { writeSync } from "node:fs";
import { constants } from "node:os";
import { callError, libc } from "./libc.ts";

/** A stretch of a file that holds data. Bytes. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
}

/** lseek(2): SEEK_DATA and SEEK_HOLE on Linux. */
const SEEK_DATA = 3;
const SEEK_HOLE = 4;

/**
 * Where the first `size` bytes of an open file hold data, ascending, without overlap; the rest are holes and read as
 * zeros. A file system that knows no holes, or a machine without libc, says that all is data. Moves the file's offset.
 * @throws the system's error.
 */
export function dataExtents(fd: number, size: number): Extent[] {
  if (size <= 0) return [];
  const calls = libc();
  const everything = [{ offset: 0, length: size }];
  if (calls === null) return everything;
  const { ENXIO, EINVAL, EOPNOTSUPP } = constants.errno;
  const extents: Extent[] = [];
  for (let at = 0; at < size; ) {
    const offset = calls.lseek(fd, at, SEEK_DATA);
    if (offset < 0) {
      const errno = calls.errno();
      // No data from here to the end of the file.
      if (errno === ENXIO) break;
      if (errno === EINVAL || errno === EOPNOTSUPP) return everything;
      throw callError("lseek", errno, fd);
    }
    if (offset >= size) break;
    const end = calls.lseek(fd, offset, SEEK_HOLE);
    if (end < 0) {
      const errno = calls.errno();
      // The file was cut shorter between the two calls.
      if (errno === ENXIO) break;
      throw callError("lseek", errno, fd);
    }
    extents.push({ offset, length: Math.min(end, size) - offset });
    at = end;
  }
  return extents;
}

/** fallocate(2): FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE. */
const PUNCH = 0x01 | 0x02;

/**
 * Makes a stretch of an open file a hole, which reads as zeros; where the file system knows none or libc cannot be
 * called, zeros are written. The file keeps its size.
 * @throws the system's error.
 */
export function punchHole(fd: number, offset: number, length: number): void {
  const calls = libc();
  if (calls !== null) {
    if (calls.fallocate(fd, PUNCH, offset, length) === 0) return;
    const errno = calls.errno();
    if (errno !== constants.errno.EOPNOTSUPP && errno !== constants.errno.ENOSYS)
      throw callError("fallocate", errno, fd);
  }
  const zeros = Buffer.alloc(Math.min(length, 1 << 20));
  for (let done = 0; done < length; ) {
    done += writeSync(fd, zeros, 0, Math.min(zeros.length, length - done), offset + done);
  }
}
