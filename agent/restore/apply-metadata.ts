import { chmodSync, fchmodSync, fchownSync, lchownSync, lutimesSync } from "node:fs";
import type { Metadata } from "./jobs.ts";

export function applyMetadata(
  path: Buffer,
  target: number | "symlink" | null,
  { mode, owner, mtime }: Metadata,
  _lost: Set<string>,
): void {
  if (owner !== null) {
    if (typeof target === "number") fchownSync(target, owner.uid, owner.gid);
    else lchownSync(path, owner.uid, owner.gid);
  }
  if (typeof target === "number") fchmodSync(target, mode);
  else if (target === null) chmodSync(path, mode);
  setMtime(path, mtime);
}

export function setMtime(path: Buffer, { seconds, nanoseconds }: Metadata["mtime"]): void {
  const t = seconds + nanoseconds / 1e9;
  lutimesSync(path, t, t);
}
