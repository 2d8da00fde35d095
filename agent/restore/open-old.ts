import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { type BytePath, toBytes } from "./byte-path.ts";

/** Opens a plain file of the old data; null where there is none, or it cannot be opened: it is fetched then. */
export function openOld(path: BytePath): { readonly fd: number; readonly size: number } | null {
  let fd: number;
  try {
    fd = openSync(toBytes(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return null;
  }
  const info = fstatSync(fd);
  if (info.isFile()) return { fd, size: info.size };
  closeSync(fd);
  return null;
}
