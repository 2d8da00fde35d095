import { ColdkeepError, type ErrorKind } from "../../vault/names/index.ts";
import { type CommandResult, describeFailure, type RunOptions, runCommand, showCommand } from "./run-command.ts";
import type { CallOptions } from "./types.ts";

/** The most of an answer that is read: what kubectl tells of one object with its history stays below. */
const MAX_ANSWER = 4 << 20;

type ToolOptions = CallOptions & Pick<RunOptions, "startsNode">;

/** A program that drives services, such as `docker` or `systemctl`. */
export interface Tool {
  /** Runs it with these words, whatever comes of it. @throws the signal's reason on abort. */
  try(words: readonly string[], options: ToolOptions): Promise<CommandResult>;
  /**
   * Runs it and gives what it printed.
   * @throws ColdkeepError `permission` where it says that it may not, `config` where it is not installed, else `kind`;
   *   the signal's reason on abort.
   */
  must(words: readonly string[], options: ToolOptions, kind: ErrorKind, what: string): Promise<string>;
  /** The error of a result that is not as hoped. */
  failure(words: readonly string[], result: CommandResult, kind: ErrorKind, what: string): ColdkeepError;
}

const MAY_NOT = /permission denied|forbidden|access denied|interactive authentication required|not authori[sz]ed/i;

export function makeTool(program: readonly string[]): Tool {
  const tool: Tool = {
    async try(words, options) {
      const result = await runCommand([...program, ...words], { ...options, maxOutput: MAX_ANSWER });
      options.signal?.throwIfAborted();
      return result;
    },
    async must(words, options, kind, what) {
      const result = await tool.try(words, options);
      if (result.status === 0) return result.stdout;
      throw tool.failure(words, result, kind, what);
    },
    failure(words, result, kind, what) {
      const on = showCommand([...program, ...words]);
      const why = describeFailure(result);
      if (result.ending.includes("ENOENT")) {
        return new ColdkeepError("config", { what: `${program[0]} is not installed`, on, why, todo: "install it" });
      }
      const mayNot = MAY_NOT.test(result.tail);
      const todo = mayNot
        ? "give this user the right to do that, or run coldkeep as root"
        : "run it by hand, and look at the node's log";
      return new ColdkeepError(mayNot ? "permission" : kind, { what, on, why, todo });
    },
  };
  return tool;
}
