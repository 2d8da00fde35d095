import type { Mechanism } from "pkcs11js";
import type { TokenMech } from "../../../vault/sealed/index.ts";
import type { KeyObject } from "./find-key.ts";
import type { Session } from "./token.ts";

/** AES key wrap, RFC 3394 (PKCS#11 2.40 section 2.14). */
const CKM_AES_KEY_WRAP = 0x2109;
/** AES key wrap with padding, RFC 5649: as 3.0 has it, and as older tokens do. */
const CKM_AES_KEY_WRAP_KWP = 0x210b;
const CKM_AES_KEY_WRAP_PAD = 0x210a;
const CKM_AES_GCM = 0x1087;
const CKK_AES = 0x1f;
export const CKK_RSA = 0;

export interface Ways {
  /** In the order of preference: what wrapping takes is the first. */
  readonly wrap: readonly TokenMech[];
  readonly unwrap: readonly TokenMech[];
}

/**
 * How a secret key of a token may wrap, by what the token offers and the key allows. RFC 3394 first: every token means
 * the same by it.
 */
export function waysOf(key: KeyObject, mechanisms: ReadonlySet<number>, sm4Gcm: number | undefined): Ways {
  const { wrap, unwrap, encrypt, decrypt } = key.can;
  const has = (number: number) => mechanisms.has(number);
  const list = (wrapping: boolean, encrypting: boolean): TokenMech[] => {
    if (key.type !== CKK_AES) return sm4Gcm !== undefined && has(sm4Gcm) && encrypting ? ["sm4-gcm"] : [];
    const found: TokenMech[] = [];
    if (wrapping && has(CKM_AES_KEY_WRAP)) found.push("aes-kw");
    if (wrapping && (has(CKM_AES_KEY_WRAP_KWP) || has(CKM_AES_KEY_WRAP_PAD))) found.push("aes-kwp");
    if (encrypting && has(CKM_AES_GCM)) found.push("aes-gcm");
    return found;
  };
  return { wrap: list(wrap, encrypt), unwrap: list(unwrap, decrypt) };
}

/** The library's form of a mechanism. `iv` is for the two that encrypt. */
export function mechanismOf(
  { module: { api } }: Session,
  mech: TokenMech,
  o: { readonly mechanisms: ReadonlySet<number>; readonly sm4Gcm: number | undefined; readonly iv?: Uint8Array },
): Mechanism {
  if (mech === "aes-kw") return { mechanism: CKM_AES_KEY_WRAP };
  if (mech === "aes-kwp") {
    return { mechanism: o.mechanisms.has(CKM_AES_KEY_WRAP_KWP) ? CKM_AES_KEY_WRAP_KWP : CKM_AES_KEY_WRAP_PAD };
  }
  const parameter = { type: api.CK_PARAMS_AES_GCM, iv: Buffer.from(o.iv ?? []), ivBits: 96, tagBits: 128 };
  return { mechanism: mech === "aes-gcm" ? CKM_AES_GCM : (o.sm4Gcm ?? CKM_AES_GCM), parameter };
}
