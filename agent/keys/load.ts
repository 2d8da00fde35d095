import { ColdkeepError, isColdkeepError } from "../../vault/names/index.ts";
import { keyIdentity, keyRecipient } from "../../vault/sealed/index.ts";
import type { Identity } from "../../vault/sealed/types.ts";
import { readCredential } from "./credential.ts";
import { stripKey } from "./key-file.ts";
import type { LoadContext, LoadedKey } from "./loaded.ts";
import { isPem, loadRsa, rsaKey } from "./rsa.ts";
import { loadKeySource, softwareKey } from "./source.ts";
import type { CredentialSetting, KeySetting, KeySource } from "./types.ts";

/** What is said where only public halves of keys are at hand. */
export const NOTHING_OPENS = "no key here can open anything";

/** Reads one key. @throws ColdkeepError `key`, `permission`. No message tells anything of the key but its length. */
export async function loadKey(setting: KeySetting, context: LoadContext): Promise<LoadedKey> {
  switch (setting.kind) {
    case "software": {
      const source = await loadKeySource(setting.text, { ...setting, suite: context.suite });
      const label = source.kind === "file" ? source.label : `${setting.field}, a ${source.kind}`;
      return software(source, setting, label);
    }
    case "age":
      return (await import("./age.ts")).loadAge(setting);
    case "age-file":
      return await (await import("./age.ts")).loadAgeFile(setting, context);
    case "rsa":
      return await loadRsa(setting, context);
    case "kms":
      return await (await import("./kms.ts")).loadKms(setting);
    case "hsm":
      return await (await import("./pkcs11/index.ts")).loadHsm(setting, context);
    case "credential":
      return await loadCredential(setting, context);
  }
}

/** A credential is what it looks like: age identities, a PEM, else a software key as it would stand in a file. */
async function loadCredential(setting: CredentialSetting, context: LoadContext): Promise<LoadedKey> {
  const content = readCredential(setting.name, setting.field, context);
  const o = { ...setting, setting, label: `credential:${setting.name}` };
  if (isAge(content)) return await (await import("./age.ts")).ageKey(content, o, context);
  if (isPem(content)) return await rsaKey(content, o, context);
  const { suite } = context;
  const source = softwareKey(stripKey(content), "file", { suite, field: setting.field, label: o.label });
  return software(source, setting, o.label);
}

/** Whether a file's content is what age-keygen or age wrote. */
function isAge(content: Buffer): boolean {
  return /^(#[^\n]*\n|\s)*(AGE-SECRET-KEY-|age-encryption\.org\/|-----BEGIN AGE)/.test(content.toString("latin1"));
}

function software(source: KeySource, setting: KeySetting, label: string): LoadedKey {
  const generated = source.generated === true;
  const identity = { ...keyIdentity(source.bytes, { generated }), label };
  return {
    setting,
    label,
    software: source,
    toRecipient: (stretch) =>
      keyRecipient({ source: source.bytes, stretch: generated ? { kdf: "none" } : stretch(source.label) }),
    identity,
    forget() {
      source.bytes.fill(0);
      identity.forget?.();
    },
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
 * Reads keys to open with. One that cannot be used must not keep the others from opening: it is told to `warn`.
 * @throws ColdkeepError `key` where none of them can open anything; the one key's own error where there is no other.
 */
export async function loadIdentities(
  settings: readonly KeySetting[],
  context: LoadContext & { readonly warn: (text: string) => void },
): Promise<Identity[]> {
  const identities: Identity[] = [];
  const closed: string[] = [];
  let failed: ColdkeepError | null = null;
  for (const setting of settings) {
    try {
      const { identity, label, software } = await loadKey(setting, context);
      // The identity has a copy of its own.
      software?.bytes.fill(0);
      if (identity === null) closed.push(label);
      else identities.push(identity);
    } catch (error) {
      if (!isColdkeepError(error) || error.kind === "interrupted") throw error;
      failed ??= error;
      if (settings.length > 1) context.warn(`a key cannot be used, the others are tried: ${error.message}`);
    }
  }
  if (identities.length > 0) return identities;
  if (failed !== null) throw failed;
  throw new ColdkeepError("key", {
    what: NOTHING_OPENS,
    on: closed.join(", "),
    why: "only the public halves are here",
    todo: "name the private one: --identity age:/path/identity.txt or rsa:/path/private.pem, or identities in the configuration",
  });
}
