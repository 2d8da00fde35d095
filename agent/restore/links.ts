import { linkSync, lstatSync, symlinkSync } from "node:fs";
import { fromSystemError } from "../../posix/system-error.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import { applyMetadata } from "./apply-metadata.ts";
import { toBytes, toText } from "./byte-path.ts";
import type { Metadata, StagedPath } from "./jobs.ts";
import { stagedBytes } from "./place-files.ts";
import type { SelectedEntry } from "./selection.ts";

export interface LinkOptions {
  readonly stagedPath: (selected: Pick<SelectedEntry, "path">) => StagedPath;
  readonly metadataOf: (selected: SelectedEntry) => Metadata;
  readonly onLost: (what: string) => void;
}

/**
 * Makes the hardlinks. Their targets are files this restore placed: nothing outside staging can be named, since every
 * path is taken below it and no symlink is there yet.
 * @throws ColdkeepError `integrity` for a target that is no restored file.
 */
export async function placeHardlinks(
  batches: AsyncIterable<readonly SelectedEntry[]>,
  o: Pick<LinkOptions, "stagedPath">,
): Promise<void> {
  for await (const batch of batches) {
    for (const { entry, path, target } of batch) {
      if (entry.type !== "hardlink" || target === null) continue;
      const from = o.stagedPath({ path: target });
      const to = o.stagedPath({ path });
      const info = lstatSync(stagedBytes(from), { throwIfNoEntry: false });
      if (info === undefined || !info.isFile() || from.base !== to.base) {
        throw new ColdkeepError("integrity", {
          what: "the snapshot's list of files cannot be trusted",
          on: toText(path),
          why: `it is a hardlink to ${JSON.stringify(toText(target))}, which is no file of this root`,
          todo: "it was sealed by a faulty or hostile host: nothing of it was put in place; use another snapshot",
        });
      }
      tryTo("make a hardlink", to, () => linkSync(stagedBytes(from), stagedBytes(to)));
    }
  }
}

/**
 * Makes the symlinks, after everything else, and gives each directory its metadata once nothing more is made in it.
 */
export async function placeSymlinksAndFinish(
  batches: AsyncIterable<readonly SelectedEntry[]>,
  o: LinkOptions,
): Promise<void> {
  const lost = new Set<string>();
  const way: SelectedEntry[] = [];
  const leave = () => {
    const folder = way.pop();
    if (folder === undefined) return;
    const staged = o.stagedPath(folder);
    tryTo("set a folder's attributes", staged, () =>
      applyMetadata({ folder: stagedBytes(staged) }, o.metadataOf(folder), lost),
    );
  };
  for await (const batch of batches) {
    for (const selected of batch) {
      const { entry, path, target } = selected;
      while (way.length > 0 && !path.startsWith(`${way.at(-1)?.path}/`)) leave();
      if (entry.type === "directory") way.push(selected);
      if (entry.type !== "symlink" || target === null) continue;
      const staged = o.stagedPath(selected);
      tryTo("make a symlink", staged, () => {
        symlinkSync(toBytes(target), stagedBytes(staged));
        applyMetadata({ symlink: stagedBytes(staged) }, o.metadataOf(selected), lost);
      });
    }
  }
  while (way.length > 0) leave();
  for (const what of lost) o.onLost(what);
}

function tryTo(what: string, { path }: StagedPath, act: () => void): void {
  try {
    act();
  } catch (error) {
    throw fromSystemError(error, { what: `cannot ${what}`, on: toText(path), otherwise: "refused" });
  }
}
