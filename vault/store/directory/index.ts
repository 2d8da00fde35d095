import { accessSync, constants, mkdirSync, realpathSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { fsyncFolder } from "../../../posix/durable.ts";
import { ColdkeepError, isColdkeepError, messageOf, systemCode } from "../../names/index.ts";
import type { Deleter, Store } from "../facets.ts";
import { noLocks } from "../no-locks.ts";
import { readonly } from "../readonly.ts";
import { directoryCreator } from "./create.ts";
import { directoryDeleter } from "./delete.ts";
import { vaultError } from "./errors.ts";
import type { VaultRoot } from "./folders.ts";
import { directoryLister } from "./list.ts";
import { sweepLocks } from "./locks.ts";
import { directoryReader } from "./read.ts";
import { directoryReplacer } from "./replace.ts";
import { sweepTemp } from "./temp.ts";

export interface DirectoryStoreOptions {
  /** Every change is refused; nothing is swept. Default false. */
  readonly readonly?: boolean;
  /** Makes the folder, 0700, where there is none. Default false: a disk that is not mounted must not look like a new vault. */
  readonly create?: boolean;
}

/**
 * A vault in a folder of this machine or of a mounted share. Objects are files of the same name, 0600 in folders 0700,
 * whatever the umask. `etag`s name inode, modification time and size; `receivedAt` is the modification time, so a
 * vault is moved with a tool that keeps times (`cp -a`, `rsync -a`).
 * @param location a path or a `file://` URL
 * @throws ColdkeepError `vault` where there is no such folder or it is none; `permission`; `config` for a bad URL.
 */
export async function openDirectoryStore(
  location: string,
  options: DirectoryStoreOptions = {},
): Promise<Store & Deleter> {
  const root = openRoot(toPath(location), options.create ?? false);
  const store: Store & Deleter = {
    url: pathToFileURL(root.path).href,
    ...directoryReader(root),
    ...directoryCreator(root),
    ...directoryReplacer(root),
    ...directoryLister(root),
    ...directoryDeleter(root),
    ...noLocks,
  };
  if (options.readonly) return readonly(store);
  trySweep(root);
  return store;
}

function toPath(location: string): string {
  if (!/^[a-z][a-z0-9+.-]*:/i.test(location)) return resolve(location);
  try {
    return fileURLToPath(location);
  } catch (error) {
    throw new ColdkeepError("config", {
      what: "not the place of a directory vault",
      on: location,
      why: messageOf(error),
      todo: "Write file:///absolute/path, or the path alone",
      cause: error,
    });
  }
}

function openRoot(path: string, create: boolean): VaultRoot {
  try {
    if (create) makeRoot(path);
    const real = realpathSync.native(path);
    const stats = statSync(real, { bigint: true });
    if (!stats.isDirectory()) throw notAFolder(path);
    accessSync(real, constants.R_OK | constants.X_OK);
    return { path: real, dev: stats.dev, ino: stats.ino, durable: new Set() };
  } catch (error) {
    const code = systemCode(error);
    if (code === "ENOTDIR" || code === "EEXIST") throw notAFolder(path);
    if (code === "ENOENT") {
      throw new ColdkeepError("vault", {
        what: "there is no vault",
        on: path,
        why: "the folder does not exist",
        todo: "Mount its disk, correct the path, or make a new vault with `coldkeep init`",
        cause: error,
      });
    }
    throw vaultError(error, "cannot open the vault", path);
  }
}

function makeRoot(path: string): void {
  const first = mkdirSync(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let folder = path; folder !== dirname(first); folder = dirname(folder)) fsyncFolder(dirname(folder));
}

function notAFolder(path: string): ColdkeepError {
  return new ColdkeepError("vault", {
    what: "the vault's path does not lead to a folder",
    on: path,
    why: "it is, or leads through, a file",
    todo: "Name the folder that holds the vault",
  });
}

/** Left files only take space: who may not remove them can still read, and meets the reason at the first write. */
function trySweep(root: VaultRoot): void {
  try {
    sweepTemp(root);
    sweepLocks(root);
  } catch (error) {
    const code = systemCode(error);
    if (code !== "EACCES" && code !== "EPERM" && code !== "EROFS" && !isColdkeepError(error)) {
      throw vaultError(error, "cannot open the vault", root.path);
    }
  }
}
