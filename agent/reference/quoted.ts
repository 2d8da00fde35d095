/** A word as sh, bash, zsh and fish take it literally, in single quotes. fish also reads `\\` there: it is not put in. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
