import type { KeySetting, SecretText, TokenSettings } from "../keys/types.ts";

/** What may be said about a key beside its text. */
export interface KeyOptions {
  /** What the user calls the place it is written in. */
  readonly field: string;
  readonly consume?: boolean;
  /** As ChainMaker reads it; see `SoftwareSetting`. */
  readonly looseHex?: boolean;
  readonly passphrase?: SecretText | undefined;
  readonly hash?: "sha256" | "sha1" | undefined;
  /** Where the key of `kms:` is. */
  readonly region?: string | undefined;
  readonly endpoint?: string | undefined;
  /** The token of `hsm:`, which needs one. */
  readonly token?: TokenSettings | undefined;
}

const PREFIX = /^(age|rsa|credential|hsm|kms):(.*)$/s;
const NO_LITERAL = "an age identity is a secret: put it into a file, and write age:/path/of/the/file";

/** Why a text is no key, or null. */
export function wrongKeyText(text: string): string | null {
  if (/^AGE-SECRET-KEY-/i.test(text)) return NO_LITERAL;
  const [, kind, rest = ""] = PREFIX.exec(text) ?? [];
  if (kind === undefined) return null;
  if (kind === "kms") {
    const named = /^(arn:[^\s]+|alias\/[A-Za-z0-9/_-]+|[A-Za-z0-9-]+)$/.test(rest);
    return named ? null : "kms: and a key's id, its ARN, or alias/NAME";
  }
  if (kind === "hsm") return rest === "" ? "hsm: and the label or id of a key in the token" : null;
  if (kind === "credential") return rest === "" ? "credential:NAME, as the unit's LoadCredential= has it" : null;
  return rest.startsWith("/")
    ? null
    : `${kind}: and an absolute path, such as ${kind}:/etc/coldkeep/key.${kind === "rsa" ? "pem" : "txt"}`;
}

/** Sorts a key by how its text begins; everything that begins like no other kind is a software key. */
export function keySetting(text: string, o: KeyOptions): KeySetting {
  const { field, consume = false, looseHex = false } = o;
  const passphrase = o.passphrase === undefined ? {} : { passphrase: o.passphrase };
  const hash = o.hash === undefined ? {} : { hash: o.hash };
  if (text.startsWith("age1")) return { kind: "age", field, recipient: text };
  const [, kind, rest = ""] = PREFIX.exec(text) ?? [];
  if (kind === "age") return { kind: "age-file", field, path: rest, ...passphrase };
  if (kind === "rsa") return { kind: "rsa", field, path: rest, ...passphrase, ...hash };
  if (kind === "credential") return { kind: "credential", field, name: rest, ...passphrase, ...hash };
  if (kind === "kms") {
    const region = o.region === undefined ? {} : { region: o.region };
    return { kind: "kms", field, key: rest, ...region, ...(o.endpoint === undefined ? {} : { endpoint: o.endpoint }) };
  }
  if (kind === "hsm" && o.token !== undefined) {
    return { kind: "hsm", field, key: rest, token: o.token, ...hash };
  }
  return { kind: "software", field, text, consume, looseHex };
}

/** Whether whoever reads the file that this is written in has the key, or what opens it. */
export function isSecretText(setting: KeySetting): boolean {
  if (setting.kind === "software") return !setting.text.startsWith("/");
  const passphrase = setting.kind === "hsm" ? setting.token.password : passphraseIn(setting);
  return passphrase !== undefined && !/^(\/|env:|credential:)/.test(passphrase);
}

function passphraseIn(setting: KeySetting): SecretText | undefined {
  return "passphrase" in setting ? setting.passphrase : undefined;
}
