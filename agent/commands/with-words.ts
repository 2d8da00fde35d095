import type { CommandLine } from "../config/index.ts";

/** A command with more words: a shell's text gets them as $1, $2 and on, a program as its last ones. */
export function withWords(command: CommandLine, name: string, ...words: readonly string[]): readonly string[] {
  return typeof command === "string" ? ["/bin/sh", "-c", command, name, ...words] : [...command, ...words];
}
