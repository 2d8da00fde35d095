import {
  type Aliases,
  buildCommand,
  type Command,
  type CommandContext,
  type FlagParametersForType,
  type TypedPositionalParameters,
} from "@stricli/core";
import type { Outline } from "../reference/index.ts";
import type { Report } from "../report/index.ts";
import type { Answer } from "./answer.ts";
import { GLOBAL_ALIASES, GLOBAL_FLAGS, type GlobalFlags } from "./globals.ts";
import type { Io } from "./io.ts";

/** One call of a command: what was asked, and where to say what happens. */
export interface Call<Flags = unknown> {
  readonly flags: Flags & GlobalFlags;
  readonly io: Io;
  readonly progress: Report;
  /** The whole command line, for what is made of it: completions. */
  readonly outline: () => Promise<Outline>;
}

/** What carries a call through the parser to the command and its answer back. */
export interface CliContext extends CommandContext {
  perform(flags: GlobalFlags, run: (call: Call) => Promise<Answer>): Promise<void>;
}

export type Run<Flags, Args extends readonly unknown[]> = (call: Call<Flags>, ...args: Args) => Promise<Answer>;

export interface CommandDefinition<Flags extends object, Args extends readonly unknown[]> {
  readonly brief: string;
  /** What the usage line says after the command: `[<id>] [--to <path>]`. */
  readonly usage: string;
  /** A few sentences below the brief. */
  readonly about: string;
  /** What is typed after `coldkeep `, with words on what it does. */
  readonly examples: readonly (readonly [typed: string, does: string])[];
  readonly flags: FlagParametersForType<Flags, CliContext>;
  readonly aliases?: Aliases<keyof Flags & string>;
  readonly positional?: TypedPositionalParameters<Args, CliContext>;
  /** Loads the command's code, on first need only: `--help` must not wait for it. */
  readonly load: () => Promise<Run<Flags, Args>>;
}

/** What the parser does not give back, for those who write of commands: manual pages and the like. */
const TOLD = new WeakMap<Command<CliContext>, Pick<CommandDefinition<object, []>, "usage" | "about" | "examples">>();

/** What a command says of itself in its definition. */
export function toldOf(
  command: Command<CliContext>,
): Pick<CommandDefinition<object, []>, "usage" | "about" | "examples"> {
  return TOLD.get(command) ?? { usage: "", about: "", examples: [] };
}

/** A command with the flags that all have in common. */
export function defineCommand<Flags extends object, const Args extends readonly unknown[] = []>(
  definition: CommandDefinition<Flags, Args>,
): Command<CliContext> {
  const { brief, usage, about, examples, flags, aliases, positional, load } = definition;
  const shown = examples.map(([typed, does]) => `  coldkeep ${typed}\n      ${does}`).join("\n");
  // The parser's types tie flags and positionals to one literal command; across a helper they have to be told.
  const parameters = {
    // A command's own flags come first, and their meaning holds: init's --vault is a place, not a name.
    flags: { ...flags, ...GLOBAL_FLAGS, ...flags },
    aliases: { ...aliases, ...GLOBAL_ALIASES },
    ...(positional === undefined ? {} : { positional }),
  };
  const command = buildCommand<Flags & GlobalFlags, Args, CliContext>({
    docs: { brief, customUsage: [usage], fullDescription: `${about}\n\nEXAMPLES\n${shown}` },
    parameters: parameters as never,
    loader: async () => {
      const run = await load();
      return async function (this: CliContext, given: Flags & GlobalFlags, ...args: Args) {
        await this.perform(given, (call) => run(call as Call<Flags>, ...args));
      };
    },
  });
  TOLD.set(command, { usage, about, examples });
  return command;
}
