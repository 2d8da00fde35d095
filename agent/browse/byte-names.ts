import { ColdkeepError } from "../../vault/names/index.ts";

/** Control and direction characters, which would move a terminal's cursor or hide words; and the escape itself. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to be kept from the terminal
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\\]/;
const UTF8_ONLY = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * A path, which is bytes, as text that is unambiguous and safe on a terminal: what is UTF-8 as it stands, each other
 * byte, and each of a character that cannot be seen, as `\xNN`; a backslash is `\\`. `readByteName` takes it back.
 */
export function showByteName(name: Uint8Array): string {
  let text = "";
  for (let i = 0; i < name.length; ) {
    const length = sequenceAt(name, i);
    const bytes = name.subarray(i, i + Math.max(1, length));
    const character = length === 0 ? null : UTF8_ONLY.decode(bytes);
    if (character === "\\") text += "\\\\";
    else if (character !== null && !HIDDEN.test(character)) text += character;
    else for (const byte of bytes) text += `\\x${byte.toString(16).padStart(2, "0")}`;
    i += bytes.length;
  }
  return text;
}

/**
 * The bytes that `showByteName` shows as this.
 * @throws ColdkeepError `usage` for a backslash that begins no escape.
 */
export function readByteName(text: string): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [part] of text.matchAll(/\\x[0-9a-fA-F]{2}|\\\\|\\|[^\\]+/g)) {
    if (part === "\\") {
      throw new ColdkeepError("usage", {
        what: "a backslash in a path begins an escape",
        on: JSON.stringify(text),
        why: "it is followed by neither a backslash nor x and two hex digits",
        todo: "write \\\\ for a backslash and \\xNN for any byte, as `coldkeep ls` prints them",
      });
    }
    if (part === "\\\\") parts.push(Buffer.from("\\"));
    else if (part.startsWith("\\x")) parts.push(Buffer.from(part.slice(2), "hex"));
    else parts.push(Buffer.from(part, "utf8"));
  }
  return Buffer.concat(parts);
}

/** Bytes of the UTF-8 character that begins there; 0 where none does. */
function sequenceAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  const length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (length === 1) return 1;
  try {
    UTF8_ONLY.decode(bytes.subarray(at, at + length));
    return first >= 0xc2 && at + length <= bytes.length ? length : 0;
  } catch {
    return 0;
  }
}
