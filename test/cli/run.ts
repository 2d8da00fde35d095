import type { Io } from "../../agent/commands/io.ts";
import { runCli } from "../../agent/commands/run-cli.ts";
import { assertNoSecret } from "../support/secrets.ts";

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in this process, on pipes and with a clock that stands still. */
export async function runHere(argv: readonly string[], change: Partial<Io> = {}): Promise<Ran> {
  let stdout = "";
  let stderr = "";
  const code = await runCli(argv, {
    stdout: {
      write: (text) => {
        stdout += text;
      },
    },
    stderr: {
      write: (text) => {
        stderr += text;
      },
    },
    pour: async (chunk) => {
      stdout += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("latin1");
      return true;
    },
    ask: null,
    env: {},
    clock: { now: () => Date.UTC(2026, 0, 15), monotonic: () => 0 },
    signal: new AbortController().signal,
    ...change,
  });
  // Printing a new key is what --stdout is for.
  if (!argv.includes("--stdout")) assertNoSecret(stdout + stderr, `coldkeep ${argv[0] ?? ""}`);
  return { code, stdout, stderr };
}
