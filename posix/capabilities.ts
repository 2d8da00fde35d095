import { libcTrouble } from "./libc.ts";

/** What libc gives beyond Node, each in words; of what is missing, what is lost and why. */
export interface PosixCapabilities {
  readonly available: readonly string[];
  readonly missing: readonly string[];
}

/** What coldkeep gets from libc on this machine, and what is lost where libc cannot be called. For `doctor`. */
export function posixCapabilities(): PosixCapabilities {
  const trouble = libcTrouble();
  if (trouble === null) return { available: NEEDS.map(({ use }) => use), missing: [] };
  return { available: [], missing: NEEDS.map(({ use, loss }) => `${use} (${loss}: ${trouble})`) };
}

const NEEDS = [
  { use: "holes of sparse files", loss: "they are read as zeros" },
  { use: "extended attributes", loss: "attributes and ACLs are neither kept nor restored" },
  { use: "nanosecond times", loss: "modification times are restored to the microsecond" },
  { use: "one sync for a file system", loss: "the command sync is called instead" },
] as const;
