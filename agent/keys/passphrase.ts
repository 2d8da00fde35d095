import { ColdkeepError } from "../../vault/names/index.ts";
import type { LoadContext } from "./loaded.ts";
import { readSecretText } from "./secret-text.ts";
import type { SecretText } from "./types.ts";

/** The passphrase of a protected key file: as configured, else asked for. @throws ColdkeepError `key`. */
export async function passphraseOf(
  o: { readonly label: string; readonly field: string; readonly passphrase?: SecretText },
  context: LoadContext,
): Promise<string> {
  if (o.passphrase !== undefined) return readSecretText(o.passphrase, `${o.field} passphrase`, context);
  if (context.askSecret !== null) return await context.askSecret(`Passphrase of ${o.label}: `);
  throw new ColdkeepError("key", {
    what: "it needs a passphrase or PIN, and nobody can be asked for it",
    on: o.label,
    todo: "run coldkeep on a terminal, or write where it is (passphrase of the key, password of pkcs11): env:NAME, a file, or credential:NAME",
  });
}
