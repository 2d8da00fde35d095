import { ColdkeepError } from "../../vault/names/index.ts";
import { readCredential } from "./credential.ts";
import type { LoadContext } from "./loaded.ts";
import { readSecretFile } from "./secret-file.ts";
import type { SecretText } from "./types.ts";

const MAX_BYTES = 4096;

/**
 * A password, wherever it is: `env:NAME`, `credential:NAME`, a file (without its last line end), or the text itself.
 * @throws ColdkeepError `key`, `permission`, which never tell it.
 */
export function readSecretText(text: SecretText, field: string, context: Pick<LoadContext, "env">): string {
  const env = /^env:(.*)$/s.exec(text)?.[1];
  if (env !== undefined) {
    const found = context.env[env];
    if (found !== undefined && found !== "") return found;
    throw new ColdkeepError("key", { what: "an environment variable is not set", on: `${field} env:${env}` });
  }
  const credential = /^credential:(.*)$/s.exec(text)?.[1];
  if (credential !== undefined) return lineOf(readCredential(credential, field, context));
  if (text.startsWith("/")) return lineOf(readSecretFile(text, { noun: "password file", maxBytes: MAX_BYTES }));
  return text;
}

function lineOf(content: Buffer): string {
  const text = content.toString("utf8").replace(/\r?\n$/, "");
  content.fill(0);
  return text;
}
