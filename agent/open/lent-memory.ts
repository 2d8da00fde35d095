import { alignedView, PAGE } from "../../posix/aligned.ts";

/**
 * Memory for sealed bytes on their way from the vault to a thread and back: used again and again, since memory fresh from
 * the system costs more than reading into it. It is handed over by transfer and owned by one side at a time.
 */
export interface LentMemory {
  /** Aligned, and with room for a direct read of `length` bytes; undefined for what is larger than most. */
  take(length: number): Uint8Array<ArrayBuffer> | undefined;
  /** Brings back what was taken; other memory is let go. */
  give(buffer: ArrayBuffer): void;
}

/** A direct read begins and ends at pages; the buffer itself may begin anywhere. */
const AROUND = 3 * PAGE;

/** @param size Of the largest request it is for, bytes. */
export function makeLentMemory(size: number): LentMemory {
  const free: ArrayBuffer[] = [];
  return {
    take: (length) => (length > size ? undefined : alignedView(free.pop() ?? new ArrayBuffer(size + AROUND))),
    give: (buffer) => {
      if (buffer.byteLength === size + AROUND) free.push(buffer);
    },
  };
}
