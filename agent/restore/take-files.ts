import { chmodSync, closeSync, constants, ftruncateSync, lstatSync, openSync, writeSync } from "node:fs";
import { tryReflink } from "../../posix/copy.ts";
import { dataExtents, punchHole } from "../../posix/holes.ts";
import { fromSystemError } from "../../posix/system-error.ts";
import { chunkIdKey } from "../../vault/sealed/chunk-id.ts";
import { type BytePath, fromBytes, toText } from "./byte-path.ts";
import { type RestoreAnswer, type StagedPath, TAKEN, type TakeFile, type TakeJob, type TakenFile } from "./jobs.ts";
import { linkOld } from "./link-old.ts";
import { openOld } from "./open-old.ts";
import { stagedBytes } from "./place-files.ts";
import { assertPiece } from "./read-back.ts";
import { hasData, type IdKey, isChunk, isZero, readPiece } from "./read-piece.ts";
import { removeTree } from "./remove-tree.ts";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants;

/**
 * Finds out what of some files need not be fetched: what an earlier run has staged, and what the old data holds. Only
 * content that has the very id the snapshot names is taken, read from where it will stay, also what was just written;
 * whatever else is there is fetched. The old data is only read.
 * @throws ColdkeepError `permission`, `no-space`, `refused` where staging cannot be read or written.
 */
export function takeFiles(job: TakeJob): RestoreAnswer {
  const key = { suite: job.suite, chunkKey: chunkIdKey(job.chunkKey) };
  const taken = job.take.map((file) => takeFile(key, file));
  return { lost: [], taken };
}

function takeFile(job: IdKey, file: TakeFile): TakenFile {
  try {
    const linked =
      file.link && file.old !== null && !file.shared && !isStaged(file) ? linkOld(job, file, file.old) : null;
    if (linked !== null) return linked;
    const staged = file.shared ? openStaged(file) : prepareStaged(file, file.old);
    const states = new Uint8Array(file.pieces.length);
    const filled = fill(job, file, staged, states);
    return { kind: filled ? "there" : "absent", states };
  } catch (error) {
    throw fromSystemError(error, { what: "cannot restore a file", on: toText(file.path), otherwise: "refused" });
  }
}

/**
 * Makes what lies at a staged file's path ready to be filled: what an earlier run left there at its right size, else a
 * clone of the old file that shares its blocks. Null where neither is there. Anything that is no plain file, or has
 * another name outside of staging, goes.
 */
export function prepareStaged(file: StagedPath & { readonly size: number }, old: BytePath | null): number | null {
  const path = stagedBytes(file);
  if (!isStaged(file) && (old === null || !cloneOld(old, path))) return null;
  // An earlier run, or the clone, may have left a mode that shuts us out.
  chmodSync(path, 0o600);
  const fd = openStaged(file);
  ftruncateSync(fd, file.size);
  return fd;
}

/** Whether a plain file that is staging's own lies there; nothing does where it is not. */
function isStaged(file: StagedPath): boolean {
  const path = stagedBytes(file);
  const info = lstatSync(path, { throwIfNoEntry: false });
  if (info === undefined) return false;
  if (info.isFile() && info.nlink === 1) return true;
  removeTree(fromBytes(path));
  return false;
}

function cloneOld(old: BytePath, path: Buffer): boolean {
  const source = openOld(old);
  if (source === null) return false;
  try {
    return tryReflink(`/proc/self/fd/${source.fd}`, path);
  } catch {
    // Whatever is wrong with the old data, it can still be fetched.
    return false;
  } finally {
    closeSync(source.fd);
  }
}

function openStaged(file: StagedPath, make = false): number {
  return openSync(stagedBytes(file), O_RDWR | O_NOFOLLOW | (make ? O_CREAT | O_EXCL : 0), 0o600);
}

/** Notes what `staged` holds already, then fills in what the old file can give. False where there is no file at all. */
function fill(job: IdKey, file: TakeFile, staged: number | null, states: Uint8Array): boolean {
  let fd = staged;
  try {
    if (fd !== null) prove(job, file, fd, states);
    const old = file.old === null || !states.includes(TAKEN.not) ? null : openOld(file.old);
    if (old === null) return fd !== null;
    try {
      for (const [n, { at, length, id }] of file.pieces.entries()) {
        if (id === null || states[n] !== TAKEN.not || at + length > old.size) continue;
        const bytes = readOld(old.fd, at, length);
        if (bytes === null || !isChunk(job, bytes, id, file.secret)) continue;
        if (fd === null) {
          fd = openStaged(file, true);
          ftruncateSync(fd, file.size);
        }
        for (let done = 0; done < length; ) done += writeSync(fd, bytes, done, length - done, at + done);
        assertPiece(job, file, fd, { at, length, id, secret: file.secret });
        states[n] = TAKEN.proven;
      }
    } finally {
      closeSync(old.fd);
    }
    return fd !== null;
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

/** What is right in a staged file; holes are made holes. */
function prove(job: IdKey, file: TakeFile, fd: number, states: Uint8Array): void {
  const extents = dataExtents(fd, file.size);
  for (const [n, { at, length, id }] of file.pieces.entries()) {
    if (id === null) {
      if (!isZero(fd, at, length, extents).zero) punchHole(fd, at, length);
      states[n] = TAKEN.proven;
      continue;
    }
    if (!hasData(at, length, extents)) continue;
    const bytes = readPiece(fd, at, length);
    if (bytes !== null && isChunk(job, bytes, id, file.secret)) states[n] = TAKEN.proven;
  }
}

/** Null also where the old file cannot be read: its content is fetched then. */
function readOld(fd: number, at: number, length: number): Uint8Array | null {
  try {
    return readPiece(fd, at, length);
  } catch {
    return null;
  }
}
