import { chmodSync, chownSync, rmdirSync } from "node:fs";
import { fsyncFolder } from "../../posix/durable.ts";
import { maySetOwners } from "../../posix/powers.ts";
import { fromSystemError } from "../../posix/system-error.ts";
import { setMtime } from "../../posix/times.ts";
import { messageOf, systemCode } from "../../vault/names/index.ts";
import { type BytePath, parentOf, toBytes, toText } from "./byte-path.ts";
import { type RestoreJournal, removeJournal } from "./journal.ts";
import { removeTree } from "./remove-tree.ts";
import { inodeAt } from "./swap.ts";

/**
 * After all moves: staging folders and (unless kept) old data removed, last metadata, journal closed. The new data is in
 * place whatever happens here, so what cannot be tidied up is said and does not fail the restore. Repeatable.
 */
export function finishSwapped(path: string, journal: RestoreJournal, say: (text: string) => void): void {
  const attempt = (folder: BytePath, what: string, act: () => void) => {
    try {
      act();
    } catch (error) {
      say(`${what} ${toText(folder)} yourself: ${messageOf(error)}`);
    }
  };
  for (const folder of journal.staging) attempt(folder, "remove", () => removeDurably(folder));
  if (!journal.keepOld)
    for (const folder of journal.old) attempt(folder, "remove the old data in", () => removeDurably(folder));
  for (const { path: folder, mode, uid, gid, seconds, nanoseconds } of journal.late) {
    attempt(folder, "set mode and owner of", () => {
      if (maySetOwners()) chownSync(toBytes(folder), uid, gid);
      chmodSync(toBytes(folder), mode);
      setMtime(toBytes(folder), { seconds, nanoseconds });
    });
  }
  removeJournal(path);
}

/**
 * Before any move: staging folders and the folders made for them removed, journal closed. Repeatable.
 * @throws ColdkeepError `permission` or `refused`; the journal stays then, so that it is tried again.
 */
export function dropStaging(path: string, journal: RestoreJournal): void {
  for (const folder of journal.staging) {
    tryTo("cannot remove the staging folder", folder, () => removeDurably(folder));
  }
  for (const folder of [...journal.made].reverse()) {
    tryTo("cannot remove a folder made for the restore", folder, () => removeIfEmpty(folder));
  }
  removeJournal(path);
}

function removeIfEmpty(folder: BytePath): void {
  try {
    rmdirSync(toBytes(folder));
    // The journal that names it goes next.
    syncAbove(folder);
  } catch (error) {
    const code = systemCode(error);
    if (code !== "ENOENT" && code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
  }
}

function removeDurably(folder: BytePath): void {
  removeTree(folder);
  syncAbove(folder);
}

function syncAbove(folder: BytePath): void {
  const parent = parentOf(folder);
  if (inodeAt(parent) !== null) fsyncFolder(toBytes(parent));
}

function tryTo(what: string, folder: BytePath, act: () => void): void {
  try {
    act();
  } catch (error) {
    throw fromSystemError(error, { what, on: toText(folder), otherwise: "refused" });
  }
}
