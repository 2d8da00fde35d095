import { type BigIntStats, closeSync, constants, fstatSync, lstatSync, openSync, read } from "node:fs";
import { promisify } from "node:util";
import { PAGE, roundUp } from "../../../posix/aligned.ts";
import { isCached, readFully, setDirect } from "../../../posix/direct.ts";
import { systemCode } from "../../names/index.ts";
import type { ObjectInfo } from "../facets.ts";
import { inTheWay, type OpenFolder, type VaultRoot } from "./folders.ts";

/** May take long and so must not block the main thread. */
const readLater = promisify(read);

/** What a version of a file is known by: a name's modification times only grow (see replace.ts), so none comes twice. */
export function infoOf(stats: BigIntStats): ObjectInfo {
  return {
    size: Number(stats.size),
    etag: `${stats.ino.toString(36)}-${stats.mtimeNs.toString(36)}-${stats.size.toString(36)}`,
    receivedAt: Number(stats.mtimeNs / 1_000_000n),
  };
}

/** The state of an object's file; null where there is none (a folder is no object). @throws on symlinks and devices. */
export function statObject(root: VaultRoot, folder: OpenFolder, leaf: string, name: string): BigIntStats | null {
  const stats = lstatSync(folder.at(leaf), { bigint: true, throwIfNoEntry: false });
  if (stats === undefined || stats.isDirectory()) return null;
  if (!stats.isFile()) throw inTheWay(root, name, stats.isSymbolicLink() ? "a symbolic link" : "a special file");
  return stats;
}

export interface OpenObject {
  readonly fd: number;
  readonly info: ObjectInfo;
}

/** Opens an object's file for reading. The caller closes `fd`. Null where there is none. */
export function openObject(root: VaultRoot, folder: OpenFolder, leaf: string, name: string): OpenObject | null {
  if (statObject(root, folder, leaf, name) === null) return null;
  let fd: number;
  try {
    // NONBLOCK: should a FIFO be put here right now, opening it must not wait for a writer.
    fd = openSync(folder.at(leaf), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    throw error;
  }
  const stats = fstatSync(fd, { bigint: true });
  if (stats.isFile()) return { fd, info: infoOf(stats) };
  closeSync(fd);
  throw inTheWay(root, name, "a special file");
}

/** Up to `length` bytes from `offset`; fewer only where the file ends. */
export async function readAt(fd: number, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await readLater(fd, buffer, done, Math.min(length - done, 1 << 30), offset + done);
    if (bytesRead === 0) return buffer.subarray(0, done);
    done += bytesRead;
  }
  return buffer;
}

/**
 * The same into memory that is there, past the page cache where what is wanted does not lie in that already. A direct read
 * takes whole pages, so the answer begins inside of `memory`; where that is too small, memory is made.
 */
export async function readInto(fd: number, offset: number, length: number, memory: Uint8Array): Promise<Uint8Array> {
  const lead = offset % PAGE;
  if (memory.length < roundUp(lead + length)) return readAt(fd, offset, length);
  if (!isCached(fd, offset, length)) setDirect(fd, true);
  const got = await readFully(fd, memory, lead + length, offset - lead);
  return memory.subarray(Math.min(lead, got), got);
}
