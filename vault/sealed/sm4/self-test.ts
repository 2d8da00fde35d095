import { type Aead, TAG_BYTES } from "../suites/aead.ts";

const hex = (text: string) => Uint8Array.from(Buffer.from(text, "hex"));

/** RFC 8998, appendix A.1. */
const KEY = hex("0123456789abcdeffedcba9876543210");
const NONCE = hex("00001234567800000000abcd");
const AAD = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
const PLAIN = hex(["aa", "bb", "cc", "dd", "ee", "ff", "ee", "aa"].map((byte) => byte.repeat(8)).join(""));
const SEALED = hex(
  "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d83de3541e4c2b58177e065a9bf7b62ec",
);

/**
 * A text long enough for every batch that vector code works in, and no multiple of any: with the same key, nonce and
 * associated data. The tag covers the ciphertext, so it stands for all of it.
 */
const LONG = Uint8Array.from({ length: 5003 }, (_, i) => (i * 167) ^ (i >> 8));
const LONG_TAG = hex("38463999832440c8a1d9f8ec959605d2");

/** What an SM4-GCM gets wrong, in words; null where it is right. Never throws. */
export function failedSelfTest(aead: Aead): string | null {
  try {
    return wrongAnswer(aead);
  } catch (error) {
    return `its self-test ended with an error: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function wrongAnswer(aead: Aead): string | null {
  const key = aead.prepare(KEY);
  const sealed = new Uint8Array(SEALED.length + 3);
  key.sealInto(NONCE, AAD, PLAIN, sealed, 3);
  if (!same(sealed.subarray(3), SEALED)) return "it does not seal as RFC 8998 says";
  if (!same(key.open(NONCE, AAD, SEALED), PLAIN)) return "it does not open what RFC 8998 sealed";
  const long = new Uint8Array(LONG.length + TAG_BYTES);
  key.sealInto(NONCE, AAD, LONG, long, 0);
  if (!same(long.subarray(LONG.length), LONG_TAG)) return "it seals long texts wrongly";
  if (!same(key.open(NONCE, AAD, long), LONG)) return "it does not open long texts";
  for (const at of [0, 2047, LONG.length, long.length - 1]) {
    const changed = long.slice();
    changed[at] = (changed[at] ?? 0) ^ 0x10;
    if (key.open(NONCE, AAD, changed) !== null) return "it opens what was changed";
  }
  return key.open(NONCE, AAD.subarray(1), SEALED) === null ? null : "it does not authenticate the associated data";
}

function same(found: Uint8Array | null, expected: Uint8Array): boolean {
  return found !== null && Buffer.compare(found, expected) === 0;
}
