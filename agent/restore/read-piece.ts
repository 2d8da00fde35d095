import { timingSafeEqual } from "node:crypto";
import { alignedBytes, roundUp } from "../../posix/aligned.ts";
import { readFullySync } from "../../posix/direct.ts";
import type { Extent } from "../../posix/holes.ts";
import type { SuiteName } from "../../vault/card/types.ts";
import { chunkId, type MacKey } from "../../vault/sealed/chunk-id.ts";

const STEP = 1 << 20;
let buffer: Uint8Array | undefined;

/** What chunk ids are computed with. */
export interface IdKey {
  readonly suite: SuiteName;
  readonly chunkKey: MacKey;
}

/** Some bytes of an open file, in a buffer of this thread that the next call overwrites; null where it ends before. */
export function readPiece(fd: number, at: number, length: number): Uint8Array | null {
  if (buffer === undefined || buffer.length < length) buffer = alignedBytes(Math.max(STEP, roundUp(length)));
  if (readFullySync(fd, buffer, length, at) < length) return null;
  return buffer.subarray(0, length);
}

/** Whether bytes are the chunk of that id. Secret files' chunks have ids of their own domain. */
export function isChunk(key: IdKey, bytes: Uint8Array, id: Uint8Array, secret: boolean): boolean {
  return timingSafeEqual(chunkId(key.suite, key.chunkKey, bytes, secret), id);
}

/**
 * Whether a stretch of a file reads as zeros. What the file system knows to be empty need not be read for that, so how
 * much was read is told. `extents` are all of the file's.
 */
export function isZero(
  fd: number,
  at: number,
  length: number,
  extents: readonly Extent[],
): { readonly zero: boolean; readonly read: number } {
  let read = 0;
  for (const { from, end } of within(extents, at, length)) {
    for (let start = from; start < end; start += STEP) {
      const bytes = readPiece(fd, start, Math.min(STEP, end - start));
      if (bytes === null || bytes.some((byte) => byte !== 0)) return { zero: false, read };
      read += bytes.length;
    }
  }
  return { zero: true, read };
}

/** Whether a stretch of a file holds any data. */
export function hasData(at: number, length: number, extents: readonly Extent[]): boolean {
  return !within(extents, at, length).next().done;
}

function* within(extents: readonly Extent[], at: number, length: number): Generator<{ from: number; end: number }> {
  for (const extent of extents) {
    const from = Math.max(extent.offset, at);
    const end = Math.min(extent.offset + extent.length, at + length);
    if (from < end) yield { from, end };
  }
}
