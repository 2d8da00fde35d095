import { createHmac, createSecretKey, type KeyObject } from "node:crypto";
import { believed, must, ownOpenssl } from "./openssl-library.ts";

const MAC_BYTES = 32;

/** HMAC-SHA-256 (RFC 2104) of parts that stand one behind the other, by a key made ready. */
export type ReadyHmac = (key: KeyObject, parts: readonly Uint8Array[]) => Uint8Array;

let hmac: ReadyHmac | null | undefined;

/**
 * The HMAC-SHA-256 of node:crypto, by the same OpenSSL called directly: the key is hashed once and not for each message,
 * and no object is made. Once a thread; null where it cannot be had, or does not agree with node:crypto.
 */
export function opensslHmac(): ReadyHmac | null {
  if (hmac === undefined) hmac = believed(load, agrees);
  return hmac;
}

function load(): ReadyHmac {
  const declare = ownOpenssl();
  const sha256 = declare("void *EVP_sha256()")();
  const context = declare("void *HMAC_CTX_new()")();
  if (sha256 === null || context === null) throw new Error("OpenSSL gives no context");
  const init = declare(
    "int HMAC_Init_ex(void *context, const void *key, int length, const void *digest, void *engine)",
  );
  const update = declare("int HMAC_Update(void *context, const void *data, size_t length)");
  const final = declare("int HMAC_Final(void *context, void *mac, void *length)");
  // Outside of V8's heap, as what `makeHandover` copies to.
  const made = Buffer.allocUnsafeSlow(MAC_BYTES);
  let current: KeyObject | null = null;

  function begin(key: KeyObject): void {
    if (key === current) {
      must("HMAC_Init_ex", init(context, null, 0, null, null));
      return;
    }
    const bytes = key.export();
    // No pointer to a key means "the one before" to OpenSSL.
    if (bytes.length === 0) throw new RangeError("an HMAC key has bytes");
    current = null;
    must("HMAC_Init_ex", init(context, bytes, bytes.length, sha256, null));
    bytes.fill(0);
    current = key;
  }

  return (key, parts) => {
    begin(key);
    for (const part of parts) if (part.length > 0) must("HMAC_Update", update(context, part, part.length));
    must("HMAC_Final", final(context, made, null));
    return new Uint8Array(made);
  };
}

/** Answers as node:crypto does, whatever the length, and with one key after the other. */
function agrees(hmac: ReadyHmac): boolean {
  const sample = Uint8Array.from({ length: 5003 }, (_, i) => (i * 167) ^ (i >> 8));
  const keys = [sample.slice(0, 32), sample.slice(32, 64), sample.slice(0, 32)].map((key) => createSecretKey(key));
  return [sample.length, 0, 1, 63, 64, 65, sample.length].every((length) =>
    keys.every((key) => {
      const plain = sample.subarray(0, length);
      const expected = createHmac("sha256", key).update(sample.subarray(0, 7)).update(plain).digest();
      return Buffer.compare(hmac(key, [sample.subarray(0, 7), plain]), expected) === 0;
    }),
  );
}
