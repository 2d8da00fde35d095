import { timingSafeEqual } from "node:crypto";
import { GHASH } from "@noble/ciphers/_polyval.js";
import { viewOf } from "../bytes.ts";
import { type Aead, TAG_BYTES } from "../suites/aead.ts";
import { sm4Counter } from "../suites/node-ciphers.ts";

/**
 * SM4-GCM of parts that every Node has: its own sm4-ctr, and GHASH in JavaScript. Slow (some 40 MB/s), and its GHASH
 * looks up tables by secret bytes, so it is not constant-time: it is taken where nothing else can be had.
 */
export function portableGcm(): Aead {
  return {
    prepare(bytes) {
      const key = Uint8Array.from(bytes);
      const hashKey = sm4Counter(key, new Uint8Array(16), new Uint8Array(16));
      const tagOf = (nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array) =>
        // SP 800-38D section 7.1, steps 2 to 6: the counter block with 1 covers the tag.
        sm4Counter(key, counterBlock(nonce, 1), ghash(hashKey, aad, sealed));
      return {
        sealInto(nonce, aad, plain, out, at) {
          const sealed = sm4Counter(key, counterBlock(nonce, 2), plain);
          out.set(sealed, at);
          out.set(tagOf(nonce, aad, sealed), at + plain.length);
        },
        open(nonce, aad, sealed) {
          const end = sealed.length - TAG_BYTES;
          const body = sealed.subarray(0, end);
          if (!timingSafeEqual(tagOf(nonce, aad, body), sealed.subarray(end))) return null;
          const plain = sm4Counter(key, counterBlock(nonce, 2), body);
          return new Uint8Array(plain.buffer, plain.byteOffset, plain.byteLength);
        },
      };
    },
  };
}

function counterBlock(nonce: Uint8Array, counter: number): Uint8Array {
  const block = new Uint8Array(16);
  block.set(nonce);
  viewOf(block).setUint32(12, counter);
  return block;
}

/** GHASH over both texts, each padded with zeros, and their lengths in bits (SP 800-38D section 6.4). */
function ghash(key: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array {
  const lengths = new Uint8Array(16);
  viewOf(lengths).setBigUint64(0, BigInt(aad.length) * 8n);
  viewOf(lengths).setBigUint64(8, BigInt(sealed.length) * 8n);
  const mac = new GHASH(key, sealed.length);
  mac.update(aad).update(sealed).update(lengths);
  return mac.digest();
}
