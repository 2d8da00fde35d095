import { constants, type KeyObject, privateDecrypt, publicEncrypt } from "node:crypto";
import type { SuiteName } from "../../card/types.ts";
import { fromBase64url, toBase64url, toHex } from "../../names/index.ts";
import { systemRandom } from "../derive.ts";
import { rsaSlot } from "../schemas.ts";
import { suiteOf } from "../suites.ts";
import type { Identity, LabelledRecipient, Slot } from "../types.ts";
import { damagedSlot } from "./damaged.ts";

/**
 * Slots of type `rsa`: the snapshot key under RSAES-OAEP (RFC 8017 section 7.1) with MGF1 and an empty label. PKCS#1 v1.5
 * is never used.
 */
const TYPE = "rsa";

/** SHA-1 is for tokens whose OAEP knows no other hash; OAEP does not rest on its collision resistance. */
export type OaepHash = "sha256" | "sha1";

/** Wraps snapshot keys for an RSA public key. Anybody can do that: such a slot says nothing about who made it. */
export function rsaRecipient(key: KeyObject, hash: OaepHash): LabelledRecipient {
  const kid = async (suite: SuiteName) => rsaLabel(key, suite);
  return {
    type: TYPE,
    kid,
    async wrap(sk, scope): Promise<Slot> {
      const padded = { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hash };
      const ct = toBase64url(publicEncrypt(padded, sk));
      const id = toHex(systemRandom(8));
      return { id, type: TYPE, kid: await kid(scope.suite), added: 0, mech: "rsa-oaep", hash, ct };
    },
  };
}

/** What opens `ct` with the private half, wherever it is. Rejects where it does not fit. */
export type OaepDecrypt = (ct: Uint8Array, hash: OaepHash) => Promise<Uint8Array>;

/** Opens slots of an RSA key pair. The label tells whose slot it is, so that a token is asked for its own ones only. */
export function rsaIdentity(publicKey: KeyObject, decrypt: OaepDecrypt): Identity {
  return {
    type: TYPE,
    async unwrap(slot, scope): Promise<Uint8Array | null> {
      const parsed = rsaSlot.safeParse(slot);
      if (!parsed.success) throw damagedSlot(slot, scope, "its fields are not as the format describes them");
      const { kid, ct, hash } = parsed.data;
      if (kid !== rsaLabel(publicKey, scope.suite)) return null;
      return await decrypt(fromBase64url(ct) ?? new Uint8Array(0), hash);
    },
  };
}

/** The same with the private key in memory. */
export function rsaKeyIdentity(privateKey: KeyObject, publicKey: KeyObject): Identity {
  const own: Identity = rsaIdentity(publicKey, async (ct, oaepHash) => {
    return privateDecrypt({ key: privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, ct);
  });
  return {
    type: TYPE,
    async unwrap(slot, scope) {
      try {
        return await own.unwrap(slot, scope);
      } catch (error) {
        // OpenSSL's words tell nothing more than this, and what they tell is no business of a log.
        if (error instanceof Error && error.name === "ColdkeepError") throw error;
        throw damagedSlot(slot, scope, "it is this key's and does not open");
      }
    },
  };
}

/** A label of the key: the first 8 bytes of the hash of its SubjectPublicKeyInfo (RFC 5280), in hex. */
function rsaLabel(key: KeyObject, suite: SuiteName): string {
  const spki = key.export({ type: "spki", format: "der" });
  return toHex(suiteOf(suite).hash(spki).subarray(0, 8));
}
