import { shellQuote } from "../../vault/names/index.ts";
import { type CommandOutline, isPath, type Outline } from "./types.ts";

/** Completion for bash 4 and later: sourced, or put where bash-completion looks for `coldkeep`. Starts no program. */
export function bashCompletion({ commands }: Outline): string {
  const paths = commands.filter(({ words }) => words.length > 0).map(({ words }) => shellQuote(words.join(" ")));
  return `# Completion of coldkeep for bash, made by \`coldkeep completion bash\`.
_coldkeep() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" at="" word i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${at:+$at }\${COMP_WORDS[i]}"
    case "$word" in
      ${paths.join("|")}) at="$word" ;;
    esac
  done
  local words="" flags="" files="" values="" choices="" places=""
  case "$at" in
${commands.map(place).join("\n")}
  esac
  COMPREPLY=()
  if [[ $prev == -* && $choices == *" $prev="* ]]; then
    choices="\${choices#*" $prev="}"
    COMPREPLY=($(IFS=,; compgen -W "\${choices%% *}" -- "$cur"))
  elif [[ $prev == -* && $files == *" $prev "* ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
  elif [[ $prev == -* && $values == *" $prev "* ]]; then
    return 0
  elif [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    if [[ -n $places ]]; then
      compopt -o filenames 2>/dev/null
      mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$cur")
    fi
  fi
}
complete -F _coldkeep coldkeep
`;
}

function place({ words, flags, places, next }: CommandOutline): string {
  const names = flags.flatMap(({ name, negated }) => (negated === null ? [name] : [name, negated]));
  const typed = (flag: (typeof flags)[number]) => [flag.name, ...(flag.short === null ? [] : [flag.short])];
  const withValue = flags.filter(({ value }) => value !== null);
  const list = (kept: typeof flags) => kept.flatMap(typed).join(" ");
  const chosen = withValue.filter(({ value }) => (value?.choices.length ?? 0) > 0);
  const ofFiles = withValue.filter(({ value }) => value !== null && isPath(value));
  const lines = [
    next.length > 0 ? `words=${shellQuote(next.map(({ word }) => word).join(" "))}` : null,
    `flags=${shellQuote(names.join(" "))}`,
    ofFiles.length > 0 ? `files=${shellQuote(` ${list(ofFiles)} `)}` : null,
    withValue.length > 0 ? `values=${shellQuote(` ${list(withValue)} `)}` : null,
    chosen.length > 0
      ? `choices=${shellQuote(` ${chosen.map(({ name, value }) => `${name}=${value?.choices.join(",")}`).join(" ")} `)}`
      : null,
    places.some(isPath) ? "places=files" : null,
  ];
  return `    ${shellQuote(words.join(" "))})
${lines.flatMap((line) => (line === null ? [] : [`      ${line}`])).join("\n")}
      ;;`;
}
