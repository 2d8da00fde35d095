import { createHash } from "node:crypto";
import { ColdkeepError } from "../../names/index.ts";
import { type Hashes, nodeHash } from "../suites/hashes.ts";

/**
 * SM3 (GB/T 32905-2016) and HMAC-SM3 of node:crypto.
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
  return nodeHash("sm3");
}
