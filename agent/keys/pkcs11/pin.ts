import type { LoadContext } from "../loaded.ts";
import { passphraseOf } from "../passphrase.ts";
import type { HsmSetting } from "../types.ts";

/** The user PIN of a key's token. */
export function pinOf({ token, field }: HsmSetting, context: LoadContext): Promise<string> {
  const { label, password } = token;
  const passphrase = password === undefined ? {} : { passphrase: password };
  return passphraseOf({ label: `token ${label}`, field: `${field} pkcs11.password`, ...passphrase }, context);
}
