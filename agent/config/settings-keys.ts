import { parseDuration } from "../../vault/retain/index.ts";
import type { KeySetting, TokenSettings } from "../keys/types.ts";
import { keySetting } from "./key-text.ts";
import type { WrittenConfig } from "./schema.ts";
import type { WrittenToken } from "./schema-keys.ts";
import type { Config } from "./types.ts";

type WrittenKey = NonNullable<WrittenConfig["identities"]>[number];

/** The keys of a file that follows the schema. */
export function keysOf(written: WrittenConfig): Pick<Config, "keys" | "identities" | "chainmaker" | "token"> {
  const { encrypt_key, keys, identities = [], consume_key_file: consume, pkcs11 } = written;
  const token = pkcs11 === undefined ? undefined : tokenOf(pkcs11);
  const list = Array.isArray(keys) ? keys.map((key, i) => listed(key, `keys.${i}`, consume, token)) : [];
  return {
    keys: encrypt_key === undefined ? list : [single(encrypt_key, consume, token, pkcs11?.enabled === true)],
    identities: identities.map((key, i) => listed(key, `identities.${i}`, false, token)),
    ...(token === undefined ? {} : { token }),
    ...(keys === undefined || Array.isArray(keys) ? {} : { chainmaker: keys.chainmaker }),
  };
}

function tokenOf(written: WrittenToken): TokenSettings {
  const { library, label, password, session_cache_size: sessions, timeout, sm4_gcm_mechanism: sm4Gcm } = written;
  return {
    library,
    label,
    sessions,
    timeoutMs: parseDuration(timeout) ?? 10_000,
    ...(password === undefined ? {} : { password }),
    ...(sm4Gcm === undefined ? {} : { sm4Gcm }),
  };
}

/** With a token that is switched on, a plain `encrypt_key` is the id of a key in it: ChainMaker's meaning. */
function single(text: string, consume: boolean, token: TokenSettings | undefined, enabled: boolean): KeySetting {
  const setting = keySetting(text, { field: "encrypt_key", consume, token });
  if (setting.kind !== "software" || token === undefined || !enabled) return setting;
  return { kind: "hsm", field: "encrypt_key", key: text, token };
}

function listed(written: WrittenKey, field: string, consume: boolean, token: TokenSettings | undefined): KeySetting {
  if (typeof written === "string") return keySetting(written, { field, consume, token });
  const { key, pkcs11, ...options } = written;
  return keySetting(key, { ...options, field, consume, token: pkcs11 === undefined ? token : tokenOf(pkcs11) });
}
