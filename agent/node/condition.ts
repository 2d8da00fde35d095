import { setTimeout as sleep } from "node:timers/promises";
import { httpGet } from "./http-get.ts";
import { valueIn } from "./json-field.ts";
import { type CommandLine, describeFailure, runCommand } from "./run-command.ts";
import type { CallOptions } from "./types.ts";

/**
 * A question with yes or no for an answer. With `field`, what the JSON answer has at that path is one of `is`; without, a
 * command ends with 0 for yes and with 1 to 125 for no.
 */
export type ConditionConfig =
  | { readonly url: string; readonly field: string; readonly is: readonly string[] }
  | { readonly command: CommandLine; readonly field?: string; readonly is: readonly string[] };

/** `holds` is null where it could not be told, and `detail` says why. */
export interface Told {
  readonly holds: boolean | null;
  readonly detail: string;
}

/** Bytes of a command's answer that are looked at. */
const MAX_ANSWER = 1 << 20;
/** One lost answer must not decide. */
const ASKS = 3;
const PAUSE_MS = 1_000;

/** Asks until there is an answer, three times at most. @throws the signal's reason on abort. */
export async function askCondition(config: ConditionConfig, options: CallOptions, pauseMs = PAUSE_MS): Promise<Told> {
  for (let ask = 1; ; ask += 1) {
    const told = await askOnce(config, options);
    options.signal?.throwIfAborted();
    if (told.holds !== null || ask === ASKS) return told;
    await sleep(pauseMs, undefined, options.signal === undefined ? {} : { signal: options.signal });
  }
}

async function askOnce(config: ConditionConfig, options: CallOptions): Promise<Told> {
  if ("url" in config) {
    const answer = await httpGet(config.url, options);
    if ("trouble" in answer) return { holds: null, detail: `${config.url}: ${answer.trouble}` };
    return look(answer.body, config.field, config.is, config.url);
  }
  const result = await runCommand(config.command, { ...options, maxOutput: MAX_ANSWER });
  const { status } = result;
  if (config.field !== undefined) {
    if (status !== 0) return { holds: null, detail: describeFailure(result) };
    return look(result.stdout, config.field, config.is, "its command");
  }
  // 126 and 127 are the shell's own for what it cannot run, 128 and above for signals (POSIX, Shell 2.8.2).
  if (status === null || status > 125) return { holds: null, detail: describeFailure(result) };
  return { holds: status === 0, detail: `its command ended with status ${status}` };
}

function look(text: string, field: string, is: readonly string[], who: string): Told {
  const value = valueIn(text, field);
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") {
    return { holds: null, detail: `${who} answers without ${field}` };
  }
  const said = String(value);
  return { holds: is.includes(said), detail: `${who} answers ${field}: ${JSON.stringify(said.slice(0, 60))}` };
}
