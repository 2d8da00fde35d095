import { closeSync, constants, ftruncateSync, openSync, writeSync } from "node:fs";
import { fromSystemError } from "../../posix/system-error.ts";
import { releaseBytes } from "../../vault/sealed/bytes.ts";
import type { OpenedFrame } from "../../vault/sealed/types.ts";
import { openFrames } from "../open/open-frames.ts";
import { applyMetadata } from "./apply-metadata.ts";
import { below, toBytes, toText } from "./byte-path.ts";
import type { JobFile, PlaceJob, RestoreAnswer, StagedPath } from "./jobs.ts";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
/** Files kept open at once by one job; their frames usually lie side by side, so few are needed. */
const MAX_OPEN = 64;

interface OpenFile {
  readonly fd: number;
  /** Bytes from the start of the file up to the last one written. */
  end: number;
}

/**
 * One job of a restore, in a worker thread: opens each frame, writes it to the files it belongs to, and gives finished
 * files their metadata. Only opened, thus authenticated, frames reach the disk.
 * @throws ColdkeepError `integrity` for a damaged frame, `no-space`, `permission`.
 */
export function placeFiles({ files, batch, uses }: PlaceJob): RestoreAnswer {
  const lost = new Set<string>();
  const left = files.map(() => 0);
  for (const use of uses.flat()) left[use.file] = (left[use.file] ?? 0) + 1;
  const open = makeOpenFiles();
  try {
    files.forEach((file, i) => {
      if (left[i] === 0) finish(file, open, lost);
    });
    if (batch === null) return { lost: [...lost], read: 0 };
    let n = 0;
    for (const frame of openFrames(batch)) {
      for (const { file: i, at } of uses[n] ?? []) {
        const file = files[i];
        if (file === undefined) throw new RangeError(`job has no file ${i}`);
        write(open.get(file), frame, at, file);
        left[i] = (left[i] ?? 0) - 1;
        if (left[i] === 0) finish(file, open, lost);
      }
      releaseBytes(frame.bytes);
      n += 1;
    }
    releaseBytes(batch.bytes);
    return { lost: [...lost], read: 0 };
  } finally {
    open.closeAll();
  }
}

/** The path system calls take. */
export function stagedBytes({ base, path }: StagedPath): Buffer {
  return toBytes(below(base, path));
}

function write(open: OpenFile, { bytes }: OpenedFrame, at: number, file: JobFile): void {
  try {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(open.fd, bytes, done, bytes.length - done, at + done);
    }
    open.end = Math.max(open.end, at + bytes.length);
  } catch (error) {
    throw failed(error, file);
  }
}

function finish(file: JobFile, open: OpenFiles, lost: Set<string>): void {
  if (file.kind === "part") return;
  const { fd, end } = open.get(file);
  try {
    if (file.kind === "whole" && end < file.size) ftruncateSync(fd, file.size);
    applyMetadata({ fd }, file.metadata, lost);
  } catch (error) {
    throw failed(error, file);
  } finally {
    open.close(file);
  }
}

interface OpenFiles {
  get(file: JobFile): OpenFile;
  close(file: JobFile): void;
  closeAll(): void;
}

function makeOpenFiles(): OpenFiles {
  const open = new Map<JobFile, OpenFile>();
  const ends = new Map<JobFile, number>();
  const close = (file: JobFile) => {
    const known = open.get(file);
    if (known === undefined) return;
    open.delete(file);
    ends.set(file, known.end);
    closeSync(known.fd);
  };
  return {
    close,
    closeAll: () => {
      for (const file of [...open.keys()]) close(file);
    },
    get: (file) => {
      const known = open.get(file);
      if (known !== undefined) return known;
      const [oldest] = open.keys();
      if (oldest !== undefined && open.size >= MAX_OPEN) close(oldest);
      const end = ends.get(file);
      // What this job makes must not be there yet, whoever may have put it there.
      const flags = file.kind === "whole" && end === undefined ? O_CREAT | O_EXCL : 0;
      try {
        const made = { fd: openSync(stagedBytes(file), O_WRONLY | O_NOFOLLOW | flags, 0o600), end: end ?? 0 };
        open.set(file, made);
        return made;
      } catch (error) {
        throw failed(error, file);
      }
    },
  };
}

function failed(error: unknown, file: StagedPath): Error {
  return fromSystemError(error, { what: "cannot restore a file", on: toText(file.path), otherwise: "refused" });
}
