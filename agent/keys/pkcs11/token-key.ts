import { createPublicKey, type KeyObject as PublicKey } from "node:crypto";
import { ColdkeepError, isColdkeepError } from "../../../vault/names/index.ts";
import type { OaepHash, TokenKey, TokenMech } from "../../../vault/sealed/index.ts";
import type { HsmSetting } from "../types.ts";
import { codeOf, isGone } from "./errors.ts";
import { attribute, find, findKey, type KeyObject } from "./find-key.ts";
import { CKK_RSA, mechanismOf, waysOf } from "./mechanisms.ts";
import type { Session, Token } from "./token.ts";

/** Room for any answer: a buffer that is too small leaves some tokens' sessions wedged. */
const ROOM = 4096;
const CKM_RSA_PKCS_OAEP = 9;

/** What a key in a token is to coldkeep. */
export type FoundKey =
  | { readonly kind: "secret"; readonly key: TokenKey; readonly notes: readonly string[] }
  | {
      readonly kind: "rsa";
      readonly publicKey: PublicKey;
      decrypt(ct: Uint8Array, hash: OaepHash): Promise<Uint8Array>;
    };

/** Finds the key and what it may do. @throws ColdkeepError `key`. */
export async function openKey(token: Token, setting: HsmSetting): Promise<FoundKey> {
  const { label, sm4Gcm } = setting.token;
  const on = `${setting.key} in token ${label}`;
  const look = (session: Session) => findKey(session, setting.key, label);
  return await token.use("cannot look for the key in the token", async (session) => {
    const found = look(session);
    if (found.type === CKK_RSA) {
      const publicKey = publicOf(session, found, on);
      return { kind: "rsa", publicKey, decrypt: (ct, hash) => decryptOaep(token, look, ct, hash, on) };
    }
    const { mechanisms, serial } = token;
    const ways = waysOf(found, mechanisms, sm4Gcm);
    if (ways.wrap.length === 0 && ways.unwrap.length === 0) throw noWay(found, on);
    const id = found.id.length > 0 ? found.id.toString("hex") : `label=${found.label}`;
    const at = { mechanisms, sm4Gcm };
    const key: TokenKey = {
      kid: `${serial}/${id}`,
      wrapBy: ways.wrap[0] ?? null,
      unwrapBy: ways.unwrap,
      wrap: (mech, sk, iv) =>
        token.use("the token did not wrap the snapshot key", (s) => wrap(s, look(s), mech, sk, { ...at, iv })),
      unwrap: (mech, ct, iv) =>
        token.use("the token did not unwrap the snapshot key", (s) => unwrap(s, look(s), mech, ct, { ...at, iv }, on)),
    };
    return { kind: "secret", key, notes: notesOf(found, ways.unwrap, on) };
  });
}

interface At {
  readonly mechanisms: ReadonlySet<number>;
  readonly sm4Gcm: number | undefined;
  readonly iv: Uint8Array | null;
}

async function wrap(s: Session, key: KeyObject, mech: TokenMech, sk: Uint8Array, at: At): Promise<Uint8Array> {
  const { api, lib } = s.module;
  const mechanism = mechanismOf(s, mech, { ...at, iv: at.iv ?? new Uint8Array(0) });
  const value = Buffer.from(sk);
  try {
    if (mech.endsWith("-gcm")) {
      lib.C_EncryptInit(s.handle, mechanism, key.handle);
      return Uint8Array.from(await lib.C_EncryptAsync(s.handle, value, Buffer.alloc(ROOM)));
    }
    const object = lib.C_CreateObject(s.handle, [...secretTemplate(s), { type: api.CKA_VALUE, value }]);
    try {
      return Uint8Array.from(await lib.C_WrapKeyAsync(s.handle, mechanism, key.handle, object, Buffer.alloc(ROOM)));
    } finally {
      lib.C_DestroyObject(s.handle, object);
    }
  } finally {
    value.fill(0);
  }
}

async function unwrap(
  s: Session,
  key: KeyObject,
  mech: TokenMech,
  ct: Uint8Array,
  at: At,
  on: string,
): Promise<Uint8Array> {
  const { api, lib } = s.module;
  const mechanism = mechanismOf(s, mech, { ...at, iv: at.iv ?? new Uint8Array(0) });
  try {
    if (mech.endsWith("-gcm")) {
      lib.C_DecryptInit(s.handle, mechanism, key.handle);
      return take(await lib.C_DecryptAsync(s.handle, Buffer.from(ct), Buffer.alloc(ROOM)));
    }
    const template = [...secretTemplate(s)];
    const object = await lib.C_UnwrapKeyAsync(s.handle, mechanism, key.handle, Buffer.from(ct), template);
    try {
      const value = attribute(s, object, api.CKA_VALUE);
      if (value === null) {
        throw new ColdkeepError("key", {
          what: "the token unwraps the snapshot key and keeps it",
          on,
          why: "it does not give out the value of a key that is neither sensitive nor fixed to it",
          todo: "allow that for session objects, or use an RSA key or AES-GCM in the token",
        });
      }
      return take(value);
    } finally {
      lib.C_DestroyObject(s.handle, object);
    }
  } catch (error) {
    throw refusedBy(error, on);
  }
}

