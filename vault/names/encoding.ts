/** base64url without padding (RFC 4648 section 5): how bytes are written in every JSON object of the vault. */
export function toBase64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64url");
}

/** The bytes of a base64url text, or null where it is not the one canonical spelling of `length` bytes. */
export function fromBase64url(text: string, length?: number): Uint8Array | null {
  const bytes = Buffer.from(text, "base64url");
  if (bytes.toString("base64url") !== text) return null;
  if (length !== undefined && bytes.length !== length) return null;
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Lower-case hex, as digests are shown and recorded. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}
