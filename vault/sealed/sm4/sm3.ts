import { createHash } from "node:crypto";
import { ColdkeepError } from "../../names/index.ts";
import { type Hashes, nodeHash } from "../suites/hashes.ts";
import { type Hmac, libgcryptHmac } from "./libgcrypt-hmac.ts";

/** From this many bytes on an HMAC is worth another library: node:crypto takes 10 µs and more to begin one. */
const LONG = 256;

/**
 * SM3 (GB/T 32905-2016) and HMAC-SM3: of node:crypto, and for long texts of libgcrypt where that is here and agrees.
 * @throws ColdkeepError `config` where this Node's OpenSSL has none: one in FIPS mode, or built without.
 */
export function sm3Hash(): Pick<Hashes, "hash" | "hmac"> {
  try {
    createHash("sm3");
  } catch (cause) {
    throw new ColdkeepError("config", {
      what: "cannot use the suite sm4-gcm",
      why: `this Node's OpenSSL ${process.versions.openssl} has no SM3; in FIPS mode there is none`,
      todo: "Run coldkeep with a Node that has it (crypto.getHashes() names sm3); new backups may use `encryptor: aes`",
      cause,
    });
  }
  const node = nodeHash("sm3");
  let long: Hmac | undefined;
  return {
    hash: node.hash,
    hmac(key, ...parts) {
      const length = parts.reduce((sum, part) => sum + part.length, 0);
      if (length < LONG) return node.hmac(key, ...parts);
      long ??= longHmac((k, all) => node.hmac(k, ...all), libgcryptHmac);
      return long(key, parts);
    },
  };
}

/** The faster of two HMACs, if it can be had and gives what the other gives. */
export function longHmac(node: Hmac, open: () => Hmac | string): Hmac {
  try {
    const faster = open();
    return typeof faster === "string" || !agree(node, faster) ? node : faster;
  } catch {
    return node;
  }
}

/** Keys shorter and longer than SM3's block, texts of no whole number of blocks, one after the other. */
function agree(one: Hmac, other: Hmac): boolean {
  const text = Uint8Array.from({ length: 9001 }, (_, i) => (i * 167) ^ (i >> 8));
  return [0, 32, 64, 100].every((length) => {
    const key = text.subarray(3, 3 + length);
    const parts = [text.subarray(0, 7), text.subarray(7, 9001 - length)];
    return Buffer.compare(one(key, parts), other(key, parts)) === 0;
  });
}
