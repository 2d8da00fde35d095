import { lstatSync, statfsSync } from "node:fs";
import { ColdkeepError } from "../../vault/names/index.ts";
import { type BytePath, parentOf, toBytes, toText } from "./byte-path.ts";

/** What one root will take. */
export interface SpaceNeed {
  /** A folder on the file system concerned, there already or to be made in one that is. */
  readonly folder: BytePath;
  /** Allocated bytes of its content. */
  readonly bytes: number;
  /** Files, folders and symlinks. */
  readonly inodes: number;
}

/**
 * Refuses what cannot fit, before anything is written. Old data stays until all is in place, so it frees nothing.
 * @throws ColdkeepError `no-space` with what is needed and what there is.
 */
export function assertSpace(needs: readonly SpaceNeed[]): void {
  const byDevice = new Map<bigint, { folder: BytePath; bytes: number; inodes: number }>();
  for (const { folder, bytes, inodes } of needs) {
    const there = existing(folder);
    const device = lstatSync(toBytes(there), { bigint: true }).dev;
    const sum = byDevice.get(device) ?? { folder: there, bytes: 0, inodes: 0 };
    byDevice.set(device, { folder: sum.folder, bytes: sum.bytes + bytes, inodes: sum.inodes + inodes });
  }
  for (const { folder, bytes, inodes } of byDevice.values()) {
    const info = statfsSync(toBytes(folder));
    const free = info.bavail * info.bsize;
    if (bytes > free) throw tooSmall(folder, `${bytes} bytes are needed, ${free} are free`);
    // File systems without a fixed number of inodes say 0 of 0.
    if (info.files > 0 && inodes > info.ffree) {
      throw tooSmall(folder, `${inodes} inodes are needed, ${info.ffree} are free`);
    }
  }
}

/** Bytes that this user may still write where the folder is, or will be. */
export function freeAt(folder: BytePath): number {
  const info = statfsSync(toBytes(existing(folder)));
  return info.bavail * info.bsize;
}

function existing(folder: BytePath): BytePath {
  let path = folder;
  while (path !== "/" && lstatSync(toBytes(path), { throwIfNoEntry: false }) === undefined) path = parentOf(path);
  return path;
}

function tooSmall(folder: BytePath, why: string): ColdkeepError {
  return new ColdkeepError("no-space", {
    what: "the restored data does not fit",
    on: toText(folder),
    why: `${why}; the data there now stays until the new is in place`,
    todo: "free some space there, or restore to another file system with --to",
  });
}
