import { shellQuote } from "../../vault/names/index.ts";
import { type CommandOutline, type FlagOutline, isPath, type Outline } from "./types.ts";

/** Completion for fish 3 and later: a file `coldkeep.fish` in its folder of completions. Starts no program. */
export function fishCompletion({ commands }: Outline): string {
  const paths = commands.filter(({ words }) => words.length > 0).map(({ words }) => shellQuote(words.join(" ")));
  return `# Completion of coldkeep for fish, made by \`coldkeep completion fish\`.
function __coldkeep_at --description 'Whether the command typed so far is the one named'
    set -l at ''
    for word in (commandline -opc)[2..]
        set -l longer (string trim -- "$at $word")
        if contains -- $longer ${paths.join(" ")}
            set at $longer
        end
    end
    test "$at" = "$argv[1]"
end
complete -c coldkeep -f
${commands.flatMap(linesOf).join("\n")}
`;
}

function linesOf({ words, flags, places, next }: CommandOutline): string[] {
  const here = `complete -c coldkeep -n ${shellQuote(`__coldkeep_at ${quotedInside(words.join(" "))}`)}`;
  return [
    ...next.map(({ word, brief }) => `${here} -a ${shellQuote(word)} -d ${shellQuote(brief)}`),
    ...flags.flatMap((flag) => flagLines(flag).map((rest) => `${here} ${rest}`)),
    ...(places.some(isPath) ? [`${here} -F`] : []),
  ];
}

function flagLines({ name, short, negated, brief, value }: FlagOutline): string[] {
  const letter = short === null ? "" : ` -s ${short.slice(1)}`;
  const choices = value !== null && value.choices.length > 0 ? ` -a ${shellQuote(value.choices.join(" "))}` : "";
  const taken = value === null ? "" : isPath(value) ? " -r -F" : ` -x${choices}`;
  const yes = `-l ${name.slice(2)}${letter}${taken} -d ${shellQuote(brief)}`;
  return negated === null ? [yes] : [yes, `-l ${negated.slice(2)} -d ${shellQuote(`Not: ${brief}`)}`];
}

/** The condition is itself a word in single quotes: what is inside takes double ones. No command has either in its name. */
function quotedInside(text: string): string {
  return `"${text}"`;
}
