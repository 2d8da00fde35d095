import { assertMayWork, parseVaultJson, type SuiteName } from "../../vault/card/index.ts";
import { ColdkeepError, isColdkeepError, names, VERSION } from "../../vault/names/index.ts";
import {
  type Deleter,
  openStore,
  PATIENCE_MS,
  type RetryBudget,
  retrying,
  type Store,
} from "../../vault/store/index.ts";
import type { Config, VaultSettings } from "../config/index.ts";
import { type KeySetting, type LoadedKey, loadIdentities, loadRecipients } from "../keys/index.ts";
import { openNodeState } from "../state/index.ts";
import type { Call } from "./define.ts";
import { keyByPlace } from "./key-by-place.ts";
import { pickVault, type Session } from "./session.ts";
import { makeWaitingNote } from "./waiting.ts";

/** The vault that --vault names, else the first, patient with what may pass. @throws ColdkeepError `usage`. */
export function openVault(
  config: Config,
  call: Call,
  mode: "read" | "write",
  budget?: () => RetryBudget,
): Promise<Store> {
  return openOneVault(pickVault(config, call.flags.vault), call, mode, budget);
}

/** For those whom somebody waits for at the other end: a vault that is away is told of soon. */
export const BRISK = (): RetryBudget => ({ totalMs: 10_000 });

/** One vault of a configuration, patient with what may pass, and able to delete what a plan of the keeper's names. */
export async function openOneVault(
  vault: VaultSettings,
  call: Call,
  mode: "read" | "write",
  budget?: () => RetryBudget,
): Promise<Store & Deleter> {
  const store = await openPlace(vault, call, {
    readonly: mode === "read",
    ...(budget === undefined ? {} : { budget }),
  });
  if (mode === "write") await assertOursToChange(store, vault);
  return store;
}

/** The store at a place, whether a vault is there or not. */
export async function openPlace(
  { url, s3, retryForMs = PATIENCE_MS }: Pick<VaultSettings, "url" | "s3" | "retryForMs">,
  call: Call,
  how: { readonly readonly?: boolean; readonly create?: boolean; readonly budget?: () => RetryBudget },
): Promise<Store & Deleter> {
  const { io } = call;
  const reach = s3 === undefined ? {} : { s3 };
  const { budget = () => ({ totalMs: retryForMs }), ...access } = how;
  const store = await openStore(url, { ...access, ...reach, version: VERSION, now: () => io.clock.now() });
  const patient = retrying(store, { clock: io.clock, signal: io.signal, budget, onWait: makeWaitingNote(call) });
  // A plan that broke off is run again as a whole, so its deletes are not repeated one by one.
  return { ...patient, delete: (plan) => store.delete(plan) };
}

const MAX_VAULT_JSON = 64 << 10;

/** Before the node is touched: a vault that newer hosts share may have agreed on what this version does not know. */
async function assertOursToChange(store: Store, { putOnly }: Pick<VaultSettings, "putOnly">): Promise<void> {
  const found = await store.get(names.VAULT_JSON, { maxBytes: MAX_VAULT_JSON }).catch((error: unknown) => {
    // Who may not list is not told that there is none.
    if (putOnly === true && isColdkeepError(error, "permission")) return null;
    throw error;
  });
  if (found !== null) assertMayWork(parseVaultJson(found.bytes), "agent");
}

export function suiteOf({ encryptor }: Pick<Config, "encryptor">): SuiteName {
  return encryptor === "sm4" ? "sm4-gcm" : "aes-256-gcm";
}

/** Reads the keys that snapshots are encrypted for. @throws ColdkeepError `key`, `permission`. */
export async function loadKeys(config: Config, call: Call): Promise<LoadedKey[]> {
  if (config.strictSm && suiteOf(config) !== "sm4-gcm") {
    throw new ColdkeepError("config", {
      what: "strict_sm is set, and encryptor is aes",
      on: config.path,
      todo: "write encryptor: sm4, or take strict_sm out",
    });
  }
  const keys = await loadRecipients(config.keys, contextOf(config, call));
  assertStrict(config, keys);
  return keys;
}

/** Under `strict_sm` only what is wrapped by SM4 and SM3 may open (docs/FORMAT.md). @throws ColdkeepError `config`. */
export function assertStrict(config: Config, keys: readonly LoadedKey[]): void {
  const other = config.strictSm ? keys.find(({ software }) => software === undefined) : undefined;
  if (other === undefined) return;
  throw new ColdkeepError("config", {
    what: "strict_sm refuses this key",
    on: other.label,
    why: "it is not wrapped by SM4 and SM3",
    todo: "use a text, 0x… or a file of 16 bytes, or take strict_sm out",
  });
}

export function contextOf(config: Config, { io }: Call) {
  const { ask } = io;
  const askSecret = ask === null ? null : (question: string) => ask(question, { hidden: true });
  return { suite: suiteOf(config), env: io.env, askSecret };
}

/** Reads the keys to restore with: those, the identities beside them, and those of --identity. */
export function loadOpeners(config: Config, call: Call, more: readonly string[] = []) {
  const given = more.map((text) => keyByPlace(text, "--identity", config.token));
  const warn = (text: string) => call.progress.warn(text);
  return loadIdentities([...given, ...config.identities, ...config.keys], { ...contextOf(config, call), warn });
}

/** The same configuration for a look at its keys: a look empties no key file. */
export function withoutConsuming(config: Config): Config {
  const kept = (setting: KeySetting): KeySetting =>
    setting.kind === "software" ? { ...setting, consume: false } : setting;
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
