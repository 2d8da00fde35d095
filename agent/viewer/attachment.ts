const UTF8_ONLY = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** Control and direction characters, which would hide what a name ends in, and what separates folders somewhere. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that a name must not have
const UNFIT = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\\/:*?"<>|]/gu;
/** Characters that are kept of a name: file systems take 255 bytes. */
const LONGEST = 120;

/**
 * `Content-Disposition` (RFC 6266) under which a browser saves and never shows: the name twice, in ASCII and in full (RFC 8187).
 * Names come out of a snapshot and are hostile: what is no UTF-8, moves a cursor, or parts folders becomes `_`.
 */
export function attachmentNamed(name: Uint8Array): string {
  const text = [...textOf(name).replace(UNFIT, "_")].slice(0, LONGEST).join("");
  // "..", "." and nothing are no names, and what begins with a dot would be saved where nobody looks.
  const shown = text.replace(/^\.+/, "_").replace(/[. ]+$/, "_") || "_";
  const ascii = shown.replace(/[^A-Za-z0-9 ._+=@,()-]/gu, "_");
  return `attachment; filename="${ascii}"; filename*=UTF-8''${percent(shown)}`;
}

function textOf(name: Uint8Array): string {
  try {
    return UTF8_ONLY.decode(name);
  } catch {
    return Buffer.from(name)
      .toString("latin1")
      .replace(/[^ -~]/g, "_");
  }
}

/** attr-char of RFC 8187 stays, all other bytes become %NN. */
function percent(text: string): string {
  return encodeURIComponent(text).replace(
    /['()*!]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
