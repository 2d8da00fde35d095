import { createHash, createHmac, createSecretKey, type KeyObject } from "node:crypto";

const HASH_BYTES = 32;

/** A key as it is, or prepared by `macKey`. */
export type MacKey = Uint8Array | KeyObject;

/** For a key that is used many times: made ready once, and not for every small message anew. */
export function macKey(key: Uint8Array): MacKey {
  return createSecretKey(key);
}

/** A hash of 32 bytes and what is made of it. */
export interface Hashes {
  hash(...parts: readonly Uint8Array[]): Uint8Array;
  hmac(key: MacKey, ...parts: readonly Uint8Array[]): Uint8Array;
  /** RFC 5869 section 2.2. */
  hkdfExtract(salt: Uint8Array, ikm: Uint8Array): Uint8Array;
  /** RFC 5869 section 2.3. */
  hkdfExpand(prk: Uint8Array, info: Uint8Array, length: number): Uint8Array;
}

/** The hash and the HMAC (RFC 2104) of node:crypto. */
export function nodeHash(name: string): Pick<Hashes, "hash" | "hmac"> {
  return {
    hash(...parts) {
      const h = createHash(name);
      for (const part of parts) h.update(part);
      return h.digest();
    },
    hmac(key, ...parts) {
      const mac = createHmac(name, key);
      for (const part of parts) mac.update(part);
      return mac.digest();
    },
  };
}

/** HKDF beside the hash and HMAC it is made of. */
export function withHkdf({ hash, hmac }: Pick<Hashes, "hash" | "hmac">): Hashes {
  return {
    hash,
    hmac,
    hkdfExtract: (salt, ikm) => hmac(salt, ikm),
    hkdfExpand(prk, info, length) {
      if (length > 255 * HASH_BYTES) throw new RangeError(`HKDF gives at most ${255 * HASH_BYTES} bytes`);
      const blocks: Uint8Array[] = [];
      let previous: Uint8Array = new Uint8Array(0);
      for (let i = 1; blocks.length * HASH_BYTES < length; i++) {
        previous = hmac(prk, previous, info, Uint8Array.of(i));
        blocks.push(previous);
      }
      return new Uint8Array(Buffer.concat(blocks)).subarray(0, length);
    },
  };
}
