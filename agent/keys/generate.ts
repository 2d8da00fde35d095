import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { fsyncFolder, writeNewFile } from "../../posix/durable.ts";
import { fromSystemError, showPath } from "../../posix/system-error.ts";
import { ColdkeepError, systemCode } from "../../vault/names/index.ts";
import type { SnapshotScope } from "../../vault/sealed/types.ts";

/** Random bytes behind a key's letters: as many as give the longest key its suite takes. */
const RANDOM_BYTES: Readonly<Record<SnapshotScope["suite"], number>> = { "aes-256-gcm": 24, "sm4-gcm": 12 };

/**
 * Makes a key file (0600) of 32 letters (192 random bits), for sm4-gcm of 16 (96 bits): printable, so that it survives
 * paper and editors. Makes the folder, 0700, where there is none; never replaces a file.
 * @throws ColdkeepError `refused` where the name is taken, `permission`, `no-space`, else `key`.
 */
export function generateKeyFile(path: string, suite: SnapshotScope["suite"] = "aes-256-gcm"): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeNewFile(path, Buffer.from(`${randomBytes(RANDOM_BYTES[suite]).toString("base64url")}\n`), 0o600);
    fsyncFolder(dirname(path));
  } catch (error) {
    if (systemCode(error) === "EEXIST") {
      throw new ColdkeepError("refused", { what: "will not replace a key file", on: showPath(path), why: "it exists" });
    }
    throw fromSystemError(error, { what: "cannot write the key file", on: path, otherwise: "key" });
  }
}
