import { describe, expect, it } from "vitest";
import { mechanismOf, waysOf } from "../../../agent/keys/pkcs11/mechanisms.ts";
import type { Session } from "../../../agent/keys/pkcs11/token.ts";

type KeyObject = Parameters<typeof waysOf>[0];

const CKK_AES = 0x1f;
/** GM/T's number for SM4 keys differs by vendor; whatever is no AES key is one where the mechanism is configured. */
const SM4 = 0x80000402;
const SM4_GCM = 0x8000_0411;
const ALL = new Set([0x2109, 0x210a, 0x210b, 0x1087, SM4_GCM]);
const key = (type: number, may = "wrap unwrap encrypt decrypt"): KeyObject => ({
  handle: Buffer.alloc(8),
  type,
  id: Buffer.from("id"),
  label: "label",
  extractable: false,
  can: {
    wrap: /\bwrap/.test(may),
    unwrap: may.includes("unwrap"),
    encrypt: may.includes("encrypt"),
    decrypt: may.includes("decrypt"),
  },
});
const session = { module: { api: { CK_PARAMS_AES_GCM: 7 } } } as unknown as Session;

describe("what a key in a token wraps by", () => {
  it("is RFC 3394, then RFC 5649, then GCM, as far as token and key go", () => {
    expect(waysOf(key(CKK_AES), ALL, undefined).wrap).toEqual(["aes-kw", "aes-kwp", "aes-gcm"]);
    expect(waysOf(key(CKK_AES), new Set([0x210b]), undefined).wrap).toEqual(["aes-kwp"]);
    expect(waysOf(key(CKK_AES), new Set([0x210a, 0x1087]), undefined).wrap).toEqual(["aes-kwp", "aes-gcm"]);
    expect(waysOf(key(CKK_AES, "encrypt decrypt"), ALL, undefined).wrap).toEqual(["aes-gcm"]);
    expect(waysOf(key(CKK_AES, "wrap"), ALL, undefined)).toEqual({ wrap: ["aes-kw", "aes-kwp"], unwrap: [] });
    expect(waysOf(key(CKK_AES), new Set(), undefined)).toEqual({ wrap: [], unwrap: [] });
  });

  it("is the vendor's SM4-GCM for an SM4 key, where it is configured and there (seen on no real token)", () => {
    expect(waysOf(key(SM4), ALL, SM4_GCM)).toEqual({ wrap: ["sm4-gcm"], unwrap: ["sm4-gcm"] });
    expect(waysOf(key(SM4), ALL, undefined)).toEqual({ wrap: [], unwrap: [] });
    expect(waysOf(key(SM4), new Set([0x1087]), SM4_GCM)).toEqual({ wrap: [], unwrap: [] });
    expect(waysOf(key(SM4, "wrap unwrap"), ALL, SM4_GCM)).toEqual({ wrap: [], unwrap: [] });
    expect(waysOf(key(CKK_AES), ALL, SM4_GCM).wrap).not.toContain("sm4-gcm");
  });

  it("is asked for by the number that the token has, GCM with nonces of 96 bits and tags of 128", () => {
    const at = { mechanisms: ALL, sm4Gcm: SM4_GCM, iv: Buffer.alloc(12, 1) };
    expect(mechanismOf(session, "aes-kw", at)).toEqual({ mechanism: 0x2109 });
    expect(mechanismOf(session, "aes-kwp", at)).toEqual({ mechanism: 0x210b });
    expect(mechanismOf(session, "aes-kwp", { ...at, mechanisms: new Set([0x210a]) })).toEqual({ mechanism: 0x210a });
    const parameter = { type: 7, iv: Buffer.alloc(12, 1), ivBits: 96, tagBits: 128 };
    expect(mechanismOf(session, "aes-gcm", at)).toEqual({ mechanism: 0x1087, parameter });
    expect(mechanismOf(session, "sm4-gcm", at)).toEqual({ mechanism: SM4_GCM, parameter });
  });
});
