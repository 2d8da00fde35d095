import { chmodSync, closeSync, constants, lstatSync, mkdirSync, openSync } from "node:fs";
import { fromSystemError } from "../../posix/system-error.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import { type BytePath, toBytes, toText } from "./byte-path.ts";
import type { Layout } from "./layout.ts";

/** The staging folders of a restore, open. */
export interface Staging {
  /** Each root's staging folder, as a path through a descriptor: it cannot be led elsewhere by renames above it. */
  baseOf(root: string): BytePath;
  /** One descriptor a staging folder, for syncfs. */
  readonly descriptors: readonly number[];
  close(): void;
}

/**
 * Makes the staging folders, 0700, those of an unfinished run being there, and the fresh target where it is not there. The journal names them already.
 * @throws ColdkeepError `permission`, `no-space`, `refused`.
 */
export function makeStaging(layout: Layout): Staging {
  if (layout.make !== null) makeFolder(layout.make, 0o777);
  const open = new Map<BytePath, number>();
  const close = () => {
    for (const fd of open.values()) closeSync(fd);
    open.clear();
  };
  try {
    for (const { staging } of layout.roots) {
      if (open.has(staging)) continue;
      if (!isFolder(staging)) makeFolder(staging, 0o700);
      // Whatever the umask is or an ACL of the folder above hands down.
      chmodSync(toBytes(staging), 0o700);
      open.set(staging, openSync(toBytes(staging), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW));
    }
  } catch (error) {
    close();
    throw error;
  }
  const stagingOf = new Map(layout.roots.map(({ name, staging }) => [name, staging]));
  return {
    baseOf: (root) => {
      const staging = stagingOf.get(root);
      const fd = staging === undefined ? undefined : open.get(staging);
      if (fd === undefined) throw new ColdkeepError("internal", { what: "a root has no staging folder", on: root });
      return `/proc/self/fd/${fd}` as BytePath;
    },
    descriptors: [...open.values()],
    close,
  };
}

function isFolder(path: BytePath): boolean {
  return lstatSync(toBytes(path), { throwIfNoEntry: false })?.isDirectory() === true;
}

function makeFolder(path: BytePath, mode: number): void {
  try {
    mkdirSync(toBytes(path), { mode });
  } catch (error) {
    throw fromSystemError(error, { what: "cannot make a folder", on: toText(path), otherwise: "refused" });
  }
}
