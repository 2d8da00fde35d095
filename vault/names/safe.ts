import { redactTokens } from "./redact.ts";

/**
 * Text that came from elsewhere (a vault, a file's name, a program's answer) as it may be shown: control and direction
 * characters could move a terminal's cursor or hide words, so they appear as escapes. Line breaks stay. Tickets and
 * share tokens that came along are taken out.
 */
export function safe(text: string): string {
  return redactTokens(text).replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to be kept from the terminal
    /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
