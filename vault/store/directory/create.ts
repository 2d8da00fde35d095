import { createHash, timingSafeEqual } from "node:crypto";
import { closeSync, linkSync } from "node:fs";
import { ColdkeepError, systemCode } from "../../names/index.ts";
import type { CreateOutcome, Creator } from "../facets.ts";
import { splitName } from "../object-name.ts";
import { makeReceipt } from "../receipt.ts";
import { vaultError } from "./errors.ts";
import { openObject, readAt, statObject } from "./files.ts";
import { inTheWay, type OpenFolder, openFolder, type VaultRoot } from "./folders.ts";
import { fsyncForGood } from "./fsync.ts";
import { type TempFile, writeTemp } from "./temp.ts";

const ATTEMPTS = 4;
const SLICE = 4 << 20;

/** Creator over a folder: temporary file, fsync, link, fsync of the folder. link(2) never overwrites. */
export function directoryCreator(root: VaultRoot): Creator {
  return {
    create: async (name, { bytes, sha256 }) => {
      const parts = splitName(name);
      try {
        const temp = await writeTemp(root, bytes);
        try {
          return await giveName(root, parts, name, temp, sha256);
        } finally {
          temp.discard();
        }
      } catch (error) {
        throw vaultError(error, "cannot store an object", `${root.path}/${name}`);
      }
    },
  };
}

async function giveName(
  root: VaultRoot,
  parts: readonly string[],
  name: string,
  temp: TempFile,
  sha256: Uint8Array,
): Promise<CreateOutcome> {
  const leaf = parts.at(-1) ?? "";
  for (let attempt = 1; ; attempt += 1) {
    const folder = openFolder(root, parts.slice(0, -1), true);
    if (folder === null) throw new Error("openFolder makes what it is asked to make");
    try {
      if (linkTemp(temp, folder.at(leaf))) {
        await fsyncForGood(folder.fd, `${root.path}/${name}`);
        return { created: true, receipt: makeReceipt(name, temp.info) };
      }
      const taken = await describeTaken(root, folder, leaf, name, temp, sha256);
      if (taken !== null) return taken;
    } catch (error) {
      // The folder was empty and removed between opening it and linking into it.
      if (systemCode(error) !== "ENOENT" || attempt >= ATTEMPTS) throw error;
    } finally {
      folder.close();
    }
    if (attempt >= ATTEMPTS) throw inTheWay(root, name, "an object that comes and goes");
  }
}

/**
 * True where the temporary file has got the name, false where the name is taken. A file server may answer a link it
 * did make with an error; the count of links tells (open(2), NOTES on O_EXCL and NFS).
 */
export function linkTemp(temp: TempFile, path: string): boolean {
  try {
    linkSync(temp.path, path);
    return true;
  } catch (error) {
    if (temp.links() === 2) return true;
    const code = systemCode(error);
    if (code === "EEXIST") return false;
    if (code === "EPERM" || code === "ENOSYS" || code === "EOPNOTSUPP" || code === "EXDEV") throw noLinks(code, error);
    throw error;
  }
}

async function describeTaken(
  root: VaultRoot,
  folder: OpenFolder,
  leaf: string,
  name: string,
  temp: TempFile,
  sha256: Uint8Array,
): Promise<CreateOutcome | null> {
  const object = openObject(root, folder, leaf, name);
  if (object === null) {
    if (isFolder(root, folder, leaf, name)) throw inTheWay(root, name, "a folder");
    return null;
  }
  try {
    if (object.info.size !== temp.info.size) return { created: false, same: false, info: object.info };
    const same = timingSafeEqual(await hashFile(object.fd), sha256);
    if (same) {
      // Whoever put it may have died before this; the caller will rely on it.
      await fsyncForGood(object.fd, `${root.path}/${name}`);
      await fsyncForGood(folder.fd, `${root.path}/${name}`);
    }
    return { created: false, same, info: object.info };
  } finally {
    closeSync(object.fd);
  }
}

function isFolder(root: VaultRoot, folder: OpenFolder, leaf: string, name: string): boolean {
  if (statObject(root, folder, leaf, name) !== null) return false;
  const inner = openFolder(root, name.split("/"), false);
  inner?.close();
  return inner !== null;
}

async function hashFile(fd: number): Promise<Uint8Array> {
  const hash = createHash("sha256");
  for (let offset = 0; ; ) {
    const slice = await readAt(fd, offset, SLICE);
    if (slice.length === 0) return hash.digest();
    hash.update(slice);
    offset += slice.length;
  }
}

function noLinks(code: string, cause: unknown): ColdkeepError {
  return new ColdkeepError("vault", {
    what: "this folder cannot be a vault",
    why:
      code === "EXDEV"
        ? "parts of it lie on different file systems, and objects get their names by a hard link (EXDEV)"
        : `its file system has no hard links, by which coldkeep puts objects all or nothing (${code})`,
    todo: "Use a folder on a file system such as ext4, xfs, btrfs, zfs or NFS",
    cause,
  });
}
