import { ColdkeepError, type Progress } from "../../vault/names/index.ts";
import { type CommandLine, describeFailure, runCommand, showCommand } from "./run-command.ts";

/** When a command of the operator's runs. Around the outage: what runs in between makes it longer. */
export type HookName = "beforeStop" | "afterStop" | "beforeStart" | "afterStart";

export interface Hook {
  readonly run: CommandLine;
  /** Milliseconds. */
  readonly timeoutMs: number;
}

export type Hooks = Readonly<Partial<Record<HookName, Hook>>>;

/**
 * Runs a hook, if there is one. Before and after the stop a failure ends the run, as what it was to prepare is not
 * prepared. Around the start it is warned of and no more: the node comes back all the same.
 * @throws ColdkeepError `node-stop`; the signal's reason on abort.
 */
export async function runHook(
  hooks: Hooks | undefined,
  name: HookName,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const hook = hooks?.[name];
  if (hook === undefined) return;
  const result = await runCommand(hook.run, { timeoutMs: hook.timeoutMs, signal });
  if (result.status === 0) return;
  signal.throwIfAborted();
  const words = name.replace(/[A-Z]/, (letter) => `_${letter.toLowerCase()}`);
  const on = showCommand(hook.run);
  const why = describeFailure(result);
  if (name === "beforeStart" || name === "afterStart") {
    progress.warn(`hook ${words} failed: ${on}: ${why}`);
    return;
  }
  throw new ColdkeepError("node-stop", {
    what: `hook ${words} failed`,
    on,
    why,
    todo: "run it by hand, as the user that runs coldkeep",
  });
}
