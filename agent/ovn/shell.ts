import { closeSync, openSync } from "node:fs";
import { ColdkeepError } from "../../vault/names/index.ts";
import { type CommandResult, describeFailure, runCommand } from "../node/index.ts";
import type { Member, ShellOptions } from "./types.ts";

/** What one call may take where nothing else is said: reading through a database of some hundred MB. */
const LIMIT_MS = 120_000;
/** The most of an answer that is read. */
const MAX_ANSWER = 1 << 20;

/** Runs texts for a shell, which is reached by these words: `/bin/sh -c`, `ssh root@host`, `kubectl exec … -- sh -c`. */
export function makeShell(words: (interactive: boolean) => readonly string[]): Member["sh"] {
  return async (text, { timeoutMs = LIMIT_MS, signal, input, output }: ShellOptions = {}) => {
    const stdin = input === undefined ? undefined : openSync(input, "r");
    const stdout = output === undefined ? undefined : openSync(output, "wx", 0o600);
    try {
      const result = await runCommand([...words(stdin !== undefined), text], {
        timeoutMs,
        maxOutput: MAX_ANSWER,
        ...(signal === undefined ? {} : { signal }),
        ...(stdin === undefined ? {} : { stdin }),
        ...(stdout === undefined ? {} : { stdout }),
      });
      signal?.throwIfAborted();
      return result;
    } finally {
      if (stdin !== undefined) closeSync(stdin);
      if (stdout !== undefined) closeSync(stdout);
    }
  };
}

export { shellQuote as quoted } from "../../vault/names/index.ts";

const MAY_NOT = /permission denied|forbidden|access denied|not authori[sz]ed/i;

/**
 * Runs a text that must succeed, and gives what it printed.
 * @throws ColdkeepError `permission` where it says that it may not, else `refused`.
 */
export async function must(member: Member, text: string, what: string, options: ShellOptions = {}): Promise<string> {
  const result = await member.sh(text, options);
  if (result.status === 0) return result.stdout;
  throw failed(member, result, what);
}

/** What is said of a call that failed. */
export function failed(member: Member, result: CommandResult, what: string): ColdkeepError {
  const why = describeFailure(result);
  return new ColdkeepError(MAY_NOT.test(why) ? "permission" : "refused", { what, on: member.name, why });
}
