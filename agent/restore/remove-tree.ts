import { chmodSync, lstatSync, readdirSync, rmdirSync, unlinkSync } from "node:fs";
import { systemCode } from "../../vault/names/index.ts";
import { type BytePath, below, fromText, toBytes } from "./byte-path.ts";

/**
 * Removes a folder and all in it, whatever bytes the names are made of. Never follows a symlink, never leaves the file
 * system the folder lies on. Nothing there is no error. Blocks.
 * @throws the system's error at the first thing that cannot be removed.
 */
export function removeTree(path: BytePath): void {
  let device: bigint;
  try {
    const info = lstatSync(toBytes(path), { bigint: true });
    device = info.dev;
    if (!info.isDirectory()) {
      unlinkSync(toBytes(path));
      return;
    }
  } catch (error) {
    if (systemCode(error) === "ENOENT") return;
    throw error;
  }
  removeFolder(path, device);
}

/** The same for a folder that a restore has filled, by its name as people write it. @throws the system's error. */
export function removeRestored(folder: string): void {
  removeTree(fromText(folder));
}

function removeFolder(path: BytePath, device: bigint): void {
  for (const entry of openedFolder(path)) {
    const child = below(path, entry.name.toString("latin1"));
    if (!entry.isDirectory()) {
      unlinkSync(toBytes(child));
      continue;
    }
    // A file system mounted here is somebody else's data; rmdir below answers EBUSY for it.
    if (lstatSync(toBytes(child), { bigint: true }).dev === device) removeFolder(child, device);
    else rmdirSync(toBytes(child));
  }
  rmdirSync(toBytes(path));
}

/** Its entries; a folder whose own mode shuts us out is opened up first, since it goes anyway. */
function openedFolder(path: BytePath) {
  const read = () => readdirSync(toBytes(path), { encoding: "buffer", withFileTypes: true });
  try {
    const mode = lstatSync(toBytes(path)).mode;
    if ((mode & 0o700) !== 0o700) chmodSync(toBytes(path), 0o700);
    return read();
  } catch (error) {
    if (systemCode(error) !== "EPERM") throw error;
    return read();
  }
}
