import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { fsyncFolder, writeNewFile } from "../../posix/durable.ts";
import { fromSystemError, showPath } from "../../posix/system-error.ts";
import { ColdkeepError, systemCode } from "../../vault/names/index.ts";
import type { SnapshotScope } from "../../vault/sealed/types.ts";
import { generateKeyText } from "./generated.ts";

/** A key as a file holds it. */
export interface MadeKey {
  readonly text: string;
  /** The public half of an age key. */
  readonly recipient?: string;
}

/** A new random key. @param now Milliseconds since the epoch, for the comment in an age identity. */
export async function makeKey(kind: "aes256" | "sm4" | "age", now: number): Promise<MadeKey> {
  if (kind !== "age") return { text: `${generateKeyText(kind === "sm4" ? "sm4-gcm" : "aes-256-gcm")}\n` };
  // Loaded only where such a key is wanted.
  const { generateX25519Identity, identityToRecipient } = await import("age-encryption");
  const identity = await generateX25519Identity();
  const recipient = await identityToRecipient(identity);
  const created = new Date(now).toISOString().replace(/\.\d+Z$/, "Z");
  return { text: `# created: ${created}\n# public key: ${recipient}\n${identity}\n`, recipient };
}

/** Makes a file (0600) of a new key: 256 random bits, for sm4-gcm 128. @throws as `writeKey`. */
export function generateKeyFile(path: string, suite: SnapshotScope["suite"] = "aes-256-gcm"): void {
  writeKey(path, `${generateKeyText(suite)}\n`);
}

/**
 * Writes a key into a new file of mode 0600. Makes the folder, 0700, where there is none; never replaces a file.
 * @throws ColdkeepError `refused` where the name is taken, `permission`, `no-space`, else `key`.
 */
export function writeKey(path: string, text: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeNewFile(path, Buffer.from(text), 0o600);
    fsyncFolder(dirname(path));
  } catch (error) {
    if (systemCode(error) === "EEXIST") {
      throw new ColdkeepError("refused", { what: "will not replace a key file", on: showPath(path), why: "it exists" });
    }
    throw fromSystemError(error, { what: "cannot write the key file", on: path, otherwise: "key" });
  }
}
