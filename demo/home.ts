import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sized } from "./words.ts";

const PREFIX = "coldkeep-tour-";
const MARK = "tour.pid";
/** The node's files, its snapshots and the restored copy, with room for LevelDB's own rewriting. */
const BYTES_A_BLOCK = 12_000;

/**
 * A fresh folder for one tour. What earlier tours of this user left behind goes first, as a tour's files are made to be
 * looked at and not to pile up; one that still runs is left alone.
 * @throws Error where there is not room enough for `blocks` blocks.
 */
export function makeHome(blocks: number): string {
  const parent = realpathSync(tmpdir());
  for (const name of readdirSync(parent)) {
    if (name.startsWith(PREFIX) && isLeftBehind(join(parent, name))) rmSync(join(parent, name), { recursive: true });
  }
  const { bavail, bsize } = statfsSync(parent);
  if (bavail * bsize < blocks * BYTES_A_BLOCK) {
    throw new Error(
      `the tour needs ${sized(blocks * BYTES_A_BLOCK)} in ${parent}, but ${sized(bavail * bsize)} are free; ` +
        "free some, or set TMPDIR to a folder with more room",
    );
  }
  const home = mkdtempSync(join(parent, PREFIX));
  writeFileSync(join(home, MARK), String(process.pid));
  return home;
}

/** True for a folder of our own user with a tour's mark whose process is gone. */
function isLeftBehind(folder: string): boolean {
  try {
    if (statSync(folder).uid !== process.getuid?.()) return false;
    return !isAlive(Number(readFileSync(join(folder, MARK), "utf8")));
  } catch {
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
