import { ColdkeepError } from "../../../vault/names/index.ts";
import { pkcs11Identity, pkcs11Recipient, rsaIdentity, rsaRecipient } from "../../../vault/sealed/index.ts";
import type { LoadContext, LoadedKey } from "../loaded.ts";
import type { HsmSetting } from "../types.ts";
import { pinOf } from "./pin.ts";
import { openToken } from "./token.ts";
import { openKey } from "./token-key.ts";

/** A key in a PKCS#11 token: AES, SM4 by a vendor's mechanism, or an RSA pair. @throws ColdkeepError `key`, `permission`. */
export async function loadHsm(setting: HsmSetting, context: LoadContext): Promise<LoadedKey> {
  const label = `hsm:${setting.key} in token ${setting.token.label}`;
  const token = await openToken(setting.token, () => pinOf(setting, context));
  const found = await openKey(token, setting);
  if (found.kind === "rsa") {
    const wraps = rsaRecipient(found.publicKey, setting.hash ?? "sha256");
    const identity = { ...rsaIdentity(found.publicKey, found.decrypt), label };
    return { setting, label, toRecipient: () => wraps, identity };
  }
  const { key, notes } = found;
  const identity = key.unwrapBy.length === 0 ? null : { ...pkcs11Identity(key), label };
  const toRecipient = () => {
    if (key.wrapBy !== null) return pkcs11Recipient(key);
    throw new ColdkeepError("key", {
      what: "the key in the token may unwrap, and not wrap",
      on: label,
      todo: "set CKA_WRAP (or CKA_ENCRYPT) on it, or name it under identities, to restore with",
    });
  };
  return { setting, label, notes, toRecipient, identity };
}

export { generateHsmKey } from "./generate.ts";
