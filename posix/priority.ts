import { setPriority } from "node:os";
import { libc } from "./libc.ts";

/** ioprio_set(2), which libc does not declare, by the architecture it was compiled for. */
const IOPRIO_SET: Partial<Record<NodeJS.Architecture, number>> = { x64: 251, arm64: 30, riscv64: 30, loong64: 30 };
const IOPRIO_WHO_PROCESS = 1;
/** Best effort, the last of its eight levels: unlike the idle class, it is served on a disk that is never idle. */
const LAST_OF_BEST_EFFORT = (2 << 13) | 7;
const LEAST_URGENT = 19;

/**
 * Puts the calling thread behind others: nice 19, and the last place among readers where the disk's scheduler keeps
 * one. Linux counts both by the thread: those that are there already, and processes that they start, keep what they
 * have; threads and processes that this one starts from now on inherit it. There is no way back without root's powers.
 * An attempt: where the kernel does not let it, the thread goes on as it was.
 */
export function yieldThread(): void {
  try {
    // 0 is the calling thread, not its process (setpriority(2), "C library/kernel differences").
    setPriority(0, LEAST_URGENT);
  } catch {
    // Some sandboxes refuse the call altogether.
  }
  const call = IOPRIO_SET[process.arch];
  if (call !== undefined) libc()?.syscallOfNumbers(call, IOPRIO_WHO_PROCESS, 0, LAST_OF_BEST_EFFORT);
}
