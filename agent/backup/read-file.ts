import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

import { dataExtents, type Extent } from "../../posix/holes.ts";

import { fromSystemError } from "../../posix/system-error.ts";
import { ColdkeepError, systemCode } from "../../vault/names/index.ts";
import type { FileTask } from "./seal-messages.ts";

/** Either the bytes of a chunk (a view that the next one overwrites) or the length of a hole. */
export type ReadPiece = Uint8Array | number;

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
let zeros: Buffer = Buffer.alloc(1 << 20);

/**
 * The pieces of a task, chunk by chunk. Chunks that lie in a hole of a sparse file are not read; chunks of nothing but
 * zeros are holes as well, wherever they lie. The frozen tree is ours alone: a file that is gone, short or no longer
 * the one captured means that the capture is not what it claims to be, and fails the run.
 * @throws ColdkeepError `integrity`, `permission`, else `internal`.
 */
export function* readPieces(task: FileTask, buffer: Buffer): Generator<ReadPiece> {
  const fd = open(task);
  try {
    if (task.mtimeNs !== null) assertUnchanged(fd, task, task.mtimeNs);
    const extents = task.sparse ? dataExtents(fd, task.size) : null;
    let next = 0;
    for (let at = task.from; at < task.to; at += task.chunk) {
      const length = Math.min(task.chunk, task.to - at);
      if (extents !== null) {
        while (next < extents.length && endOf(extents[next]) <= at) next += 1;
        const data = extents[next];
        if (data === undefined || data.offset >= at + length) {
          yield length;
          continue;
        }
      }
      readExactly(fd, buffer, at, length, task);
      const bytes = buffer.subarray(0, length);
      yield isZero(bytes) ? length : bytes;
    }
  } finally {
    closeSync(fd);
  }
}

function endOf(extent: Extent | undefined): number {
  return extent === undefined ? Number.POSITIVE_INFINITY : extent.offset + extent.length;
}

function open(task: FileTask): number {
  try {
    return openSync(Buffer.from(task.source, "latin1"), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (systemCode(error) === "ENOENT") throw changed(task, "it is gone");
    throw fromSystemError(error, { what: "cannot read a frozen file", on: task.shown, otherwise: "internal" });
  }
}

function assertUnchanged(fd: number, task: FileTask, mtimeNs: string): void {
  const info = fstatSync(fd, { bigint: true });
  if (info.size === BigInt(task.size) && info.mtimeNs === BigInt(mtimeNs)) return;
  throw changed(task, `it is classed as immutable, and was written to after the node started again`);
}

function readExactly(fd: number, buffer: Buffer, at: number, length: number, task: FileTask): void {
  for (let done = 0; done < length; ) {
    const got = readSome(fd, buffer, done, length - done, at + done, task);
    if (got === 0) throw changed(task, `it ends at byte ${at + done}, ${task.size} bytes were captured`);
    done += got;
  }
}

function readSome(fd: number, buffer: Buffer, to: number, length: number, at: number, task: FileTask): number {
  try {
    return readSync(fd, buffer, to, length, task.offset + at);
  } catch (error) {
    throw fromSystemError(error, { what: "cannot read a frozen file", on: task.shown, otherwise: "integrity" });
  }
}

function isZero(bytes: Buffer): boolean {
  if (bytes[0] !== 0 || bytes[bytes.length - 1] !== 0) return false;
  if (bytes.length > zeros.length) zeros = Buffer.alloc(bytes.length);
  return bytes.compare(zeros, 0, bytes.length) === 0;
}

function changed(task: FileTask, why: string): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: "a frozen file changed while it was read",
    on: task.shown,
    why,
    todo: "nothing of this run is visible; find out what touches the freeze folder, or class the file as mutable, then run the backup again",
  });
}
