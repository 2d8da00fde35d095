import { defineCommand } from "./define.ts";

export type Shell = "bash" | "zsh" | "fish";

const SHELLS: readonly Shell[] = ["bash", "fish", "zsh"];

export const command = defineCommand<object, [shell: Shell]>({
  brief: "Print what makes a shell complete this command line",
  usage: "<bash|fish|zsh>",
  about:
    "The script starts no program: it holds all commands, flags and allowed values of this version. Run it anew after an update.",
  examples: [
    ["completion bash >/etc/bash_completion.d/coldkeep", "bash, for everybody"],
    ["completion zsh >/usr/local/share/zsh/site-functions/_coldkeep", "zsh, for everybody"],
    ["completion fish >~/.config/fish/completions/coldkeep.fish", "fish, for oneself"],
  ],
  flags: {},
  positional: {
    kind: "tuple",
    parameters: [{ parse: shellOf, placeholder: "shell", brief: "bash, fish or zsh" }],
  },
  load: async () => (await import("./completion.ts")).run,
});

function shellOf(typed: string): Shell {
  const shell = SHELLS.find((known) => known === typed);
  if (shell === undefined) throw new Error(`the shells are ${SHELLS.join(", ")}`);
  return shell;
}
