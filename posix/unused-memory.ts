import { readFileSync } from "node:fs";

/** Bytes of memory in which nothing lies, not even a file's pages (MemFree of proc_meminfo(5)); 0 where that is not told. */
export function unusedMemory(text: string = readMeminfo()): number {
  const [, kibibytes = "0"] = /^MemFree:\s+(\d+) kB$/m.exec(text) ?? [];
  return Number(kibibytes) * 1024;
}

function readMeminfo(): string {
  try {
    return readFileSync("/proc/meminfo", "latin1");
  } catch {
    return "";
  }
}
