import type { SuiteName } from "../card/types.ts";
import { sm4Backend } from "./sm4/backend.ts";
import { sm3Hash } from "./sm4/sm3.ts";
import { type Aead, type AeadKey, NONCE_BYTES, TAG_BYTES } from "./suites/aead.ts";
import { type Hashes, nodeHash, withHkdf } from "./suites/hashes.ts";
import { aes256Gcm } from "./suites/openssl-gcm.ts";
import { opensslHmac } from "./suites/openssl-hmac.ts";

export { type AeadKey, NONCE_BYTES, TAG_BYTES } from "./suites/aead.ts";

/** One set of algorithms: everything of a snapshot is hashed, derived and sealed with the same. */
export interface Suite extends Hashes {
  readonly name: SuiteName;
  /** As headers and derivations carry it. */
  readonly number: 1 | 2;
  /** Bytes of an AEAD key. */
  readonly keyBytes: 16 | 32;
  prepare(key: Uint8Array): AeadKey;
  /** Writes ciphertext ‖ tag to `out` at `at`; `out` must hold `plain.length + 16` bytes there. */
  sealInto(key: AeadKey, nonce: Uint8Array, aad: Uint8Array, plain: Uint8Array, out: Uint8Array, at: number): void;
  /** The plaintext, in `memory` where that can be used; null where the tag does not verify (`AeadKey`). */
  open(key: AeadKey, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array, memory?: Uint8Array): Uint8Array | null;
}

function gcmSuite(o: Pick<Suite, "name" | "number" | "keyBytes"> & { hashes: Hashes; aead: () => Aead }): Suite {
  const { name, number, keyBytes } = o;
  return {
    ...o.hashes,
    name,
    number,
    keyBytes,
    prepare(key) {
      if (key.length !== keyBytes) throw new RangeError(`${name}: a key has ${keyBytes} bytes, got ${key.length}`);
      return o.aead().prepare(key);
    },
    sealInto(key, nonce, aad, plain, out, at) {
      assertNonce(nonce);
      if (out.length - at < plain.length + TAG_BYTES) throw new RangeError("no room for ciphertext and tag");
      key.sealInto(nonce, aad, plain, out, at);
    },
    open(key, nonce, aad, sealed, memory) {
      assertNonce(nonce);
      return sealed.length < TAG_BYTES ? null : key.open(nonce, aad, sealed, memory);
    },
  };
}

function assertNonce(nonce: Uint8Array): void {
  if (nonce.length !== NONCE_BYTES) throw new RangeError(`a nonce has ${NONCE_BYTES} bytes, got ${nonce.length}`);
}

const aes = aes256Gcm();
const sha256 = nodeHash("sha256");
/** By OpenSSL called directly for keys made ready, which name millions of chunks; keys as they are serve a derivation or two. */
const hmac: Hashes["hmac"] = (key, ...parts) => {
  const direct = key instanceof Uint8Array ? null : opensslHmac();
  return direct === null || key instanceof Uint8Array ? sha256.hmac(key, ...parts) : direct(key, parts);
};
const AES = gcmSuite({
  name: "aes-256-gcm",
  number: 1,
  keyBytes: 32,
  hashes: withHkdf({ ...sha256, hmac }),
  aead: () => aes,
});

let sm4: Suite | undefined;

/** RFC 8998, with SM3 for everything that is hashed or derived. */
function sm4Suite(): Suite {
  sm4 ??= gcmSuite({
    name: "sm4-gcm",
    number: 2,
    keyBytes: 16,
    hashes: withHkdf(sm3Hash()),
    aead: () => sm4Backend().aead,
  });
  return sm4;
}

/** @throws ColdkeepError `config` for sm4-gcm where this Node has no SM3. */
export function suiteOf(name: SuiteName): Suite {
  return name === "aes-256-gcm" ? AES : sm4Suite();
}
