import { chmodSync, closeSync, constants, fstatSync, lstatSync, mkdirSync, openSync } from "node:fs";
import { ColdkeepError, systemCode } from "../../names/index.ts";
import { fsyncForGoodSync } from "./fsync.ts";

/** The vault's own folder as it was found at opening. */
export interface VaultRoot {
  /** Without symbolic links. */
  readonly path: string;
  readonly dev: bigint;
  readonly ino: bigint;
  /** Folders whose name is known to be on disk, not only in memory. */
  readonly durable: Set<string>;
}

/**
 * An open folder of the vault. Files in it are addressed through its descriptor, so that nobody can lead us elsewhere
 * by renaming a folder or planting a symbolic link above them (proc_pid_fd(5)).
 */
export interface OpenFolder {
  readonly fd: number;
  /** The path by which a file in this folder is reached. */
  at(name: string): string;
  close(): void;
}

const OPEN = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Opens a folder of the vault, component by component, following no symbolic link. Null where there is none; with
 * `make` it is made, 0700, and its name put on disk.
 * @throws ColdkeepError `vault` where the vault itself is gone, or a symbolic link or a file lies in the way;
 * the system's error otherwise.
 */
export function openFolder(root: VaultRoot, parts: readonly string[], make: boolean): OpenFolder | null {
  let fd = openRoot(root);
  let path = "";
  try {
    for (const part of parts) {
      path = `${path}/${part}`;
      const next = enter(root, fd, part, path, make);
      closeSync(fd);
      fd = -1;
      if (next === null) return null;
      fd = next;
    }
  } catch (error) {
    if (fd >= 0) closeSync(fd);
    throw error;
  }
  const opened = fd;
  return { fd: opened, at: (name) => `/proc/self/fd/${opened}/${name}`, close: () => closeSync(opened) };
}

function openRoot(root: VaultRoot): number {
  let fd: number;
  try {
    fd = openSync(root.path, OPEN);
  } catch (error) {
    if (systemCode(error) === "ENOENT") throw vanished(root, "it does not exist any more");
    throw error;
  }
  const { dev, ino } = fstatSync(fd, { bigint: true });
  if (dev === root.dev && ino === root.ino) return fd;
  closeSync(fd);
  throw vanished(root, "another folder lies in its place");
}

function enter(root: VaultRoot, parent: number, part: string, path: string, make: boolean): number | null {
  const at = `/proc/self/fd/${parent}/${part}`;
  for (let attempt = 0; ; attempt += 1) {
    let fd = -1;
    try {
      fd = openSync(at, OPEN);
      if (make && !root.durable.has(path)) settle(root, parent, path);
      return fd;
    } catch (error) {
      if (fd >= 0) closeSync(fd);
      const code = systemCode(error);
      if (code === "ENOTDIR" || code === "ELOOP") {
        if (isSymlink(at)) throw inTheWay(root, path, "a symbolic link, which coldkeep does not follow inside a vault");
        if (make) throw inTheWay(root, path, "a file");
        return null;
      }
      if (code !== "ENOENT" || attempt > 2) throw error;
      if (!make) return null;
      makeFolder(root, parent, at, path);
    }
  }
}

function makeFolder(root: VaultRoot, parent: number, at: string, path: string): void {
  try {
    mkdirSync(at, 0o700);
  } catch (error) {
    if (systemCode(error) === "EEXIST") return;
    throw error;
  }
  // By path, not by descriptor: under a strict umask we could not even open what we just made.
  chmodSync(at, 0o700);
  settle(root, parent, path);
}

/** A folder another process made and never synced would take our files with it in a power cut. */
function settle(root: VaultRoot, parent: number, path: string): void {
  fsyncForGoodSync(parent, `${root.path}${path}`);
  root.durable.add(path);
}

function isSymlink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

function vanished(root: VaultRoot, why: string): ColdkeepError {
  return new ColdkeepError("vault", {
    what: "the vault's folder is not the one that was opened",
    on: root.path,
    why,
    todo: "Check that its disk is mounted",
  });
}

/** For what lies where an object or a folder should: nothing is read or written through it. */
export function inTheWay(root: VaultRoot, path: string, found: string): ColdkeepError {
  return new ColdkeepError("vault", {
    what: "something else lies in the vault's way",
    on: `${root.path}${path.startsWith("/") ? "" : "/"}${path}`,
    why: `found ${found}`,
    todo: "Move it out of the vault",
  });
}
