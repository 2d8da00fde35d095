import { setImmediate as nextTurn } from "node:timers/promises";
import { systemClock } from "../posix/clock.ts";
import { fromSystemError } from "../posix/system-error.ts";
import { trimCompileCache } from "../posix/trim-compile-cache.ts";
import { type ColdkeepError, messageOf, systemCode } from "../vault/names/index.ts";
import { terminalAsk } from "./ask.ts";
import type { Io } from "./commands/io.ts";
import { runCli, tellFailure } from "./commands/run-cli.ts";

/** How long something forgotten may keep the process when all is said. */
const LAST_WORDS_MS = 5_000;

/** Signals end the run early: the first asks, and no later one makes it forget the node. */
const abort = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(name, () => {
    if (!abort.signal.aborted) abort.abort(new DOMException(name, "AbortError"));
    else if (!process.argv.includes("--json")) {
      process.stderr.write("coldkeep: already stopping; a node that is down is brought back first\n");
    }
  });
}

// A defect anywhere must not end the process while a node is down: the run is told to stop and brings it back.
let defect: unknown;
for (const event of ["uncaughtException", "unhandledRejection"] as const) {
  process.on(event, (error: unknown) => {
    process.stderr.write(`coldkeep: internal error: ${messageOf(error)}; stopping\n`);
    defect ??= error;
    process.exitCode = 1;
    abort.abort();
  });
}

/** What kept the output from being written. `coldkeep list | head -1` closes the pipe early, and that is no error. */
let unwritten: ColdkeepError | null = null;
process.stdout.on("error", (error) => {
  if (systemCode(error) !== "EPIPE") unwritten ??= outputError(error);
});
process.stderr.on("error", (error) => {
  if (systemCode(error) !== "EPIPE") throw error;
});

const argv = process.argv.slice(2);
const io: Io = {
  stdout: process.stdout,
  stderr: process.stderr,
  pour,
  ask: terminalAsk(abort),
  env: process.env,
  clock: systemClock,
  signal: abort.signal,
};
const done = await runCli(argv, io);
// A stream tells of a write that failed a turn later.
await nextTurn();
const code = done === 0 && unwritten !== null ? tellFailure(unwritten, argv, io) : done;
// Not by process.exit: it joins V8's compiler threads without ending their isolate first, and one that waits for a
// collection then waits for ever (https://github.com/nodejs/node/issues/54918).
process.exitCode = defect === undefined ? code : 1;
trimCompileCache(systemClock.now());
setTimeout(() => process.exit(), LAST_WORDS_MS).unref();

function pour(chunk: string | Uint8Array): Promise<boolean> {
  return new Promise((resolve, reject) => {
    process.stdout.write(chunk, (error) => {
      if (error === null || error === undefined) resolve(true);
      else if (systemCode(error) === "EPIPE") resolve(false);
      else reject(outputError(error));
    });
  });
}

function outputError(error: unknown): ColdkeepError {
  return fromSystemError(error, { what: "cannot write the output", on: "standard output", otherwise: "internal" });
}
