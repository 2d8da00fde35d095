import { libc } from "./libc.ts";

/** What direct reads and writes want of addresses, offsets and lengths, on every disk there is. Bytes. */
export const PAGE = 4096;

/** Memory of its own that begins at a multiple of `PAGE`, where libc can tell; else anywhere. Zeroed by the system. */
export function alignedBytes(length: number): Uint8Array<ArrayBuffer> {
  return alignedView(new ArrayBuffer(length + PAGE)).subarray(0, length);
}

/**
 * The part of a buffer from its first aligned byte on, less than a `PAGE` shorter. Handing the buffer to another thread moves no byte, so the view
 * is the same there.
 */
export function alignedView<T extends ArrayBufferLike>(buffer: T): Uint8Array<T> {
  const whole = new Uint8Array(buffer);
  const address = addressOf(whole);
  return address === null ? whole : whole.subarray(-address & (PAGE - 1));
}

/** True where `bytes` begins at a multiple of `PAGE`; false where nobody can tell. */
export function isAligned(bytes: Uint8Array): boolean {
  const address = addressOf(bytes);
  return address !== null && (address & (PAGE - 1)) === 0;
}

export function roundUp(length: number): number {
  return Math.ceil(length / PAGE) * PAGE;
}

/** The last 12 bits of where `bytes` lies in memory, and some more. */
function addressOf(bytes: Uint8Array): number | null {
  const calls = libc();
  if (calls === null || bytes.length === 0) return null;
  // A copy of nothing answers with where it would have gone (memcpy(3)).
  return Number(BigInt(calls.memcpy(bytes, bytes, 0)) & 0xffffn);
}
