import { type ColdkeepError, isColdkeepError } from "../../vault/names/index.ts";
import { keyIdentity, keyRecipient } from "../../vault/sealed/index.ts";
import type { Identity } from "../../vault/sealed/types.ts";
import type { LoadContext, LoadedKey } from "./loaded.ts";
import { loadKeySource } from "./source.ts";
import type { KeySetting, SoftwareSetting } from "./types.ts";

/** Reads one key. @throws ColdkeepError `key`, `permission`. No message tells anything of the key but its length. */
async function loadKey(setting: KeySetting, context: LoadContext): Promise<LoadedKey> {
  return await loadSoftware(setting, context);
}

async function loadSoftware(setting: SoftwareSetting, { suite }: LoadContext): Promise<LoadedKey> {
  const { text, field, consume, looseHex } = setting;
  const source = await loadKeySource(text, { suite, field, consume, looseHex });
  const label = source.kind === "file" ? source.label : `${field}, a ${source.kind}`;
  return {
    setting,
    label,
    software: source,
    toRecipient: (stretch) => keyRecipient({ source: source.bytes, stretch: stretch(source.label) }),
    identity: { ...keyIdentity(source.bytes), label },
  };
}

/**
 * Reads all keys that snapshots are encrypted for. Every one has to be usable: a backup that left one out would look
 * like one that did not.
 */
export async function loadRecipients(settings: readonly KeySetting[], context: LoadContext): Promise<LoadedKey[]> {
  const keys: LoadedKey[] = [];
  for (const setting of settings) keys.push(await loadKey(setting, context));
  return keys;
}

/**
 * Reads keys to open with. One that cannot be used must not keep the others from opening: it is told to `warn`, and
 * fails when its turn comes.
 * @throws ColdkeepError the one key's own error where there is no other.
 */
export async function loadIdentities(
  settings: readonly KeySetting[],
  context: LoadContext & { readonly warn: (text: string) => void },
): Promise<Identity[]> {
  const identities: Identity[] = [];
  let failed: ColdkeepError | null = null;
  for (const setting of settings) {
    try {
      identities.push((await loadKey(setting, context)).identity);
    } catch (error) {
      if (!isColdkeepError(error)) throw error;
      failed ??= error;
      if (settings.length > 1) context.warn(`a key cannot be used, the others are tried: ${error.message}`);
    }
  }
  if (identities.length > 0 || failed === null) return identities;
  throw failed;
}
