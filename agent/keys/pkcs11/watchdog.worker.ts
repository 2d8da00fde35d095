import { writeSync } from "node:fs";
import { workerData } from "node:worker_threads";
import type { Watch } from "./watchdog.ts";

const { shared, calls, limitMs, fd, library, pid } = workerData as Watch;
const state = new Int32Array(shared);

for (;;) {
  const seen = Atomics.load(state, 0);
  if (seen % 2 === 0) {
    Atomics.wait(state, 0, seen);
    continue;
  }
  if (Atomics.wait(state, 0, seen, limitMs) !== "timed-out") continue;
  const call = calls[Atomics.load(state, 1)] ?? "a call";
  writeSync(
    fd,
    `coldkeep: the PKCS#11 library has not returned from ${call} for ${limitMs / 1000} s: ${library}. ` +
      `This process waits inside it and can answer nothing: look at the HSM and the line to it, or end it: kill -9 ${pid}\n`,
  );
  Atomics.wait(state, 0, seen);
}
