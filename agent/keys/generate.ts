import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { fsyncFolder, writeNewFile } from "../../posix/durable.ts";
import { fromSystemError, showPath } from "../../posix/system-error.ts";
import { ColdkeepError, systemCode } from "../../vault/names/index.ts";

/**
 * Makes a key file (0600) of 32 letters, 192 random bits: printable, so that it survives paper and editors, and as long
 * as AES-256 takes it. Makes the folder, 0700, where there is none; never replaces a file.
 * @throws ColdkeepError `refused` where the name is taken, `permission`, `no-space`, else `key`.
 */
export function generateKeyFile(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeNewFile(path, Buffer.from(`${randomBytes(24).toString("base64url")}\n`), 0o600);
    fsyncFolder(dirname(path));
  } catch (error) {
    if (systemCode(error) === "EEXIST") {
      throw new ColdkeepError("refused", { what: "will not replace a key file", on: showPath(path), why: "it exists" });
    }
    throw fromSystemError(error, { what: "cannot write the key file", on: path, otherwise: "key" });
  }
}
