import type { Io } from "../../agent/commands/io.ts";
import { runCli } from "../../agent/commands/run-cli.ts";
import { assertPrintedNoKey, learnSecrets } from "../support/learn-secrets.ts";

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in this process, on pipes and with a clock that stands still. */
export async function runHere(argv: readonly string[], change: Partial<Io> = {}): Promise<Ran> {
  const env = change.env ?? process.env;
  learnSecrets(argv, env);
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
  assertPrintedNoKey(argv, stdout + stderr, env);
  return { code, stdout, stderr };
}
