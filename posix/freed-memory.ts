import { libc } from "./libc.ts";

/** Parameters of mallopt(3). */
const M_TRIM_THRESHOLD = -1;
const M_MMAP_THRESHOLD = -3;
const TRIM_FROM = 128 * 1024;
const MAP_FROM = 1 << 20;

/**
 * Has glibc give freed memory back to the system at all times. By itself it takes the first large buffer that is freed as a
 * sign to keep all of up to that size, and a process that makes one backup after the other then never shrinks to what it
 * was. Safe to call again; does nothing where libc has no such call.
 */
export function giveBackFreedMemory(): void {
  const mallopt = libc()?.mallopt;
  // Naming either ends that learning.
  mallopt?.(M_MMAP_THRESHOLD, MAP_FROM);
  mallopt?.(M_TRIM_THRESHOLD, TRIM_FROM);
}
