import type { Stats } from "node:fs";
import { chmodSync, fchmodSync, fchownSync, lchownSync } from "node:fs";
import { setMtime } from "../../posix/times.ts";
import { setXattr } from "../../posix/xattrs.ts";
import { systemCode } from "../../vault/names/index.ts";
import type { Metadata } from "./jobs.ts";

/** What the metadata is for: an open file (as it is now, where that is known), a folder, or a symlink itself. */
export type MetadataTarget =
  | { readonly fd: number; readonly found?: Pick<Stats, "mode" | "uid" | "gid"> }
  | { readonly folder: Buffer }
  | { readonly symlink: Buffer };

/** Who may not, or a file system that cannot: worth a note, since the content is whole. */
const CANNOT = new Set(["EPERM", "EACCES", "ENOTSUP", "EOPNOTSUPP", "EINVAL", "ENOSYS"]);

/**
 * Owner, mode, attributes and time, in the one order in which none undoes another: chown(2) clears setuid, a mode may
 * forbid writing attributes, and everything touches the time. What cannot be set is added to `lost`.
 * @throws the system's error for anything else.
 */
export function applyMetadata(target: MetadataTarget, metadata: Metadata, lost: Set<string>): void {
  const { mode, owner, mtime, xattrs } = metadata;
  const on = "fd" in target ? target.fd : "folder" in target ? target.folder : target.symlink;
  const found = "fd" in target ? target.found : undefined;
  // A hundred thousand files come as they should be from where they were made.
  const owned = owner === null || (found?.uid === owner.uid && found.gid === owner.gid);
  if (!owned) {
    attempt(lost, "some owners could not be restored", () => {
      if (typeof on === "number") fchownSync(on, owner.uid, owner.gid);
      else lchownSync(on, owner.uid, owner.gid);
    });
  }
  for (const xattr of xattrs) {
    const [namespace] = xattr.name.split(".");
    attempt(lost, `some extended attributes (${namespace}.*) could not be restored`, () => setXattr(on, xattr));
  }
  // A symlink has no mode of its own on Linux (symlink(7)).
  if (typeof on === "number") {
    if (!owned || xattrs.length > 0 || found === undefined || (found.mode & 0o7777) !== mode) fchmodSync(on, mode);
  } else if ("folder" in target) chmodSync(on, mode);
  setMtime(on, mtime);
}

function attempt(lost: Set<string>, what: string, act: () => void): void {
  try {
    act();
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined || !CANNOT.has(code)) throw error;
    lost.add(`${what} (${code})`);
  }
}
