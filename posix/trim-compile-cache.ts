import {
  closeSync,
  constants,
  fstatSync,
  futimesSync,
  lstatSync,
  openSync,
  readdirSync,
  rmdirSync,
  unlinkSync,
} from "node:fs";
import { getCompileCacheDir } from "node:module";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";

const DAY_MS = 86_400_000;
/** Where a disk keeps no times of reading, what is used is compiled anew once in that time. Milliseconds. */
const UNUSED_MS = 30 * DAY_MS;
/** Node's names: a folder for each version of it, its flags and the user; in there a file for each module's path. */
const FOLDER = /^v\d+\.\d+\.\d+-[a-z0-9]+-[0-9a-f]+-\d+$/;
const FILE = /^[0-9a-f]{1,8}(\.[A-Za-z0-9]{6})?$/;
/** A file whose time tells when this was done last. */
const STAMP = "trimmed";

/**
 * Once a day takes out of this user's cache of compiled code (`~/.cache/coldkeep`, bin/coldkeep.mjs) what nobody has read or
 * written for 30 days: each version of coldkeep, each place it is installed in and each version of Node leaves files there, of
 * which Node removes none. Only this user's own, of Node's names, and by no link. Others that run meanwhile compile anew what they miss.
 * @param now milliseconds since the epoch
 * @param home where the cache must lie: in one that the user gave another place others' code may lie as well
 */
export function trimCompileCache(now: number, home = homedir()): void {
  try {
    const used = getCompileCacheDir();
    const cache = join(home, ".cache", "coldkeep");
    if (used === undefined || dirname(used) !== cache) return;
    inFolder(cache, (at) => {
      if (!isDue(join(at, STAMP), now)) return;
      for (const name of readdirSync(at)) {
        if (!FOLDER.test(name)) continue;
        quietly(() => inFolder(join(at, name), (folder) => trim(folder, now)));
        // This process still writes into its own when it ends.
        if (name !== basename(used)) quietly(() => rmdirSync(join(at, name)));
      }
    });
  } catch {
    // No command fails for a cache that is larger than it has to be.
  }
}

/** False where it was done within a day; else that it is done now is noted. */
function isDue(stamp: string, now: number): boolean {
  const last = lstatSync(stamp, { throwIfNoEntry: false });
  if (last !== undefined && Math.abs(now - last.mtimeMs) < DAY_MS) return false;
  const fd = openSync(stamp, constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  try {
    futimesSync(fd, now / 1000, now / 1000);
  } finally {
    closeSync(fd);
  }
  return true;
}

function trim(folder: string, now: number): void {
  for (const name of readdirSync(folder)) {
    const file = join(folder, name);
    quietly(() => {
      const { atimeMs, mtimeMs } = lstatSync(file);
      if (FILE.test(name) && Math.max(atimeMs, mtimeMs) < now - UNUSED_MS) unlinkSync(file);
    });
  }
}

/**
 * Hands on a folder of this user's by its descriptor, so that nobody puts another in its place. Another's is passed over.
 * @throws the system's error, also for a link
 */
function inFolder(path: string, work: (path: string) => void): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    if (fstatSync(fd).uid === process.geteuid?.()) work(`/proc/self/fd/${fd}`);
  } finally {
    closeSync(fd);
  }
}

/** Another may have been faster, something is a link, or something new is in the folder. */
function quietly(work: () => void): void {
  try {
    work();
  } catch {}
}
