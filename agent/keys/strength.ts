import type { KeySource } from "./types.ts";

/** Below this many bits a key can be guessed by whoever reads the vault, stretching or not. */
const WEAK_BITS = 72;

/**
 * Why a key looks guessable, or null. A rough upper bound of its entropy: from how large
 * an alphabet it is taken, how many different characters of it occur, and how much only repeats or counts on. Random bytes pass; words and patterns do not.
 */
export function guessable({ bytes, generated }: KeySource): string | null {
  if (generated === true) return null;
  const text = unitOf(Buffer.from(bytes).toString("latin1"));
  const fresh = [...text].filter((_, index) => index < 2 || !continues(text, index)).length;
  const bits = Math.floor(fresh * Math.log2(Math.min(alphabetOf(text), new Set(text).size * 2)));
  if (bits >= WEAK_BITS) return null;
  return `it has at most about ${bits} bits of chance in it, ${WEAK_BITS} or more are wise`;
}

/** What a text repeats over and over, or the text itself. */
function unitOf(text: string): string {
  for (let length = 1; length <= text.length / 2; length += 1) {
    if (text.slice(length) === text.slice(0, -length)) return text.slice(0, length);
  }
  return text;
}

/** True where a character follows from the two before it: a repetition, or counting up or down. */
function continues(text: string, index: number): boolean {
  const [a, b, c] = [text.charCodeAt(index - 2), text.charCodeAt(index - 1), text.charCodeAt(index)];
  return c - b === b - a && Math.abs(c - b) <= 1;
}

function alphabetOf(text: string): number {
  let size = 0;
  if (/[0-9]/.test(text)) size += 10;
  if (/[a-z]/.test(text)) size += 26;
  if (/[A-Z]/.test(text)) size += 26;
  if (/[ -/:-@[-`{-~]/.test(text)) size += 33;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: bytes outside of printable ASCII mean a binary key
  if (/[\u0000-\u001f\u007f-\u00ff]/.test(text)) size = 256;
  return size;
}
