import { fstatSync, type Stats } from "node:fs";
import { readFully } from "../../posix/direct.ts";
import { dataExtents, type Extent } from "../../posix/holes.ts";
import { ColdkeepError } from "../../vault/names/index.ts";
import { toText } from "./byte-path.ts";
import type { StagedPath } from "./jobs.ts";
import { type IdKey, isChunk, isZero, readPiece } from "./read-piece.ts";

/** What is asked of a piece: where it lies, and its chunk's id, in the domain of secret files or not. */
export interface Piece {
  readonly at: number;
  readonly length: number;
  readonly id: Uint8Array;
  readonly secret: boolean;
}

/**
 * Reads a piece of a staged file back and compares it with its chunk id, so that what is put in place is what was backed
 * up, byte for byte, as the file system gives it. Of a file with direct access that is what the disk gives, not memory.
 * @throws ColdkeepError `integrity` naming the file and the offset; the system's error.
 */
export function assertPiece(key: IdKey, file: StagedPath, fd: number, piece: Piece): void {
  assertSame(key, file, readPiece(fd, piece.at, piece.length), piece);
}

/** The same, while the thread does something else until it is read; `memory` is what it is read into. @throws as it. */
export async function assertPieceLater(
  key: IdKey,
  file: StagedPath,
  fd: number,
  piece: Piece,
  memory: Uint8Array,
): Promise<void> {
  const got = await readFully(fd, memory, piece.length, piece.at);
  assertSame(key, file, got < piece.length ? null : memory.subarray(0, piece.length), piece);
}

/** The same of bytes that are about to be written, where nothing is read back. @throws as it. */
export function assertBytes(key: IdKey, file: StagedPath, bytes: Uint8Array, piece: Piece): void {
  assertSame(key, file, bytes, piece);
}

function assertSame(key: IdKey, file: StagedPath, bytes: Uint8Array | null, { at, length, id, secret }: Piece): void {
  if (bytes === null) throw wrong(file, `it ends before ${at + length}`);
  if (!isChunk(key, bytes, id, secret)) {
    throw wrong(file, `the ${length} bytes at ${at} are not those that were backed up`);
  }
}

/**
 * Sees that a staged file has its size, and zeros where it should; tells what else is known of it.
 * @param holes Offset and length of each, ascending.
 * @throws ColdkeepError `integrity` naming the file and the offset; the system's error.
 */
export function assertShape(file: StagedPath, fd: number, size: number, holes: readonly number[]): Stats {
  const found = fstatSync(fd);
  if (found.size !== size) throw wrong(file, `it has ${found.size} bytes, ${size} were backed up`);
  if (holes.length === 0) return found;
  const extents = dataExtents(fd, size);
  let first = 0;
  for (let n = 0; n < holes.length; n += 2) {
    const at = holes[n] ?? 0;
    const length = holes[n + 1] ?? 0;
    // Both ascend, so none is looked at again and again in a file with very many.
    while (endOf(extents[first]) <= at) first += 1;
    let last = first;
    while ((extents[last]?.offset ?? Number.POSITIVE_INFINITY) < at + length) last += 1;
    if (!isZero(fd, at, length, extents.slice(first, last)).zero) {
      throw wrong(file, `there should be zeros from ${at} to ${at + length}`);
    }
  }
  return found;
}

function endOf(extent: Extent | undefined): number {
  return extent === undefined ? Number.POSITIVE_INFINITY : extent.offset + extent.length;
}

function wrong(file: StagedPath, why: string): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: "a restored file is not what was backed up",
    on: toText(file.path),
    why,
    todo: "nothing was put in place; check the target's disk and memory, then `coldkeep verify --read-data`",
  });
}
