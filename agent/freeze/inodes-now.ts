import { lstatSync, readdirSync } from "node:fs";
import { fromSystemError } from "../../posix/system-error.ts";
import { systemCode } from "../../vault/names/index.ts";
import { below, fromBytes, type Latin1, toBytes } from "./bytes.ts";
import { type InodeSet, makeInodeSet } from "./inode-set.ts";

/** Adds the inodes of all plain files below a folder, by device; yields between any two entries. */
export function* collectInodes(folder: Latin1, into: Map<bigint, InodeSet>): Generator<void> {
  try {
    for (const entry of readdirSync(toBytes(folder), { encoding: "buffer", withFileTypes: true })) {
      const path = below(folder, fromBytes(entry.name));
      yield;
      if (entry.isDirectory()) yield* collectInodes(path, into);
      else if (entry.isFile()) remember(path, into);
    }
  } catch (error) {
    if (systemCode(error) === "ENOENT") return;
    throw fromSystemError(error, { what: "cannot look into a folder", on: toBytes(folder), otherwise: "refused" });
  }
}

/** The inodes of all plain files below these folders as they are now, by device. */
export function inodesNow(roots: readonly { readonly path: Latin1 }[]): ReadonlyMap<bigint, InodeSet> {
  const inodes = new Map<bigint, InodeSet>();
  for (const { path } of roots) for (const _ of collectInodes(path, inodes));
  return inodes;
}

function remember(path: Latin1, into: Map<bigint, InodeSet>): void {
  const info = lstatSync(toBytes(path), { bigint: true, throwIfNoEntry: false });
  if (info === undefined) return;
  const set = into.get(info.dev) ?? makeInodeSet();
  into.set(info.dev, set);
  set.add(Number(info.ino));
}