async function decryptOaep(
  token: Token,
  look: (session: Session) => KeyObject,
  ct: Uint8Array,
  hash: OaepHash,
  on: string,
): Promise<Uint8Array> {
  return await token.use("the token did not decrypt the snapshot key", async (s) => {
    const { api, lib } = s.module;
    const [hashAlg, mgf] =
      hash === "sha256" ? [api.CKM_SHA256, api.CKG_MGF1_SHA256] : [api.CKM_SHA_1, api.CKG_MGF1_SHA1];
    const parameter = { type: api.CK_PARAMS_RSA_OAEP, hashAlg, mgf, source: 1 };
    try {
      lib.C_DecryptInit(s.handle, { mechanism: CKM_RSA_PKCS_OAEP, parameter }, look(s).handle);
      return take(await lib.C_DecryptAsync(s.handle, Buffer.from(ct), Buffer.alloc(ROOM)));
    } catch (error) {
      if (codeOf(error) === api.CKR_ARGUMENTS_BAD || codeOf(error) === api.CKR_MECHANISM_PARAM_INVALID) {
        throw new ColdkeepError("key", {
          what: "the token cannot do OAEP with this hash",
          on,
          why: `it refuses ${hash}`,
          todo: "write hash: sha1 beside the key: some tokens know no other for OAEP",
        });
      }
      throw refusedBy(error, on);
    }
  });
}

/** What a token says of a wrapping that is not its key's differs by vendor; what it means does not. */
function refusedBy(error: unknown, on: string): unknown {
  if (isColdkeepError(error) || isGone(error) || codeOf(error) === null) return error;
  return new ColdkeepError("integrity", {
    what: "the token does not open the slot",
    on,
    why: `it says ${error instanceof Error ? error.message.split(/[\s:]/)[0] : "no"}: the slot was changed, or another key made it`,
    cause: error,
  });
}

function secretTemplate({ module: { api } }: Session) {
  return [
    { type: api.CKA_CLASS, value: api.CKO_SECRET_KEY },
    { type: api.CKA_KEY_TYPE, value: api.CKK_GENERIC_SECRET },
    { type: api.CKA_TOKEN, value: false },
    { type: api.CKA_SENSITIVE, value: false },
    { type: api.CKA_EXTRACTABLE, value: true },
  ];
}

function take(value: Buffer): Uint8Array {
  const own = Uint8Array.from(value);
  value.fill(0);
  return own;
}

function publicOf(session: Session, found: KeyObject, on: string): PublicKey {
  const { api } = session.module;
  const part = (type: number) => {
    const own = attribute(session, found.handle, type);
    if (own !== null && own.length > 0) return own;
    const [other] = find(session, [
      { type: api.CKA_CLASS, value: api.CKO_PUBLIC_KEY },
      { type: api.CKA_ID, value: found.id },
    ]);
    return other === undefined ? null : attribute(session, other, type);
  };
  const n = part(api.CKA_MODULUS)?.toString("base64url");
  const e = part(api.CKA_PUBLIC_EXPONENT)?.toString("base64url");
  if (n !== undefined && e !== undefined) return createPublicKey({ key: { kty: "RSA", n, e }, format: "jwk" });
  throw new ColdkeepError("key", {
    what: "the RSA key in the token has no public half there",
    on,
    todo: "import the public key under the same CKA_ID",
  });
}

function noWay({ can }: KeyObject, on: string): ColdkeepError {
  const rights = Object.entries(can)
    .filter(([, may]) => may)
    .map(([name]) => name);
  return new ColdkeepError("key", {
    what: "the key in the token cannot wrap snapshot keys",
    on,
    why: `it may ${rights.length === 0 ? "neither wrap nor encrypt" : rights.join(", ")}, and the token has no AES key wrap or AES-GCM for that`,
    todo: "use an AES key with CKA_WRAP and CKA_UNWRAP (coldkeep key generate --hsm LABEL makes one), or an RSA key pair",
  });
}

function notesOf({ can, extractable }: KeyObject, unwrapBy: readonly TokenMech[], on: string): string[] {
  const notes: string[] = [];
  if (can.unwrap && can.decrypt) {
    notes.push(`${on} may unwrap and decrypt: who uses the token can get wrapped keys out by decrypting them`);
  }
  if (extractable) notes.push(`${on} may leave the token (CKA_EXTRACTABLE)`);
  if (unwrapBy.length === 0) notes.push(`${on} may wrap and not unwrap: no backup made here is proven to open`);
  return notes;
}
