import { renameSync } from "node:fs";
import { type Clock, systemClock } from "../../../posix/clock.ts";
import type { ReplaceOutcome, Replacer } from "../facets.ts";
import { splitName } from "../object-name.ts";
import { linkTemp } from "./create.ts";
import { vaultError } from "./errors.ts";
import { infoOf, statObject } from "./files.ts";
import { openFolder, type VaultRoot } from "./folders.ts";
import { fsyncForGood } from "./fsync.ts";
import { lockName } from "./locks.ts";
import { type TempFile, writeTemp } from "./temp.ts";

/**
 * Replacer over a folder: compare and rename under a lock file a name. A new version's modification time is always
 * later than the one before it, so that an etag never comes back.
 */
export function directoryReplacer(root: VaultRoot, clock: Clock = systemClock): Replacer {
  return {
    replace: async (name, bytes, expected) => {
      const parts = splitName(name);
      try {
        using _lock = await lockName(root, name, clock);
        return await replaceLocked(root, parts, name, bytes, expected);
      } catch (error) {
        throw vaultError(error, "cannot replace an object", `${root.path}/${name}`);
      }
    },
  };
}

async function replaceLocked(
  root: VaultRoot,
  parts: readonly string[],
  name: string,
  bytes: Uint8Array,
  expected: string | null,
): Promise<ReplaceOutcome> {
  const leaf = parts.at(-1) ?? "";
  const folder = openFolder(root, parts.slice(0, -1), expected === null);
  if (folder === null) return { replaced: false };
  try {
    const current = statObject(root, folder, leaf, name);
    if ((current === null ? null : infoOf(current).etag) !== expected) return { replaced: false };
    const temp = await writeTemp(root, bytes, current?.mtimeNs);
    try {
      if (current === null) {
        if (!linkTemp(temp, folder.at(leaf))) return { replaced: false };
      } else {
        renameTemp(temp, folder.at(leaf), () => statObject(root, folder, leaf, name)?.ino);
      }
      await fsyncForGood(folder.fd, `${root.path}/${name}`);
      return { replaced: true, info: temp.info };
    } finally {
      temp.discard();
    }
  } finally {
    folder.close();
  }
}

/** As with link: a file server's error after it did the work is told by what lies there now. */
function renameTemp(temp: TempFile, path: string, inode: () => bigint | undefined): void {
  try {
    renameSync(temp.path, path);
  } catch (error) {
    if (inode() !== temp.ino) throw error;
  }
}
