import { createSecretKey, type KeyObject } from "node:crypto";
import { type Aead, type AeadKey, NONCE_BYTES, TAG_BYTES } from "./aead.ts";
import { nodeGcm } from "./node-ciphers.ts";
import { believed, makeHandover, must, ownOpenssl } from "./openssl-library.ts";

/** Of evp.h: EVP_CTRL_AEAD_GET_TAG and EVP_CTRL_AEAD_SET_TAG. */
const GET_TAG = 0x10;
const SET_TAG = 0x11;
const KEY_BYTES = 32;
/** What frames have of it, and some more. */
const AAD_BYTES = 64;
const node = nodeGcm("aes-256-gcm");

/** Seals one message into `out`, which has exactly the room for it and its tag. */
export type Seal = (key: KeyObject, nonce: Uint8Array, aad: Uint8Array, plain: Uint8Array, out: Uint8Array) => void;

/**
 * Opens one message into `out`, which has exactly the room for it and does not overlap it.
 * @returns whether the tag fits; where it does not, or anything is thrown, nothing of the message is left in `out`.
 */
export type Open = (key: KeyObject, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array, out: Uint8Array) => boolean;

/** What of OpenSSL is called directly; null where it cannot be had, or does not agree with node:crypto. */
export interface Direct {
  seal(): Seal | null;
  open(): Open | null;
}

let seal: Seal | null | undefined;
let open: Open | null | undefined;

/** OpenSSL's own, called directly. Once a thread; null where it cannot be had, or does not agree with node:crypto. */
export function opensslSeal(): Seal | null {
  if (seal === undefined) seal = believed(loadSeal, agrees);
  return seal;
}

/** The same for opening: believed once it opened what node:crypto sealed, and nothing of what was changed. */
export function opensslOpen(): Open | null {
  if (open === undefined) open = believed(loadOpen, isStrict);
  return open;
}

/**
 * AES-256-GCM of node:crypto, which seals and opens by the same OpenSSL called directly where that can be had: into the
 * place where the frame is to lie, and without an object and a copy for each, which takes a quarter of the time.
 */
export function aes256Gcm(direct: Direct = { seal: opensslSeal, open: opensslOpen }): Aead {
  return {
    prepare(bytes) {
      const slow = node.prepare(bytes);
      const key = createSecretKey(bytes);
      return {
        sealInto(nonce, aad, plain, out, at) {
          const seal = direct.seal();
          if (seal === null) slow.sealInto(nonce, aad, plain, out, at);
          else seal(key, nonce, aad, plain, out.subarray(at, at + plain.length + TAG_BYTES));
        },
        open(nonce, aad, sealed, memory) {
          const open = direct.open();
          if (open === null) return slow.open(nonce, aad, sealed);
          const length = sealed.length - TAG_BYTES;
          const plain =
            memory !== undefined && memory.length >= length ? memory.subarray(0, length) : new Uint8Array(length);
          return open(key, nonce, aad, sealed, plain) ? plain : null;
        },
      };
    },
  };
}

