import type { Handle, Template } from "pkcs11js";
import { ColdkeepError } from "../../../vault/names/index.ts";
import type { Session } from "./token.ts";

/** What is known of a key object. Handles are a session's business: they are looked up anew each time. */
export interface KeyObject {
  readonly handle: Handle;
  readonly type: number;
  readonly id: Buffer;
  readonly label: string;
  readonly extractable: boolean;
  readonly can: {
    readonly wrap: boolean;
    readonly unwrap: boolean;
    readonly encrypt: boolean;
    readonly decrypt: boolean;
  };
}

/**
 * The secret or RSA private key of that label or id.
 * @throws ColdkeepError `key` where there is none, several, or one of another kind.
 */
export function findKey(session: Session, key: string, tokenLabel: string): KeyObject {
  const { api } = session.module;
  const classes = [api.CKO_SECRET_KEY, api.CKO_PRIVATE_KEY];
  for (const name of namesOf(session, key)) {
    const found = classes.flatMap((kind) => find(session, [{ type: api.CKA_CLASS, value: kind }, name]));
    if (found.length > 1) {
      throw refused(
        key,
        tokenLabel,
        `${found.length} keys have this label or id`,
        "name the key by an id that is its alone",
      );
    }
    const [handle] = found;
    if (handle !== undefined) return describe(session, handle);
  }
  const others = namesOf(session, key).some((name) => find(session, [name]).length > 0);
  if (others) {
    throw refused(
      key,
      tokenLabel,
      "what has this label or id is no secret key and no private key",
      "name an AES, SM4 or RSA key",
    );
  }
  throw refused(
    key,
    tokenLabel,
    "there is none of this label or id",
    "make one: coldkeep key generate --hsm LABEL; or correct the name",
  );
}

/** CKA_LABEL first; then CKA_ID, written as text or in hexadecimal. */
function namesOf({ module: { api } }: Session, key: string): Template[number][] {
  const hex = /^(?:0[xX])?((?:[0-9a-fA-F]{2})+)$/.exec(key)?.[1];
  return [
    { type: api.CKA_LABEL, value: key },
    { type: api.CKA_ID, value: Buffer.from(key) },
    ...(hex === undefined ? [] : [{ type: api.CKA_ID, value: Buffer.from(hex, "hex") }]),
  ];
}

export function find({ module: { lib }, handle }: Session, template: Template): Handle[] {
  lib.C_FindObjectsInit(handle, template);
  try {
    return lib.C_FindObjects(handle, 8);
  } finally {
    lib.C_FindObjectsFinal(handle);
  }
}

function describe(session: Session, handle: Handle): KeyObject {
  const { api } = session.module;
  const is = (type: number) => attribute(session, handle, type)?.[0] === 1;
  return {
    handle,
    type: ulong(attribute(session, handle, api.CKA_KEY_TYPE)),
    id: attribute(session, handle, api.CKA_ID) ?? Buffer.alloc(0),
    label: attribute(session, handle, api.CKA_LABEL)?.toString() ?? "",
    extractable: is(api.CKA_EXTRACTABLE),
    can: {
      wrap: is(api.CKA_WRAP),
      unwrap: is(api.CKA_UNWRAP),
      encrypt: is(api.CKA_ENCRYPT),
      decrypt: is(api.CKA_DECRYPT),
    },
  };
}

/** An attribute's bytes, or null where the object has none of it. */
export function attribute({ module: { lib }, handle }: Session, object: Handle, type: number): Buffer | null {
  try {
    return lib.C_GetAttributeValue(handle, object, [{ type }])[0]?.value ?? null;
  } catch {
    return null;
  }
}

/** CK_ULONG in the machine's own order; every platform that runs this is little-endian. */
function ulong(bytes: Buffer | null): number {
  return bytes === null || bytes.length < 4 ? -1 : bytes.readUInt32LE(0);
}

function refused(key: string, token: string, why: string, todo: string): ColdkeepError {
  return new ColdkeepError("key", {
    what: "cannot use the key in the token",
    on: `${key} in token ${token}`,
    why,
    todo,
  });
}
