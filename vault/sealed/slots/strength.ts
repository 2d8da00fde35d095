import type { SuiteName } from "../../card/types.ts";
import { fromBase64url } from "../../names/index.ts";
import type { Slot } from "../types.ts";

/** How strong a slot is, as far as it shows from outside. */
export interface SlotStrength {
  /** Bits of security against whoever reads the vault; null where that hangs on something that cannot be seen. */
  readonly bits: number | null;
  readonly words: string;
}

/** Bits of an RSA modulus → of security (NIST SP 800-57 part 1 rev. 5, table 2); what lies between counts as less. */
const RSA_BITS = [
  [15_360, 256],
  [7_680, 192],
  [3_072, 128],
  [2_048, 112],
] as const;

/** A slot opens data under its suite, so nothing is stronger than that. */
export function slotStrength(slot: Slot, suite: SuiteName): SlotStrength {
  const most = suite === "sm4-gcm" ? 128 : 256;
  switch (slot.type) {
    case "key":
      return (slot.stretch as { kdf?: unknown } | undefined)?.kdf === "none"
        ? { bits: 128, words: "a key that coldkeep made, of 128 random bits or 256" }
        : { bits: null, words: "as strong as its text, which is stretched" };
    case "age":
      return { bits: Math.min(most, 128), words: "X25519 and ChaCha20-Poly1305" };
    case "rsa": {
      const modulus = (fromBase64url(String(slot.ct)) ?? []).length * 8;
      const bits = RSA_BITS.find(([least]) => modulus >= least)?.[1] ?? 0;
      return { bits: Math.min(most, bits), words: `RSA-${modulus}, OAEP with ${String(slot.hash)}` };
    }
    case "pkcs11":
      return { bits: null, words: `${String(slot.mech)} by a key in a token, 128 bits or more` };
    case "kms":
      return { bits: most, words: "AES-256-GCM in AWS KMS, and who may call it" };
    default:
      return { bits: null, words: "of a type that this version does not know" };
  }
}
