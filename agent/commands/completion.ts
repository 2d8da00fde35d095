import { bashCompletion, fishCompletion, zshCompletion } from "../reference/index.ts";
import type { Answer } from "./answer.ts";
import type { Shell } from "./completion.command.ts";
import type { Call } from "./define.ts";

const SCRIPTS = { bash: bashCompletion, fish: fishCompletion, zsh: zshCompletion };

/** `coldkeep completion`: a script for a shell, from the definitions of all commands. */
export async function run({ outline }: Call, shell: Shell): Promise<Answer> {
  const script = SCRIPTS[shell](await outline());
  return { document: { shell, script }, text: script };
}
