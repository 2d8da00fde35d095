import { readFileSync, writeFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";

// Loaded before a command (NODE_OPTIONS=--import): leaves its peak of resident memory, in KiB, where it is told to. Not
// by getrusage(2), whose figure a process inherits from the one that started it.
if (isMainThread) {
  process.on("exit", () => {
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    writeFileSync(process.env.COLDKEEP_RSS_FILE, peak ?? "");
  });
}
