import { closeSync, constants } from "node:fs";
import { setDirect } from "../../posix/direct.ts";
import { openBelow } from "../../posix/open-below.ts";
import { fromSystemError } from "../../posix/system-error.ts";
import { toText } from "./byte-path.ts";
import type { JobFile, StagedPath } from "./jobs.ts";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants;
/** Files of at least this many bytes are written past the page cache. */
const LARGE_FILE = 256 << 10;
/** Files kept open at once by one job; their frames usually lie side by side, so few are needed. */
const MAX_OPEN = 64;

export interface OpenFile {
  readonly fd: number;
  /** Whether it may have direct access. */
  readonly direct: boolean;
  /** Bytes from the start of the file up to the last one written. */
  end: number;
  /** Pieces of it that are on their way to the disk or back: it stays open. */
  busy: number;
}

/** The files one job writes, opened as they are needed. */
export interface OpenFiles {
  /** @throws ColdkeepError `permission`, `no-space`, `refused` where something is there that this job should make. */
  get(file: JobFile): OpenFile;
  close(file: JobFile): void;
  closeAll(): void;
}

export function makeOpenFiles(): OpenFiles {
  const open = new Map<JobFile, OpenFile>();
  const ends = new Map<JobFile, number>();
  const close = (file: JobFile) => {
    const known = open.get(file);
    if (known === undefined) return;
    open.delete(file);
    ends.set(file, known.end);
    closeSync(known.fd);
  };
  const closeOldest = () => {
    for (const [file, { busy }] of open) {
      if (busy > 0) continue;
      close(file);
      return;
    }
  };
  return {
    close,
    closeAll: () => {
      for (const file of [...open.keys()]) close(file);
    },
    get: (file) => {
      const known = open.get(file);
      if (known !== undefined) return known;
      if (open.size >= MAX_OPEN) closeOldest();
      const end = ends.get(file);
      // What this job makes must not be there yet, whoever may have put it there.
      const flags = file.kind === "whole" && end === undefined ? O_CREAT | O_EXCL : 0;
      // In a staging folder that is closed to others; so that most have their mode at once.
      const mode = (file.metadata.mode & 0o777) | 0o600;
      try {
        const direct = file.size >= LARGE_FILE;
        const fd = openBelow(file.base, file.path, O_RDWR | O_NOFOLLOW | flags, mode);
        const made = { fd, direct, end: end ?? 0, busy: 0 };
        open.set(file, made);
        if (direct) setDirect(fd, true);
        return made;
      } catch (error) {
        throw failed(error, file);
      }
    },
  };
}

/** What a system call on a staged file failed with, as it is told. */
export function failed(error: unknown, file: StagedPath): Error {
  return fromSystemError(error, { what: "cannot restore a file", on: toText(file.path), otherwise: "refused" });
}
