import { createSecretKey, type KeyObject } from "node:crypto";
import { type Aead, type AeadKey, NONCE_BYTES, TAG_BYTES } from "./aead.ts";
import { nodeGcm } from "./node-ciphers.ts";
import { believed, must, ownOpenssl } from "./openssl-library.ts";

/** Of evp.h: EVP_CTRL_AEAD_GET_TAG. */
const GET_TAG = 0x10;
const KEY_BYTES = 32;
const node = nodeGcm("aes-256-gcm");

/** Seals one message into `out`, which has exactly the room for it and its tag. */
export type Seal = (key: KeyObject, nonce: Uint8Array, aad: Uint8Array, plain: Uint8Array, out: Uint8Array) => void;

let seal: Seal | null | undefined;

/** OpenSSL's own, called directly. Once a thread; null where it cannot be had, or does not agree with node:crypto. */
export function opensslSeal(): Seal | null {
  if (seal === undefined) seal = believed(loadSeal, agrees);
  return seal;
}

/**
 * AES-256-GCM of node:crypto, which seals by the same OpenSSL called directly where that can be had: into the place where
 * the frame is to lie, and without an object and a copy for each. Opening is node:crypto's alone.
 */
export function aes256Gcm(direct: () => Seal | null = opensslSeal): Aead {
  return {
    prepare(bytes) {
      const { sealInto, open } = node.prepare(bytes);
      const key = createSecretKey(bytes);
      return {
        sealInto(nonce, aad, plain, out, at) {
          const seal = direct();
          if (seal === null) sealInto(nonce, aad, plain, out, at);
          else seal(key, nonce, aad, plain, out.subarray(at, at + plain.length + TAG_BYTES));
        },
        open,
      };
    },
  };
}

function loadSeal(): Seal {
  const declare = ownOpenssl();
  const cipher = declare("void *EVP_aes_256_gcm()")();
  const context = declare("void *EVP_CIPHER_CTX_new()")();
  if (cipher === null || context === null) throw new Error("OpenSSL gives no context");
  const init = declare(
    "int EVP_EncryptInit_ex(void *context, const void *cipher, void *engine, const void *key, const void *iv)",
  );
  const update = declare("int EVP_EncryptUpdate(void *context, void *out, void *written, const void *in, int length)");
  const final = declare("int EVP_EncryptFinal_ex(void *context, void *out, void *written)");
  const control = declare("int EVP_CIPHER_CTX_ctrl(void *context, int command, int argument, void *pointer)");
  const written = new Int32Array(1);
  const rest = new Uint8Array(TAG_BYTES);
  let current: KeyObject | null = null;

  function begin(key: KeyObject, nonce: Uint8Array): void {
    if (key !== current) {
      current = null;
      const bytes = key.export();
      // OpenSSL takes as many as the cipher has, whatever lies behind them.
      if (bytes.length !== KEY_BYTES) throw new RangeError(`a key has ${KEY_BYTES} bytes, got ${bytes.length}`);
      must("EVP_EncryptInit_ex", init(context, cipher, null, bytes, null));
      bytes.fill(0);
      current = key;
    }
    // Without a nonce, a second message would be sealed with that of the first.
    if (nonce.length !== NONCE_BYTES) throw new RangeError(`a nonce has ${NONCE_BYTES} bytes, got ${nonce.length}`);
    must("EVP_EncryptInit_ex", init(context, null, null, null, nonce));
  }

  return (key, nonce, aad, plain, out) => {
    if (out.length !== plain.length + TAG_BYTES) throw new RangeError("no room for ciphertext and tag");
    begin(key, nonce);
    if (aad.length > 0) must("EVP_EncryptUpdate", update(context, null, written, aad, aad.length));
    if (plain.length > 0) must("EVP_EncryptUpdate", update(context, out, written, plain, plain.length));
    if (plain.length > 0 && written[0] !== plain.length) throw new Error("OpenSSL: EVP_EncryptUpdate stopped half-way");
    must("EVP_EncryptFinal_ex", final(context, rest, written));
    must("EVP_CIPHER_CTX_ctrl", control(context, GET_TAG, TAG_BYTES, out.subarray(plain.length)));
  };
}

/** Seals as node:crypto does, whatever the length, and with one key after the other. */
function agrees(seal: Seal): boolean {
  const sample = Uint8Array.from({ length: 5003 }, (_, i) => (i * 167) ^ (i >> 8));
  const keys = [sample.slice(0, 32), sample.slice(32, 64), sample.slice(0, 32)];
  const ready: [KeyObject, AeadKey][] = keys.map((key) => [createSecretKey(key), node.prepare(key)]);
  return [sample.length, 0, 1, 16, 257, sample.length].every((length, n) =>
    ready.every(([key, expected]) => {
      const [nonce, aad, plain] = [
        sample.subarray(n, n + NONCE_BYTES),
        sample.subarray(0, n),
        sample.subarray(0, length),
      ];
      const [found, wanted] = [new Uint8Array(length + TAG_BYTES), new Uint8Array(length + TAG_BYTES)] as const;
      seal(key, nonce, aad, plain, found);
      expected.sealInto(nonce, aad, plain, wanted, 0);
      return Buffer.compare(found, wanted) === 0;
    }),
  );
}
