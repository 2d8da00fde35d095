/** Runs a command line and kills itself (kill -9) at a stage: `cli-killed-at.child.ts <stage> <words…>`. */
import { writeSync } from "node:fs";
import { runCli } from "../../agent/commands/run-cli.ts";
import { systemClock } from "../../posix/clock.ts";

const [stage = "", ...words] = process.argv.slice(2);
const code = await runCli(words, {
  stdout: { write: (text) => void writeSync(1, text) },
  stderr: {
    write: (text) => {
      writeSync(2, text);
      if (text.includes(` info ${stage}`)) process.kill(process.pid, "SIGKILL");
    },
  },
  pour: async () => true,
  ask: null,
  env: {},
  clock: systemClock,
  signal: new AbortController().signal,
});
process.exitCode = code;
