import type { Command, RouteMap } from "@stricli/core";
import { VERSION } from "../../vault/names/index.ts";
import type { CommandOutline, FlagOutline, Outline, ValueOutline } from "../reference/index.ts";
import { type CliContext, toldOf } from "./define.ts";
import { GLOBAL_FLAGS } from "./globals.ts";
import { kebab } from "./kebab.ts";

type Target = Command<CliContext> | RouteMap<CliContext>;
type Flags = NonNullable<Command<CliContext>["parameters"]["flags"]>;
type Positional = NonNullable<Command<CliContext>["parameters"]["positional"]>;

const HELP: FlagOutline = { name: "--help", short: "-h", negated: null, brief: "Print help", value: null };

/** The command line as it is defined, for manual pages and shells. @param root where all commands hang */
export function outlineCli(root: Target): Outline {
  return { version: VERSION, commands: [...outline(root, [])] };
}

function* outline(target: Target, words: readonly string[]): Generator<CommandOutline> {
  yield "parameters" in target ? commandOutline(target, words) : routeOutline(target, words);
  if ("parameters" in target) return;
  for (const { name, target: next, hidden } of target.getAllEntries()) {
    if (!hidden) yield* outline(next, [...words, name["convert-camel-to-kebab"]]);
  }
}

function commandOutline(command: Command<CliContext>, words: readonly string[]): CommandOutline {
  const { flags = {}, aliases = {}, positional } = command.parameters;
  const shorts = new Map(Object.entries(aliases).map(([letter, flag]) => [flag, `-${letter}`]));
  return {
    words,
    brief: command.brief,
    ...toldOf(command),
    flags: [...Object.entries(flags).map(([name, flag]) => flagOutline(name, flag, shorts.get(name) ?? null)), HELP],
    places: placesOf(positional),
    next: [],
  };
}

/** Where a word that leads to others has a command of its own (`share`), its flags are typed after the bare word, too. */
function routeOutline(route: RouteMap<CliContext>, words: readonly string[]): CommandOutline {
  const own = route.getDefaultCommand();
  const bare = own === undefined ? null : commandOutline(own, words);
  return {
    words,
    brief: route.brief,
    about: "",
    examples: [],
    usage: "",
    flags:
      bare?.flags ??
      (words.length === 0
        ? [
            ...Object.entries(GLOBAL_FLAGS as unknown as Flags).map(([name, flag]) => flagOutline(name, flag, null)),
            HELP,
          ]
        : [HELP]),
    places: bare?.places ?? [],
    next: route
      .getAllEntries()
      .filter(({ hidden }) => !hidden)
      .map(({ name, target }) => ({ word: name["convert-camel-to-kebab"], brief: target.brief })),
  };
}

function flagOutline(name: string, flag: Flags[string], short: string | null): FlagOutline {
  const typed = kebab(name);
  const negated = flag.kind === "boolean" && flag.withNegated !== false ? `--no-${typed}` : null;
  return { name: `--${typed}`, short, negated, brief: flag.brief, value: valueOutline(flag) };
}

function valueOutline(flag: Flags[string]): ValueOutline | null {
  if (flag.kind === "boolean" || flag.kind === "counter") return null;
  const choices = flag.kind === "enum" ? flag.values : [];
  return { placeholder: flag.placeholder ?? (choices.length > 0 ? choices.join("|") : "value"), choices };
}

function placesOf(positional: Positional | undefined): ValueOutline[] {
  if (positional === undefined) return [];
  const all = positional.kind === "array" ? [positional.parameter] : positional.parameters;
  return all.map(({ placeholder }) => ({ placeholder: placeholder ?? "argument", choices: [] }));
}
