import { alignedBytes, roundUp } from "../../posix/aligned.ts";

/** Most chunks have at most this much. */
const LEAST = 1 << 20;

let memory: Uint8Array | undefined;

/**
 * Memory of this thread for one opened frame at a time, aligned for direct access: used again and again it stays in the
 * processor's cache, where memory fresh from the system costs more than the work that is done in it.
 */
export function threadMemory(length: number): Uint8Array {
  if (memory === undefined || memory.length < length) memory = alignedBytes(Math.max(LEAST, roundUp(length)));
  return memory;
}
