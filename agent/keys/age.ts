import { armor, Decrypter, identityToRecipient } from "age-encryption";
import { ColdkeepError, messageOf } from "../../vault/names/index.ts";
import { ageIdentity, ageRecipient } from "../../vault/sealed/slots/age.ts";
import type { LoadContext, LoadedKey } from "./loaded.ts";
import { passphraseOf } from "./passphrase.ts";
import { readSecretFile } from "./secret-file.ts";
import type { AgeFileSetting, AgeSetting, KeySetting, SecretText } from "./types.ts";

const MAX_BYTES = 1 << 20;
const ARMOR = "-----BEGIN AGE ENCRYPTED FILE-----";
const BINARY = "age-encryption.org/v1";
const IDENTITY = /^AGE-SECRET-KEY-(PQ-)?1[0-9A-Z]+$/;

/** A public recipient, `age1…`. @throws ColdkeepError `key`. */
export function loadAge(setting: AgeSetting): LoadedKey {
  const { recipient, field } = setting;
  const label = shortened(recipient);
  try {
    const wraps = ageRecipient(recipient);
    return { setting, label, toRecipient: () => wraps, identity: null };
  } catch (error) {
    throw new ColdkeepError("key", {
      what: "this is no age recipient",
      on: field,
      why: messageOf(error),
      todo: "copy it from `age-keygen -y` or the file's comment; a text that begins with age1 is written as 0x…",
    });
  }
}

/** A file of identities, as age-keygen writes it or under a passphrase. Its first one is also the recipient. */
export async function loadAgeFile(setting: AgeFileSetting, context: LoadContext): Promise<LoadedKey> {
  const content = readSecretFile(setting.path, { noun: "age identity file", maxBytes: MAX_BYTES });
  return await ageKey(content, { ...setting, setting, label: `age:${setting.path}` }, context);
}

export interface AgeContent {
  readonly setting: KeySetting;
  readonly label: string;
  readonly field: string;
  readonly passphrase?: SecretText;
}

/** The key in an identity file's content, which is zeroed. */
export async function ageKey(content: Buffer, o: AgeContent, context: LoadContext): Promise<LoadedKey> {
  try {
    const text = await plainText(content, o, context);
    const identities = text.split(/\r?\n/).map((line) => line.trim());
    const own = identities.filter((line) => line !== "" && !line.startsWith("#"));
    const bad = own.findIndex((line) => !IDENTITY.test(line));
    if (bad >= 0 || own.length === 0) {
      throw new ColdkeepError("key", {
        what: "this is no file of age identities",
        on: o.label,
        why: own.length === 0 ? "it holds no identity" : "a line of it does not begin with AGE-SECRET-KEY-1",
        todo: "make one with: coldkeep key generate --age, or age-keygen",
      });
    }
    const recipient = await identityToRecipient(own[0] ?? "");
    const wraps = ageRecipient(recipient);
    return {
      setting: o.setting,
      label: o.label,
      toRecipient: () => wraps,
      identity: { ...ageIdentity(own), label: o.label },
    };
  } catch (error) {
    if (error instanceof ColdkeepError) throw error;
    // The library's words quote what it could not read, and that is the secret.
    throw new ColdkeepError("key", {
      what: "cannot use the age identity",
      on: o.label,
      why: "it was changed or cut off: its checksum does not fit",
    });
  } finally {
    content.fill(0);
  }
}

async function plainText(content: Buffer, o: AgeContent, context: LoadContext): Promise<string> {
  const text = content.toString("utf8");
  const armored = text.trimStart().startsWith(ARMOR);
  if (!armored && !text.startsWith(BINARY)) return text;
  const file = new Decrypter();
  file.addPassphrase(await passphraseOf(o, context));
  try {
    return await file.decrypt(armored ? armor.decode(text) : content, "text");
  } catch (error) {
    throw new ColdkeepError("key", {
      what: "the passphrase does not open the age identity file",
      on: o.label,
      why: messageOf(error),
      todo: "only files that age encrypted with a passphrase (age -p) can be used",
    });
  }
}

function shortened(recipient: string): string {
  return recipient.length <= 80 ? recipient : `${recipient.slice(0, 60)}…`;
}
