import { shellQuote } from "../../vault/names/index.ts";
import { type CommandOutline, type FlagOutline, isPath, type Outline, type ValueOutline } from "./types.ts";

/** Completion for zsh: a file `_coldkeep` in a folder of $fpath. Starts no program. */
export function zshCompletion({ commands }: Outline): string {
  return `#compdef coldkeep
# Completion of coldkeep for zsh, made by \`coldkeep completion zsh\`.
${commands.map(functionOf).join("\n\n")}

if [ "$funcstack[1]" = "_coldkeep" ]; then
  _coldkeep "$@"
else
  compdef _coldkeep coldkeep
fi
`;
}

function functionOf(command: CommandOutline): string {
  const { words, flags, places, next } = command;
  const specs = flags.flatMap(flagSpecs);
  if (next.length === 0) {
    const rest = places.map((value, index) => shellQuote(`${index + 1}::${label(value)}:${actionOf(value)}`));
    return `${nameOf(words)}() {\n  _arguments -s -S ${[...specs, ...rest].join(" \\\n    ")}\n}`;
  }
  const described = next.map(({ word, brief }) => shellQuote(`${word}:${brief.replaceAll(":", "\\:")}`));
  const cases = next.map(({ word }) => `        ${word}) ${nameOf([...words, word])} ;;`);
  return `${nameOf(words)}() {
  local curcontext="$curcontext" state line
  local -a commands=(
    ${described.join("\n    ")}
  )
  _arguments -C ${[...specs, "'1: :->command'", "'*:: :->rest'"].join(" \\\n    ")}
  case $state in
    command) _describe -t commands 'command' commands ;;
    rest)
      case $line[1] in
${cases.join("\n")}
      esac
      ;;
  esac
}`;
}

function flagSpecs(flag: FlagOutline): string[] {
  const { name, short, negated, brief, value } = flag;
  const told = `[${brief.replaceAll(/[[\]:]/g, "\\$&")}]`;
  const taken = value === null ? "" : `:${label(value)}:${actionOf(value)}`;
  const names = [name, ...(short === null ? [] : [short]), ...(negated === null ? [] : [negated])];
  return names.map((typed) => shellQuote(`*${typed}${told}${taken}`));
}

function label({ placeholder }: ValueOutline): string {
  return placeholder.replaceAll(":", "\\:");
}

function actionOf(value: ValueOutline): string {
  if (value.choices.length > 0) return `(${value.choices.join(" ")})`;
  return isPath(value) ? "_files" : " ";
}

function nameOf(words: readonly string[]): string {
  return ["_coldkeep", ...words].join("_").replaceAll("-", "_");
}
