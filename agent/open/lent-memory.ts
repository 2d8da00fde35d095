import { alignedView, PAGE } from "../../posix/aligned.ts";

/**
 * Memory for sealed bytes on their way from the vault to a thread: used again and again, since memory fresh from the system
 * costs more than reading into it. Shared, and one side's at a time all the same: each buffer that changes threads by transfer
 * counts as new memory there, for which V8 collects garbage, everywhere and many times.
 */
export interface LentMemory {
  /** Aligned, and with room for a direct read of `length` bytes; undefined for what is larger than most. */
  take(length: number): Uint8Array<SharedArrayBuffer> | undefined;
  /** Brings back what was taken, once nobody reads it any more. */
  give(memory: Uint8Array<SharedArrayBuffer>): void;
}

/** A direct read begins and ends at pages; the buffer itself may begin anywhere. */
const AROUND = 3 * PAGE;

/** @param size Of the largest request it is for, bytes. */
export function makeLentMemory(size: number): LentMemory {
  const free: Uint8Array<SharedArrayBuffer>[] = [];
  return {
    take: (length) => (length > size ? undefined : (free.pop() ?? alignedView(new SharedArrayBuffer(size + AROUND)))),
    give: (memory) => {
      free.push(memory);
    },
  };
}
