import { createHash, randomBytes } from "node:crypto";
import { ColdkeepError, toBase64url } from "../../vault/names/index.ts";
import type { SnapshotScope } from "../../vault/sealed/types.ts";

type SuiteName = SnapshotScope["suite"];

/** What says that a key came from a machine's dice and is no password, which would have to be stretched. */
const PREFIX = "ckkey1.";
/** Random bytes of a key: as many as its suite's own keys have. */
const KEY_BYTES: Readonly<Record<SuiteName, number>> = { "aes-256-gcm": 32, "sm4-gcm": 16 };
const LENGTHS: ReadonlySet<number> = new Set(Object.values(KEY_BYTES));
const ALPHABET = Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
/** Of the SHA-256 of the key, so that a slip of the pen is told from another key. */
const SUM_BYTES = 3;

/** A new key in its spelling: `ckkey1.<b64url of the key>.<4 letters>`, printable, so that it survives paper and editors. */
export function generateKeyText(suite: SuiteName): string {
  const key = randomBytes(KEY_BYTES[suite]);
  return `${PREFIX}${toBase64url(key)}.${sumOf(key)}`;
}

/** Whether a text is meant as such a key. */
export function isGenerated(text: Uint8Array): boolean {
  return Buffer.from(text.buffer, text.byteOffset, Math.min(text.length, PREFIX.length)).toString("latin1") === PREFIX;
}

/**
 * The bytes of a key in that spelling, which is zeroed. Either length serves either cipher, so that what was sealed before a
 * change of `encryptor` stays readable by the same key.
 * @param on Names the place it was read from.
 * @throws ColdkeepError `key` where it was copied wrongly; its message tells nothing of the key.
 */
export function readGenerated(text: Uint8Array, on: string): Uint8Array {
  const dot = text.lastIndexOf(0x2e);
  const key = decode(text.subarray(PREFIX.length, dot));
  const sum = Buffer.from(text.subarray(dot + 1)).toString("latin1");
  text.fill(0);
  if (key === null || !LENGTHS.has(key.length) || sum !== sumOf(key)) {
    key?.fill(0);
    throw new ColdkeepError("key", {
      what: "the key was not copied rightly",
      on,
      why: "its last letters do not belong to the others",
      todo: "compare it letter by letter with where it was copied from; capitals count, and an O is no 0",
    });
  }
  return key;
}

/** base64url (RFC 4648 section 5, unpadded), from bytes to bytes: what once was a text of V8's cannot be overwritten. */
function decode(letters: Uint8Array): Uint8Array | null {
  const key = new Uint8Array(Math.floor((letters.length * 3) / 4));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const letter of letters) {
    const value = ALPHABET.indexOf(letter);
    if (value < 0) return null;
    held = (held << 6) | value;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      key[at++] = held >> bits;
      held &= (1 << bits) - 1;
    }
  }
  return at === key.length && held === 0 && bits < 6 ? key : null;
}

function sumOf(key: Uint8Array): string {
  return toBase64url(createHash("sha256").update("ckkey1").update(key).digest().subarray(0, SUM_BYTES));
}
