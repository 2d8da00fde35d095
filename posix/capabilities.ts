import { libcTrouble } from "./libc.ts";

/** One thing that libc gives beyond Node, for `doctor`. */
export interface Capability {
  readonly name: string;
  readonly available: boolean;
  /** The calls it takes; where it is missing, what is lost and why. */
  readonly detail: string;
}

/** What coldkeep gets from libc on this machine, and what is lost where libc cannot be called. */
export function posixCapabilities(): Capability[] {
  const trouble = libcTrouble();
  return NEEDS.map(({ name, use, loss }) => ({
    name,
    available: trouble === null,
    detail: trouble === null ? use : `${loss} (${trouble})`,
  }));
}

const NEEDS = [
  { name: "holes of sparse files", use: "SEEK_DATA and SEEK_HOLE", loss: "they are read as zeros" },
  {
    name: "extended attributes",
    use: "llistxattr, lgetxattr, lsetxattr",
    loss: "attributes and ACLs are neither kept nor restored",
  },
  { name: "nanosecond times", use: "utimensat", loss: "modification times are restored to the microsecond" },
  { name: "one sync for a file system", use: "syncfs", loss: "the command sync is called instead" },
] as const;
