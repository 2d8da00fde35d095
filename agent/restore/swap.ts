import { lstatSync, renameSync } from "node:fs";
import { fsyncFolder } from "../../posix/durable.ts";
import { fromSystemError } from "../../posix/system-error.ts";
import { ColdkeepError, systemCode } from "../../vault/names/index.ts";
import { type BytePath, parentOf, toBytes, toText } from "./byte-path.ts";
import { type Move, type RestoreJournal, writeJournal } from "./journal.ts";

/**
 * Puts the staged roots in place: all or none. Every rename is in the journal before the first one happens; a failure
 * takes back those that were done, and a crash leaves a journal from which `recover` does the same. Returns the journal
 * in phase `swapped`.
 * @param onMove called before each rename, with its number; what it throws is treated as a failed rename.
 * @throws ColdkeepError `permission`, `no-space` or `refused` with everything back as it was; `integrity` where taking
 *   back failed too, the journal then stays.
 */
export function swap(path: string, journal: RestoreJournal, onMove: (n: number) => void = () => {}): RestoreJournal {
  const swapping: RestoreJournal = { ...journal, phase: "swapping" };
  writeJournal(path, swapping);
  try {
    swapping.moves.forEach((move, n) => {
      onMove(n);
      rename(move);
      // A new name inside a staged root: its folder is elsewhere once the root has moved.
      if (parentOf(move.from) === parentOf(move.to)) fsyncFolder(toBytes(parentOf(move.to)));
    });
    onMove(swapping.moves.length);
    syncFolders(swapping.moves);
    const swapped: RestoreJournal = { ...journal, phase: "swapped" };
    writeJournal(path, swapped);
    return swapped;
  } catch (error) {
    undoMoves(swapping.moves);
    writeJournal(path, { ...journal, phase: "staging" });
    throw error;
  }
}

/**
 * Takes back, in reverse, every move that was done; where each thing lies is asked of the file system, so it may be
 * called after a crash at any moment, and twice. Durable when it returns.
 * @throws ColdkeepError `integrity` where something lies in neither place.
 */
export function undoMoves(moves: readonly Move[]): void {
  for (const move of [...moves].reverse()) {
    if (isAt(move.from, move.inode)) continue;
    if (!isAt(move.to, move.inode)) throw lost(move);
    rename({ ...move, from: move.to, to: move.from });
  }
  syncFolders(moves);
}

/** `<dev>:<ino>` of what lies there, symlinks not followed; null where nothing does. */
export function inodeAt(path: BytePath): string | null {
  try {
    const { dev, ino } = lstatSync(toBytes(path), { bigint: true });
    return `${dev}:${ino}`;
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return null;
    throw fromSystemError(error, { what: "cannot look at a path", on: toText(path), otherwise: "refused" });
  }
}

/**
 * Whether that very thing lies there. A device may have another number after a boot (btrfs, LVM, disks found in another
 * order): what lies on the file system of the folder above was on it before, too, as rename(2) crosses none.
 */
function isAt(path: BytePath, inode: string): boolean {
  const found = inodeAt(path);
  if (found === inode) return true;
  const [device, number] = found?.split(":") ?? [];
  return number === inode.split(":")[1] && device === inodeAt(parentOf(path))?.split(":")[0];
}

/** rename(2) replaces empty folders silently, so that nothing must lie at `to` is checked here. */
function rename(move: Move): void {
  if (inodeAt(move.to) !== null) {
    throw new ColdkeepError("refused", {
      what: "cannot move a folder into place",
      on: toText(move.to),
      why: "something has appeared there meanwhile",
      todo: "make sure that nothing else writes there, then restore again",
    });
  }
  try {
    renameSync(toBytes(move.from), toBytes(move.to));
  } catch (error) {
    const on = `${toText(move.from)} to ${toText(move.to)}`;
    throw fromSystemError(error, { what: "cannot move a folder into place", on, otherwise: "refused" });
  }
}

function syncFolders(moves: readonly Move[]): void {
  const folders = new Set(moves.flatMap(({ from, to }) => [parentOf(from), parentOf(to)]));
  for (const folder of folders) {
    // A staging folder may be gone already when an undo is repeated.
    if (inodeAt(folder) !== null) fsyncFolder(toBytes(folder));
  }
}

function lost(move: Move): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: "cannot take back an interrupted restore",
    on: toText(move.from),
    why: `what lay there is neither there nor at ${toText(move.to)}`,
    todo: "somebody moved it: put it back to one of the two places, then run coldkeep again",
  });
}
