import { libcTrouble } from "./libc.ts";

/** One thing this machine may or may not offer, for `doctor`. */
export interface Capability {
  readonly name: string;
  readonly available: boolean;
  /** What it is for; where it is missing, what is lost and why. */
  readonly detail: string;
}

/** What coldkeep gets from libc here, and what is lost where it cannot be called. */
export function posixCapabilities(): Capability[] {
  const trouble = libcTrouble();
  return NEEDS.map(({ name, use, loss }) => ({
    name,
    available: trouble === null,
    detail: trouble === null ? use : `${loss} (${trouble})`,
  }));
}

/** One sentence that says what is lost without libc; null where nothing is. */
export function posixLoss(): string | null {
  const trouble = libcTrouble();
  return trouble === null ? null : `libc cannot be called (${trouble}): ${NEEDS.map(({ loss }) => loss).join("; ")}`;
}

const NEEDS = [
  {
    name: "holes of sparse files",
    use: "SEEK_DATA and SEEK_HOLE",
    loss: "holes of sparse files are read as zeros",
  },
  {
    name: "extended attributes",
    use: "llistxattr, lgetxattr, lsetxattr",
    loss: "extended attributes and ACLs are neither kept nor restored",
  },
  {
    name: "nanosecond times",
    use: "utimensat",
    loss: "restored modification times are exact to a microsecond only",
  },
  {
    name: "one sync for a whole file system",
    use: "syncfs",
    loss: "the command sync is called to make files durable",
  },
] as const;
