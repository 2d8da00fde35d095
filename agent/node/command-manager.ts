import { ColdkeepError, type ErrorKind } from "../../vault/names/index.ts";
import { type CommandLine, type CommandResult, describeFailure, runCommand, showCommand } from "./run-command.ts";
import type { CallOptions, ServiceManager } from "./types.ts";

export interface CommandConfig {
  readonly manager: "command";
  readonly start: CommandLine;
  readonly stop: CommandLine;
  /** Ends with 0: it runs; with 1 to 125: it does not; anything else could not tell. */
  readonly isRunning: CommandLine;
}

/**
 * A node driven by three commands of its operator. Start and stop succeed with status 0, or where the node is then as
 * asked: stopping a stopped node may complain.
 */
export function commandManager({ start, stop, isRunning }: CommandConfig): ServiceManager {
  async function ask(options: CallOptions): Promise<boolean> {
    const result = await runCommand(isRunning, options);
    const { status } = result;
    if (status === 0) return true;
    // 126 and 127 are the shell's own for what it cannot run, 128 and above for signals (POSIX, Shell 2.8.2).
    if (status !== null && status < 126) return false;
    options.signal?.throwIfAborted();
    throw failed("refused", "cannot find out whether the node runs", isRunning, result, CHECK_COMMAND);
  }

  async function act(wanted: boolean, line: CommandLine, options: CallOptions): Promise<void> {
    const result = await runCommand(line, { ...options, startsNode: wanted });
    if (result.status === 0) return;
    if (!result.cutOff && (await isAsWanted(wanted, options))) return;
    options.signal?.throwIfAborted();
    const what = wanted ? "the node could not be started" : "the node could not be stopped";
    throw failed(wanted ? "node-start" : "node-stop", what, line, result, CHECK_COMMAND);
  }

  async function isAsWanted(wanted: boolean, options: CallOptions): Promise<boolean> {
    try {
      return (await ask(options)) === wanted;
    } catch {
      // The command's own failure says more than that nobody can be asked.
      return false;
    }
  }

  return {
    kind: "command",
    label: `command ${showCommand(isRunning)}`,
    controls: true,
    stop: (options) => act(false, stop, options),
    start: (options) => act(true, start, options),
    isRunning: ask,
  };
}

const CHECK_COMMAND = "run the command by hand as the user that runs coldkeep, and look at the node's log";

function failed(kind: ErrorKind, what: string, line: CommandLine, result: CommandResult, todo: string): ColdkeepError {
  return new ColdkeepError(kind, { what, on: showCommand(line), why: describeFailure(result), todo });
}
