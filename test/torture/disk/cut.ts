import {
  closeSync,
  existsSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Chance } from "../chance.ts";

/** One change of a name, as fault.c wrote it down. */
interface NameChange {
  readonly kind: "c" | "m" | "u" | "d" | "r";
  readonly folder: string;
  readonly name: string;
  readonly inode: string;
  /** For renames: where it went. */
  readonly to?: { readonly folder: string; readonly name: string; readonly exchanges: boolean };
  /** Number of the file in the trash that had this name; 0: none. */
  readonly kept: string;
}

interface Unsynced {
  /** Oldest first, over all folders. */
  readonly names: NameChange[];
  /** By inode: ranges that no sync has covered since. */
  readonly data: Map<string, { at: number; length: number }[]>;
}

export interface Cut {
  /** Names that were taken back, and files of which bytes were lost. */
  readonly names: number;
  readonly files: number;
}

/**
 * Does to a folder what a power cut does where the disk keeps nothing that was not synced: of each file any bytes
 * written since its last fsync may be gone, and of each folder the last so many changes of names since its own. Which,
 * chance says; the promises of fsync(2) and nothing more are kept, no journal of a file system helps.
 */
export function cutPower(under: string, log: string, trash: string, chance: Chance): Cut {
  if (!existsSync(log)) return { names: 0, files: 0 };
  const { names, data } = readLog(readFileSync(log, "latin1"));
  const files = loseData(under, data, chance);
  const taken = loseNames(under, trash, names, chance);
  return { names: taken, files };
}

function readLog(text: string): Unsynced {
  let names: NameChange[] = [];
  const data = new Map<string, { at: number; length: number }[]>();
  for (const line of text.split("\n")) {
    const [kind = "", first = "", second = "", third = "", fourth = "", fifth = "", sixth = "", seventh = ""] =
      line.split("\t");
    if (kind === "w") data.set(first, [...(data.get(first) ?? []), { at: Number(second), length: Number(third) }]);
    else if (kind === "S") {
      names = [];
      data.clear();
    } else if (kind === "s") {
      data.delete(first);
      // A rename is one change, whichever of its two folders was synced.
      names = names.filter((change) => change.folder !== first && change.to?.folder !== first);
    } else if (kind === "c" || kind === "m") names.push({ kind, folder: first, name: second, inode: third, kept: "0" });
    else if (kind === "u" || kind === "d")
      names.push({ kind, folder: first, name: second, inode: third, kept: fourth });
    else if (kind === "r") {
      const to = { folder: third, name: fourth, exchanges: seventh === "2" };
      names.push({ kind, folder: first, name: second, inode: fifth, to, kept: sixth });
    }
  }
  return { names, data };
}

function loseData(under: string, data: Unsynced["data"], chance: Chance): number {
  let files = 0;
  for (const path of filesBelow(under)) {
    const ranges = data.get(String(lstatSync(path, { bigint: true }).ino));
    if (ranges === undefined || chance.hits(0.3)) continue;
    files += 1;
    const fd = openSync(path, "r+");
    try {
      const first = Math.min(...ranges.map(({ at }) => at));
      if (chance.hits(0.5)) ftruncateSync(fd, first);
      else
        for (const { at, length } of ranges) if (chance.hits(0.5)) writeSync(fd, Buffer.alloc(length), 0, length, at);
    } finally {
      closeSync(fd);
    }
  }
  return files;
}

/** Takes back, newest first, what comes after the change up to which each folder got. */
function loseNames(under: string, trash: string, names: readonly NameChange[], chance: Chance): number {
  const left = new Map<string, number>();
  for (const { folder, to } of names)
    for (const id of new Set([folder, to?.folder ?? folder])) left.set(id, (left.get(id) ?? 0) + 1);
  for (const [folder, count] of left) left.set(folder, chance.hits(0.3) ? 0 : chance.whole(0, count));
  let taken = 0;
  const folders = foldersBelow(under);
  for (const change of [...names].reverse()) {
    const ids = [...new Set([change.folder, change.to?.folder ?? change.folder])];
    if (ids.every((id) => (left.get(id) ?? 0) <= 0)) continue;
    for (const id of ids) left.set(id, (left.get(id) ?? 0) - 1);
    if (takeBack(change, folders, trash)) taken += 1;
  }
  return taken;
}

function takeBack(change: NameChange, folders: Map<string, string>, trash: string): boolean {
  const folder = folders.get(change.folder);
  if (folder === undefined) return false;
  const path = join(folder, change.name);
  const kept = change.kept === "0" ? null : join(trash, change.kept);
  switch (change.kind) {
    case "c":
    case "m":
      if (inodeOf(path) !== change.inode) return false;
      rmSync(path, { recursive: true });
      return true;
    case "u":
      if (kept === null || !existsSync(kept) || existsSync(path)) return false;
      renameSync(kept, path);
      return true;
    case "d":
      if (existsSync(path)) return false;
      mkdirSync(path, { mode: 0o700 });
      folders.set(change.inode, path);
      return true;
    case "r": {
      const toFolder = folders.get(change.to?.folder ?? "");
      if (toFolder === undefined || change.to === undefined || change.to.exchanges) return false;
      const to = join(toFolder, change.to.name);
      if (inodeOf(to) !== change.inode || existsSync(path)) return false;
      renameSync(to, path);
      if (kept !== null && existsSync(kept)) renameSync(kept, to);
      for (const [inode, at] of folders) {
        if (at === to || at.startsWith(`${to}/`)) folders.set(inode, path + at.slice(to.length));
      }
      return true;
    }
  }
}

function inodeOf(path: string): string {
  return String(lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ino ?? "");
}

function filesBelow(under: string): string[] {
  return readdirSync(under, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function foldersBelow(under: string): Map<string, string> {
  const all = readdirSync(under, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
  return new Map([under, ...all].map((path) => [inodeOf(path), path]));
}
