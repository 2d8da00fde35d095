import { assertMayWork, parseVaultJson, type SuiteName } from "../../vault/card/index.ts";
import { isColdkeepError, names } from "../../vault/names/index.ts";
import { openStore, retrying, type Store } from "../../vault/store/index.ts";
import type { Config, VaultSettings } from "../config/index.ts";
import { type KeySetting, type LoadedKey, loadIdentities, loadRecipients } from "../keys/index.ts";
import { openNodeState } from "../state/index.ts";
import type { Call } from "./define.ts";
import { pickVault, type Session } from "./session.ts";

/** The vault that --vault names, else the first, patient with what may pass. @throws ColdkeepError `usage`. */
export function openVault(config: Config, call: Call, mode: "read" | "write"): Promise<Store> {
  return openOneVault(pickVault(config, call.flags.vault), call, mode);
}

/** One vault of a configuration, patient with what may pass. */
export async function openOneVault({ url }: VaultSettings, { io }: Call, mode: "read" | "write"): Promise<Store> {
  const store = await openStore(url, { readonly: mode === "read" });
  const patient = retrying(store, { clock: io.clock, signal: io.signal });
  if (mode === "write") await assertOursToChange(patient);
  return patient;
}

const MAX_VAULT_JSON = 64 << 10;

/** Before the node is touched: a vault that newer hosts share may have agreed on what this version does not know. */
async function assertOursToChange(store: Store): Promise<void> {
  const found = await store.get(names.VAULT_JSON, { maxBytes: MAX_VAULT_JSON });
  if (found !== null) assertMayWork(parseVaultJson(found.bytes), "agent");
}

export function suiteOf({ encryptor }: Pick<Config, "encryptor">): SuiteName {
  return encryptor === "sm4" ? "sm4-gcm" : "aes-256-gcm";
}

/** Reads the keys that snapshots are encrypted for. @throws ColdkeepError `key`, `permission`. */
export function loadKeys(config: Config): Promise<LoadedKey[]> {
  return loadRecipients(config.keys, { suite: suiteOf(config) });
}

/** Reads the keys to restore with: those, and the identities beside them. */
export function loadOpeners(config: Config, { progress }: Call) {
  const warn = (text: string) => progress.warn(text);
  return loadIdentities([...config.identities, ...config.keys], { suite: suiteOf(config), warn });
}

/** The same configuration for a look at its keys: a look empties no key file. */
export function withoutConsuming(config: Config): Config {
  const kept = (setting: KeySetting): KeySetting => ({ ...setting, consume: false });
  return { ...config, keys: config.keys.map(kept), identities: config.identities.map(kept) };
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
