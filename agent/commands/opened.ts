import type { SuiteName } from "../../vault/card/index.ts";
import { isColdkeepError } from "../../vault/names/index.ts";
import { openStore, retrying, type Store } from "../../vault/store/index.ts";
import type { Config } from "../config/index.ts";
import { type KeySource, loadKeySource } from "../keys/index.ts";
import { openNodeState } from "../state/index.ts";
import type { Call } from "./define.ts";
import type { Session } from "./session.ts";

/** The vault of a configuration, patient with what may pass. */
export async function openVault({ vault }: Config, { io }: Call, mode: "read" | "write"): Promise<Store> {
  const store = await openStore(vault, { readonly: mode === "read" });
  return retrying(store, { clock: io.clock, signal: io.signal });
}

export function suiteOf({ encryptor }: Config): SuiteName {
  return encryptor === "sm4" ? "sm4-gcm" : "aes-256-gcm";
}

/** Reads the configured key. @throws ColdkeepError `key`, `permission`. */
export function loadKey(config: Config): Promise<KeySource> {
  return loadKeySource(config.encryptKey, {
    suite: suiteOf(config),
    field: "encrypt_key",
    consume: config.consumeKeyFile,
  });
}

/** The key that must have signed the node's cards: the one the configuration pins, else this host's own. */
export function pinnedKeyOf({ config, node }: Session): string | undefined {
  if (node.cardKey !== undefined) return node.cardKey;
  try {
    return openNodeState(config.stateDir, node.name).publicKey;
  } catch (error) {
    if (isColdkeepError(error, "not-found") || isColdkeepError(error, "permission")) return undefined;
    throw error;
  }
}
