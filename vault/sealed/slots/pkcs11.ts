import { timingSafeEqual } from "node:crypto";
import { ColdkeepError, fromBase64url, isColdkeepError, toBase64url, toHex } from "../../names/index.ts";
import { systemRandom } from "../derive.ts";
import { pkcs11Slot } from "../schemas.ts";
import { NONCE_BYTES } from "../suites.ts";
import type { Identity, LabelledRecipient, Slot } from "../types.ts";
import { damagedSlot } from "./damaged.ts";

/** Slots of type `pkcs11`: the snapshot key wrapped inside a token by a secret key that never leaves it. */
const TYPE = "pkcs11";

/** RFC 3394, RFC 5649, or GCM with a random nonce. */
export type TokenMech = "aes-kw" | "aes-kwp" | "aes-gcm" | "sm4-gcm";

/** A secret key in a token: what wraps, wherever it is. `iv` goes with the two mechanisms that encrypt. */
export interface TokenKey {
  /** `<token's serial>/<CKA_ID in hex>`. */
  readonly kid: string;
  /** What wrapping takes; null where the key may not wrap. */
  readonly wrapBy: TokenMech | null;
  /** What unwrapping may take: the slot picks among these and nothing else. */
  readonly unwrapBy: readonly TokenMech[];
  wrap(mech: TokenMech, sk: Uint8Array, iv: Uint8Array | null): Promise<Uint8Array>;
  unwrap(mech: TokenMech, ct: Uint8Array, iv: Uint8Array | null): Promise<Uint8Array>;
}

/**
 * Wraps snapshot keys in a token, and proves each wrapping by unwrapping it where the key allows that: two operations of
 * the token a snapshot. A key that wraps and never unwraps would be found out on the worst of days.
 * @throws ColdkeepError `key` where it may not wrap, or what it wrapped does not come back.
 */
export function pkcs11Recipient(key: TokenKey): LabelledRecipient {
  return {
    type: TYPE,
    kid: async () => key.kid,
    async wrap(sk): Promise<Slot> {
      const mech = key.wrapBy;
      if (mech === null) throw new RangeError("a key that may not wrap is no recipient");
      const iv = mech.endsWith("-gcm") ? systemRandom(NONCE_BYTES) : null;
      const ct = await key.wrap(mech, sk, iv);
      if (key.unwrapBy.includes(mech)) {
        const back = await key.unwrap(mech, ct, iv);
        const same = back.length === sk.length && timingSafeEqual(back, sk);
        back.fill(0);
        if (!same) {
          throw new ColdkeepError("key", { what: "the token does not give back what it wrapped", on: key.kid });
        }
      }
      const slot = { id: toHex(systemRandom(8)), type: TYPE, kid: key.kid, added: 0, mech, ct: toBase64url(ct) };
      return iv === null ? slot : { ...slot, iv: toBase64url(iv) };
    },
  };
}

/**
 * Opens slots of a key in a token. The same key may lie in another token by now (a copy, a new HSM), so its id decides
 * whether a slot is tried and the token's serial only what a failure means.
 */
export function pkcs11Identity(key: TokenKey): Identity {
  return {
    type: TYPE,
    async unwrap(slot, scope): Promise<Uint8Array | null> {
      const parsed = pkcs11Slot.safeParse(slot);
      if (!parsed.success) throw damagedSlot(slot, scope, "its fields are not as the format describes them");
      const { kid, mech, ct, iv } = parsed.data;
      if (idOf(kid) !== idOf(key.kid)) return null;
      if (!key.unwrapBy.includes(mech)) {
        throw damagedSlot(slot, scope, `it asks for ${mech}, which this key and token do not unwrap by`);
      }
      try {
        return await key.unwrap(mech, bytesOf(ct), iv === undefined ? null : bytesOf(iv));
      } catch (error) {
        if (kid !== key.kid && isColdkeepError(error) && !error.retryable) return null;
        throw error;
      }
    },
  };
}

function idOf(kid: string): string {
  return kid.slice(kid.indexOf("/") + 1);
}

function bytesOf(text: string): Uint8Array {
  return fromBase64url(text) ?? new Uint8Array(0);
}
