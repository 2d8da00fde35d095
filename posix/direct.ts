import { constants as files, read, readSync, write, writeSync } from "node:fs";
import { promisify } from "node:util";
import { systemCode } from "../vault/names/index.ts";
import { isAligned, PAGE, roundUp } from "./aligned.ts";
import { libc } from "./libc.ts";

/**
 * Reads and writes past the page cache (O_DIRECT, open(2)). A backup passes every byte once: through the cache it would
 * push out what the node lives on, and pay for memory and a copy that nobody needs. All of it is an attempt: where the
 * file system, the disk's block size or the memory's place do not allow it, the same call goes through the cache.
 */

/** fcntl(2). */
const F_GETFL = 3;
const F_SETFL = 4;
/** cachestat(2), the same number on all architectures. */
const CACHESTAT = 451;

const readLater = promisify(read);
const writeLater = promisify(write);

/**
 * Turns direct access to an open file on or off. By fcntl and not at open, since an open that is refused may have made
 * the file all the same.
 * @returns whether it is on now.
 */
export function setDirect(fd: number, on: boolean): boolean {
  const calls = libc();
  if (calls === null) return false;
  const flags = calls.fcntl(fd, F_GETFL, 0);
  if (flags < 0) return false;
  const wanted = on ? flags | files.O_DIRECT : flags & ~files.O_DIRECT;
  return calls.fcntl(fd, F_SETFL, wanted) === 0 ? on : (flags & files.O_DIRECT) !== 0;
}

/**
 * Whether at least half of a stretch of a file lies in the page cache, where it is read faster. False where the kernel
 * does not tell (before Linux 6.5).
 */
export function isCached(fd: number, offset: number, length: number): boolean {
  const calls = libc();
  if (calls === null || length <= 0) return false;
  const range = BigUint64Array.of(BigInt(offset), BigInt(length));
  // nr_cache, nr_dirty, nr_writeback, nr_evicted, nr_recently_evicted: in pages of the system's own size.
  const counts = new BigUint64Array(5);
  if (calls.syscall(CACHESTAT, fd, range, counts, 0) !== 0) return false;
  return Number(counts[0] ?? 0n) * PAGE * 2 >= length;
}

/**
 * Reads `length` bytes from `position` to the beginning of `into`; fewer only where the file ends. An open file with direct access wants
 * `into` aligned and with room up to the next page, and `position` a multiple of it; otherwise direct access is turned off.
 * @throws the system's error.
 */
export async function readFully(fd: number, into: Uint8Array, length: number, position: number): Promise<number> {
  const room = Math.min(into.length, roundUp(length));
  let done = 0;
  while (done < length) {
    const got = await orThroughCache(fd, () => readLater(fd, into, done, room - done, position + done));
    if (got.bytesRead === 0) break;
    done += got.bytesRead;
  }
  return Math.min(done, length);
}

/** The same in a thread that may wait. @throws the system's error. */
export function readFullySync(fd: number, into: Uint8Array, length: number, position: number): number {
  const room = Math.min(into.length, roundUp(length));
  let done = 0;
  while (done < length) {
    const got = orThroughCacheSync(fd, () => readSync(fd, into, done, room - done, position + done));
    if (got === 0) break;
    done += got;
  }
  return Math.min(done, length);
}

/** One call moves at most this much, so that others get their turn. Bytes; a multiple of `PAGE`. */
const SLICE = 4 << 20;

/**
 * Writes all of `bytes` to `position`. An open file with direct access takes the whole pages of aligned bytes to the
 * disk itself; the rest, and everything of others, goes through the cache. Durable only after an fsync.
 * @throws the system's error.
 */
export async function writeFully(fd: number, bytes: Uint8Array, position: number): Promise<void> {
  const fits = position % PAGE === 0 && isAligned(bytes);
  const whole = fits ? bytes.length - (bytes.length % PAGE) : 0;
  let done = 0;
  if (whole === 0) setDirect(fd, false);
  while (done < bytes.length) {
    if (done === whole && done > 0) setDirect(fd, false);
    const length = Math.min(SLICE, (done < whole ? whole : bytes.length) - done);
    const put = await orThroughCache(fd, () => writeLater(fd, bytes, done, length, position + done));
    done += put.bytesWritten;
  }
}

/**
 * The same in a thread that may wait, to a file that more is written to: direct access is on again afterwards, where it
 * was and still can be had.
 * @param direct Whether the file may have direct access, where that is known: asking the kernel costs as much as a small write.
 * @throws the system's error.
 */
export function writeFullySync(fd: number, bytes: Uint8Array, position: number, direct = isDirect(fd)): void {
  const fits = direct && position % PAGE === 0 && isAligned(bytes);
  const whole = fits ? bytes.length - (bytes.length % PAGE) : 0;
  let done = 0;
  while (done < whole) done += orThroughCacheSync(fd, () => writeSync(fd, bytes, done, whole - done, position + done));
  if (done === bytes.length) return;
  const again = direct && isDirect(fd);
  if (again) setDirect(fd, false);
  while (done < bytes.length) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  if (again) setDirect(fd, true);
}

function orThroughCacheSync<T>(fd: number, call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (systemCode(error) !== "EINVAL" || !isDirect(fd)) throw error;
    setDirect(fd, false);
    return call();
  }
}

async function orThroughCache<T>(fd: number, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (systemCode(error) !== "EINVAL" || !isDirect(fd)) throw error;
    setDirect(fd, false);
    return call();
  }
}

function isDirect(fd: number): boolean {
  return ((libc()?.fcntl(fd, F_GETFL, 0) ?? 0) & files.O_DIRECT) !== 0;
}
