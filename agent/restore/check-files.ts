import { closeSync, constants, fstatSync, openSync } from "node:fs";

import { dataExtents, type Extent } from "../../posix/holes.ts";
import { fromSystemError } from "../../posix/system-error.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import { toText } from "./byte-path.ts";
import type { CheckFile, CheckJob, CheckPiece, RestoreAnswer } from "./jobs.ts";
import { stagedBytes } from "./place-files.ts";
import { isChunk, isZero, readPiece } from "./read-piece.ts";

/**
 * Reads staged files back and compares each piece with its chunk id, so that what is put in place is what was backed up,
 * byte for byte, as the file system gives it. Answers with the bytes read.
 * @throws ColdkeepError `integrity` naming the file and the offset.
 */
export function checkFiles(job: CheckJob): RestoreAnswer {
  return { lost: [], read: job.files.reduce((sum, file) => sum + checkFile(job, file), 0) };
}

function checkFile(job: CheckJob, file: CheckFile): number {
  let fd: number;
  try {
    fd = openSync(stagedBytes(file), constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    throw failed(error, file);
  }
  try {
    const { size } = fstatSync(fd);
    if (size !== file.size) throw wrong(file, `it has ${size} bytes, ${file.size} were backed up`);
    const extents = file.pieces.some(({ id }) => id === null) ? dataExtents(fd, size) : [];
    return file.pieces.reduce((sum, piece) => {
      return (
        sum + (piece.id === null ? checkHole(file, fd, piece, extents) : checkPiece(job, file, fd, piece, piece.id))
      );
    }, 0);
  } catch (error) {
    throw failed(error, file);
  } finally {
    closeSync(fd);
  }
}

function checkPiece(job: CheckJob, file: CheckFile, fd: number, { at, length }: CheckPiece, id: Uint8Array): number {
  const bytes = readPiece(fd, at, length);
  if (bytes === null) throw wrong(file, `it ends before ${at + length}`);
  if (isChunk(job, bytes, id, file.secret)) return length;
  throw wrong(file, `the ${length} bytes at ${at} are not those that were backed up`);
}

function checkHole(file: CheckFile, fd: number, { at, length }: CheckPiece, extents: readonly Extent[]): number {
  const { zero, read } = isZero(fd, at, length, extents);
  if (zero) return read;
  throw wrong(file, `there should be zeros from ${at} to ${at + length}`);
}

function wrong(file: CheckFile, why: string): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: "a restored file is not what was backed up",
    on: toText(file.path),
    why,
    todo: "nothing was put in place; check the target's disk and memory, then `coldkeep verify --read-data`",
  });
}

function failed(error: unknown, file: CheckFile): ColdkeepError {
  return fromSystemError(error, {
    what: "cannot read a restored file back",
    on: toText(file.path),
    otherwise: "integrity",
  });
}
