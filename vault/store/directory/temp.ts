import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  futimesSync,
  lstatSync,
  openSync,
  readdirSync,
  unlinkSync,
} from "node:fs";
import { setDirect, writeFully } from "../../../posix/direct.ts";
import { isLeftBehind as isMakerGone, makerMark, makerOf } from "../../../posix/maker.ts";
import { dropCached } from "../../../posix/prefetch.ts";
import { isAlive } from "../../../posix/process.ts";
import { systemCode } from "../../names/index.ts";
import type { ObjectInfo } from "../facets.ts";
import { infoOf } from "./files.ts";
import { type OpenFolder, openFolder, type VaultRoot } from "./folders.ts";
import { fsyncLater } from "./fsync.ts";

/** Where objects are written before they get their names. Hidden, so no object's name can lead into it. */
export const TEMP_FOLDER = ".tmp";

/** Objects from this size (bytes) on are not kept in memory once they are on disk. */
const LARGE = 1 << 20;
/** After this long nobody still writes it, whichever machine it was: a run may take 3 days. */
const FOREIGN_STALE_MS = 4 * 86_400_000;
const TEMP_NAME = /^[0-9a-f]{16}-[0-9a-f-]{36}-\d{1,10}-\d{1,20}-[0-9a-f]{16}\.part$/;
/** What a lock is made of; whoever takes the same lock removes it, too, but nobody may. */
const LOCK_TEMP = /^[0-9a-f]{32}\.lock\.(?:tmp|break)\./;

/** A whole, synced file that has no name in the vault yet. */
export interface TempFile {
  readonly path: string;
  readonly ino: bigint;
  readonly info: ObjectInfo;
  /** Links to the file right now: 2 where it got its name. */
  links(): number;
  /** Removes the temporary name and closes all. */
  discard(): void;
}

/**
 * Writes `bytes` to a temporary file and fsyncs it.
 * @param after the new modification time must be later than this (ns since the epoch)
 */
export async function writeTemp(root: VaultRoot, bytes: Uint8Array, after?: bigint): Promise<TempFile> {
  const folder = tempFolder(root);
  const path = folder.at(tempName());
  let fd = -1;
  const discard = () => {
    if (fd < 0) return;
    closeSync(fd);
    fd = -1;
    unlinkIfThere(path);
    folder.close();
  };
  try {
    fd = openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR | constants.O_NOFOLLOW, 0o600);
  } catch (error) {
    folder.close();
    throw error;
  }
  try {
    fchmodSync(fd, 0o600);
    // Past the page cache, where the bytes lie in memory as that wants it: packs do.
    const direct = bytes.length >= LARGE && setDirect(fd, true);
    await writeFully(fd, bytes, 0);
    if (after !== undefined) moveAfter(fd, after);
    await fsyncLater(fd);
    if (bytes.length >= LARGE) dropCached(fd);
    if (direct) setDirect(fd, false);
    const stats = fstatSync(fd, { bigint: true });
    const links = () => Number(fstatSync(fd).nlink);
    return { path, ino: stats.ino, info: infoOf(stats), links, discard };
  } catch (error) {
    discard();
    throw error;
  }
}

/** Removes what killed processes left. Files of processes that may live are not touched. */
export function sweepTemp(root: VaultRoot): void {
  const folder = openFolder(root, [TEMP_FOLDER], false);
  if (folder === null) return;
  try {
    const names = readdirSync(folder.at("."), "latin1");
    for (const name of names) if (isLeftBehind(folder, name)) unlinkIfThere(folder.at(name));
  } finally {
    folder.close();
  }
}

function tempFolder(root: VaultRoot): OpenFolder {
  const folder = openFolder(root, [TEMP_FOLDER], true);
  if (folder === null) throw new Error("openFolder makes what it is asked to make");
  return folder;
}

function moveAfter(fd: number, after: bigint): void {
  const { mtimeNs } = fstatSync(fd, { bigint: true });
  if (mtimeNs > after) return;
  // Node passes seconds as a double, good to about 240 ns today: two microseconds are surely later.
  const seconds = Number(after / 1_000n + 2n) / 1e6;
  futimesSync(fd, seconds, seconds);
}

function tempName(): string {
  return `${makerMark()}-${randomBytes(8).toString("hex")}.part`;
}

function isLeftBehind(folder: OpenFolder, name: string): boolean {
  if (LOCK_TEMP.test(name)) return isMakerGone(name);
  const maker = TEMP_NAME.test(name) ? makerOf(name) : null;
  if (maker === null) return false;
  if (maker.here) return !isAlive(maker.identity);
  const mtime = lstatSync(folder.at(name), { throwIfNoEntry: false })?.mtimeMs;
  // The folder changes with every write, so its time is a recent moment by the file system's own clock.
  return mtime !== undefined && fstatSync(folder.fd).mtimeMs - mtime > FOREIGN_STALE_MS;
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
  }
}
