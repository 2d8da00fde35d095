import { type BigIntStats, statfsSync } from "node:fs";
import { type Latin1, toBytes } from "./bytes.ts";
import type { FileRow } from "./records.ts";

/** File systems that move a file's ctime with every change of its content, mapped writes included (statfs(2)). */
const HONEST = new Set([
  0xef53 /* ext2 to ext4 */, 0x58465342 /* XFS */, 0x9123683e /* Btrfs */, 0xf2f52010 /* F2FS */,
]);

/**
 * Whether a file that still has its ctime surely has its content. On these file systems nobody but the kernel sets it,
 * and each first write to a page of a mapping moves it. Not so where another machine may write (network file systems)
 * or mappings are not noticed (tmpfs).
 */
export function hasHonestTimes(folder: Latin1): boolean {
  return HONEST.has(statfsSync(toBytes(folder)).type);
}

/**
 * What the file system below a folder is known by again: when that folder was made, to the nanosecond, which no other has.
 * A device's number tells less: it goes by the order in which disks are found and, on Btrfs, mounted. Only where a
 * folder's birth is not told, it has to do.
 */
export function volumeOf({ dev, ino, birthtimeNs }: Pick<BigIntStats, "dev" | "ino" | "birthtimeNs">): string {
  return birthtimeNs > 0n ? `${birthtimeNs}.${ino}` : `${dev}`;
}

/** What `fingerprintOf` must know of a file. */
export type Fingerprinted = Pick<FileRow, "mutability" | "ino" | "size" | "mtimeNs" | "ctimeNs" | "young" | "grouped">;

/**
 * What a file is known by again: content that was stored under the same fingerprint need not be read. "" where nothing
 * vouches for that. What is linked into the frozen tree gets another ctime by it, so its class must vouch: immutable
 * files never change, files that only grow do so by their size. Everything else goes by its ctime, and one that is as
 * young as the clock is coarse may hide a later change.
 */
export function fingerprintOf(volume: string, f: Fingerprinted, honestTimes: boolean): string {
  const same = `${volume}:${f.ino}:${f.size}:${f.mtimeNs}`;
  if (f.mutability === "immutable") return same;
  if (f.mutability === "append-only") return `a:${same}`;
  return honestTimes && !f.young && !f.grouped ? `m:${same}:${f.ctimeNs}` : "";
}
