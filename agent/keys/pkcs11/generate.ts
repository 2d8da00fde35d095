import { randomBytes } from "node:crypto";
import { ColdkeepError } from "../../../vault/names/index.ts";
import type { LoadContext } from "../loaded.ts";
import type { HsmSetting } from "../types.ts";
import { find } from "./find-key.ts";
import { pinOf } from "./pin.ts";
import { openToken } from "./token.ts";

const KEY_BYTES = 32;

/**
 * Makes an AES-256 key in a token for wrapping and nothing else: it cannot leave the token, and what it wrapped cannot be
 * decrypted past unwrapping. Never replaces a key.
 * @returns its CKA_ID in hexadecimal.
 * @throws ColdkeepError `refused` where the label is taken; `key`.
 */
export async function generateHsmKey(setting: HsmSetting, context: LoadContext): Promise<string> {
  const token = await openToken(setting.token, () => pinOf(setting, context));
  const on = `${setting.key} in token ${setting.token.label}`;
  return await token.use("the token did not make a key", async (session) => {
    const { api, lib } = session.module;
    if (find(session, [{ type: api.CKA_LABEL, value: setting.key }]).length > 0) {
      throw new ColdkeepError("refused", {
        what: "will not make a second key of one label",
        on,
        todo: "choose another label",
      });
    }
    const id = randomBytes(16);
    lib.C_GenerateKey(session.handle, { mechanism: api.CKM_AES_KEY_GEN }, [
      { type: api.CKA_CLASS, value: api.CKO_SECRET_KEY },
      { type: api.CKA_KEY_TYPE, value: api.CKK_AES },
      { type: api.CKA_VALUE_LEN, value: KEY_BYTES },
      { type: api.CKA_TOKEN, value: true },
      { type: api.CKA_PRIVATE, value: true },
      { type: api.CKA_SENSITIVE, value: true },
      { type: api.CKA_EXTRACTABLE, value: false },
      { type: api.CKA_WRAP, value: true },
      { type: api.CKA_UNWRAP, value: true },
      { type: api.CKA_ENCRYPT, value: false },
      { type: api.CKA_DECRYPT, value: false },
      { type: api.CKA_SIGN, value: false },
      { type: api.CKA_VERIFY, value: false },
      { type: api.CKA_LABEL, value: setting.key },
      { type: api.CKA_ID, value: id },
    ]);
    return id.toString("hex");
  });
}