/** OpenSSL's functions for one direction, and one context that messages go through one after the other. */
function makeContext(direction: "Encrypt" | "Decrypt") {
  const declare = ownOpenssl();
  const cipher = declare("void *EVP_aes_256_gcm()")();
  const context = declare("void *EVP_CIPHER_CTX_new()")();
  if (cipher === null || context === null) throw new Error("OpenSSL gives no context");
  const [toInit, toUpdate, toFinal] = [`EVP_${direction}Init_ex`, `EVP_${direction}Update`, `EVP_${direction}Final_ex`];
  const init = declare(
    `int ${toInit}(void *context, const void *cipher, void *engine, const void *key, const void *iv)`,
  );
  const update = declare(`int ${toUpdate}(void *context, void *out, void *written, const void *in, int length)`);
  const final = declare(`int ${toFinal}(void *context, void *out, void *written)`);
  const control = declare("int EVP_CIPHER_CTX_ctrl(void *context, int command, int argument, void *pointer)");
  const written = new Int32Array(1);
  const rest = new Uint8Array(TAG_BYTES);
  const nonceMemory = makeHandover(NONCE_BYTES);
  const aadMemory = makeHandover(AAD_BYTES);
  let current: KeyObject | null = null;
  return {
    begin(key: KeyObject, nonce: Uint8Array): void {
      if (key !== current) {
        current = null;
        const bytes = key.export();
        // OpenSSL takes as many as the cipher has, whatever lies behind them.
        if (bytes.length !== KEY_BYTES) throw new RangeError(`a key has ${KEY_BYTES} bytes, got ${bytes.length}`);
        must(toInit, init(context, cipher, null, bytes, null));
        bytes.fill(0);
        current = key;
      }
      // Without a nonce, a second message would go through with that of the first.
      if (nonce.length !== NONCE_BYTES) throw new RangeError(`a nonce has ${NONCE_BYTES} bytes, got ${nonce.length}`);
      must(toInit, init(context, null, null, null, nonceMemory(nonce)));
    },
    /** @param length bytes of `from`; as many are written to `out`. */
    pass(aad: Uint8Array, from: Uint8Array, length: number, out: Uint8Array): void {
      if (aad.length > 0) must(toUpdate, update(context, null, written, aadMemory(aad), aad.length));
      if (length > 0) must(toUpdate, update(context, out, written, from, length));
      if (length > 0 && written[0] !== length) throw new Error(`OpenSSL: ${toUpdate} stopped half-way`);
    },
    /** @returns whether OpenSSL says 1 */
    end: (): boolean => final(context, rest, written) === 1,
    tag: (command: number, memory: Uint8Array) =>
      must("EVP_CIPHER_CTX_ctrl", control(context, command, TAG_BYTES, memory)),
  };
}

function loadSeal(): Seal {
  const context = makeContext("Encrypt");
  return (key, nonce, aad, plain, out) => {
    if (out.length !== plain.length + TAG_BYTES) throw new RangeError("no room for ciphertext and tag");
    context.begin(key, nonce);
    context.pass(aad, plain, plain.length, out);
    if (!context.end()) throw new Error("OpenSSL: EVP_EncryptFinal_ex failed");
    context.tag(GET_TAG, out.subarray(plain.length));
  };
}

function loadOpen(): Open {
  const context = makeContext("Decrypt");
  return (key, nonce, aad, sealed, out) => {
    const length = sealed.length - TAG_BYTES;
    if (length < 0 || out.length !== length) throw new RangeError("no room for what is opened, or no tag");
    let authentic = false;
    try {
      context.begin(key, nonce);
      // Before anything is opened: without a tag of its own a message would be compared with the one before it.
      context.tag(SET_TAG, sealed.subarray(length));
      context.pass(aad, sealed, length, out);
      // The only failure of this call in GCM is a tag that does not fit.
      authentic = context.end();
      return authentic;
    } finally {
      if (!authentic) out.fill(0);
    }
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

/**
 * Opens what node:crypto seals, whatever the length, and with one key after the other; and nothing of which the nonce, the
 * associated data, the message or its tag is another, nor what was sealed with another key.
 */
function isStrict(open: Open): boolean {
  const sample = Uint8Array.from({ length: 5003 }, (_, i) => (i * 167) ^ (i >> 8));
  const raw = [sample.slice(0, 32), sample.slice(32, 64), sample.slice(0, 32)];
  const keys = raw.map((bytes) => createSecretKey(bytes));
  return [sample.length, 0, 1, 16, 257, sample.length].every((length, n) =>
    keys.every((key, k) => {
      const nonce = sample.subarray(n, n + NONCE_BYTES);
      const aad = sample.subarray(0, n + 1);
      const plain = sample.subarray(0, length);
      const sealed = new Uint8Array(length + TAG_BYTES);
      node.prepare(raw[k] ?? sample).sealInto(nonce, aad, plain, sealed, 0);
      const out = new Uint8Array(length);
      const other = keys[k === 1 ? 0 : 1] ?? key;
      const refused = () => out.every((byte) => byte === 0);
      return (
        [0, length >> 1, length, sealed.length - 1].every(
          (at) => !open(key, nonce, aad, changed(sealed, at), out) && refused(),
        ) &&
        !open(key, changed(nonce, 11), aad, sealed, out) &&
        !open(key, nonce, changed(aad, n), sealed, out) &&
        !open(other, nonce, aad, sealed, out) &&
        refused() &&
        open(key, nonce, aad, sealed, out) &&
        Buffer.compare(out, plain) === 0
      );
    }),
  );
}

function changed(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = (copy[at] ?? 0) ^ 0x10;
  return copy;
}
