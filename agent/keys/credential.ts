import { join } from "node:path";
import { ColdkeepError, isColdkeepError } from "../../vault/names/index.ts";
import type { LoadContext } from "./loaded.ts";
import { readSecretFile } from "./secret-file.ts";

const MAX_BYTES = 1 << 20;

/**
 * What systemd hands the service under this name (LoadCredential=, SetCredentialEncrypted= of systemd.exec(5)). Only the
 * service can enter the folder, whatever the mode of the files in it.
 * @throws ColdkeepError `key`, `permission`.
 */
export function readCredential(name: string, field: string, { env }: Pick<LoadContext, "env">): Buffer {
  const folder = env.CREDENTIALS_DIRECTORY;
  const on = `${field} credential:${name}`;
  const todo = `add LoadCredential=${name}:/path or LoadCredentialEncrypted=${name}:/path to the unit, and start coldkeep by it`;
  if (!/^[A-Za-z0-9._-]{1,255}$/.test(name) || name === "." || name === "..") {
    throw new ColdkeepError("key", {
      what: "this is no credential's name",
      on,
      why: "allowed are letters, digits and . _ -",
    });
  }
  if (folder === undefined || folder === "") {
    throw new ColdkeepError("key", {
      what: "systemd hands no credentials to this process",
      on,
      why: "CREDENTIALS_DIRECTORY is not set",
      todo,
    });
  }
  try {
    return readSecretFile(join(folder, name), { noun: "credential", maxBytes: MAX_BYTES, open: true });
  } catch (error) {
    if (!isColdkeepError(error, "key") || error.what !== "there is no credential") throw error;
    throw new ColdkeepError("key", { what: "systemd hands no credential of that name over", on, todo });
  }
}
