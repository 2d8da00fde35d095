/** A word in single quotes, as sh, bash, zsh and fish take it literally; fish alone also reads a backslash in it. */
export function shellQuote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
