import { closeSync, constants, ftruncateSync } from "node:fs";
import { setDirect, writeFullySync } from "../../posix/direct.ts";
import { openBelow } from "../../posix/open-below.ts";
import { fromSystemError } from "../../posix/system-error.ts";
import { chunkIdKey } from "../../vault/sealed/chunk-id.ts";
import type { OpenedFrame } from "../../vault/sealed/types.ts";
import { openFrames } from "../open/open-frames.ts";
import { applyMetadata } from "./apply-metadata.ts";
import { below, toBytes, toText } from "./byte-path.ts";
import type { JobFile, PlaceJob, RestoreAnswer, StagedPath } from "./jobs.ts";
import { unpackFiles } from "./packed-files.ts";
import { assertPiece, assertShape } from "./read-back.ts";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants;
/** Files of at least this many bytes are written past the page cache. */
const LARGE_FILE = 256 << 10;
const ID_BYTES = 32;
/** Files kept open at once by one job; their frames usually lie side by side, so few are needed. */
const MAX_OPEN = 64;

interface OpenFile {
  readonly fd: number;
  /** Whether it may have direct access. */
  readonly direct: boolean;
  /** Bytes from the start of the file up to the last one written. */
  end: number;
}

/**
 * One job of a restore, in a worker thread: opens each frame, writes it to the files it belongs to, reads it back from
 * there and compares it with its chunk id, and gives finished files their metadata. Only opened, thus authenticated,
 * frames reach the disk.
 * @throws ColdkeepError `integrity` for a damaged frame, or a file that does not hold what was backed up; `no-space`,
 *   `permission`.
 */
export function placeFiles({ suite, chunkKey, files: packed, batch, counts, uses, ids }: PlaceJob): RestoreAnswer {
  const files = unpackFiles(packed);
  const key = { suite, chunkKey: chunkIdKey(chunkKey) };
  const lost = new Set<string>();
  const left = new Uint32Array(files.length);
  for (let n = 0; n < uses.length; n += 2) left[uses[n] ?? 0] = (left[uses[n] ?? 0] ?? 0) + 1;
  const open = makeOpenFiles();
  try {
    files.forEach((file, i) => {
      if (left[i] === 0) finish(file, open, lost);
    });
    if (batch === null) return { lost: [...lost] };
    let n = 0;
    let nth = 0;
    for (const frame of openFrames(batch)) {
      for (const end = nth + (counts[n] ?? 0); nth < end; nth += 1) {
        const i = uses[2 * nth] ?? 0;
        const at = uses[2 * nth + 1] ?? 0;
        const file = files[i];
        if (file === undefined) throw new RangeError(`job has no file ${i}`);
        const target = open.get(file);
        write(target, frame, at, file);
        const id = ids.subarray(nth * ID_BYTES, (nth + 1) * ID_BYTES);
        readBack(
          () => assertPiece(key, file, target.fd, { at, length: frame.bytes.length, id, secret: file.secret }),
          file,
        );
        left[i] = (left[i] ?? 0) - 1;
        if (left[i] === 0) finish(file, open, lost);
      }
      n += 1;
    }
    return { lost: [...lost], memory: batch.bytes.buffer };
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
    writeFullySync(open.fd, bytes, at, open.direct);
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
    const found = readBack(() => assertShape(file, fd, file.size, file.holes), file);
    applyMetadata({ fd, found }, file.metadata, lost);
  } catch (error) {
    throw failed(error, file);
  } finally {
    open.close(file);
  }
}

function readBack<T>(act: () => T, file: JobFile): T {
  try {
    return act();
  } catch (error) {
    throw fromSystemError(error, {
      what: "cannot read a restored file back",
      on: toText(file.path),
      otherwise: "integrity",
    });
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
      // In a staging folder that is closed to others; so that most have their mode at once.
      const mode = (file.metadata.mode & 0o777) | 0o600;
      try {
        const direct = file.size >= LARGE_FILE;
        const made = { fd: openBelow(file.base, file.path, O_RDWR | O_NOFOLLOW | flags, mode), direct, end: end ?? 0 };
        open.set(file, made);
        if (direct) setDirect(made.fd, true);
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
