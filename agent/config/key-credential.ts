import { readFileSync } from "node:fs";
import { writeFileDurable } from "../../posix/durable.ts";
import { fromSystemError } from "../../posix/system-error.ts";
import { parseConfig } from "./parse.ts";

const LINE = /^encrypt_key:[ \t]*(["']?)(\/[^"'#\n]*?)\1[ \t]*(#.*)?$/gm;

/**
 * The text of a configuration in which a key file is handed over by systemd instead, and stays an identity, so that who may
 * read the file restores by hand. Null where `encrypt_key` is not written on one line as that path.
 */
export function withKeyCredential(text: string, keyFile: string, name: string): string | null {
  const lines = [...text.matchAll(LINE)];
  if (lines.length !== 1 || lines[0]?.[2] !== keyFile) return null;
  const identities = /^identities:/m.test(text) ? "" : `\nidentities: [${JSON.stringify(keyFile)}]`;
  return text.replace(LINE, `encrypt_key: credential:${name}    # ${keyFile}, sealed for this host${identities}`);
}

/**
 * Replaces the configuration by another text of it, which is read first as any would be.
 * @throws ColdkeepError `config` where the new one is wrong; `permission`, `no-space`.
 */
export function replaceConfig(path: string, text: string, profiles: readonly string[]): void {
  parseConfig(text, path, profiles);
  try {
    writeFileDurable(path, Buffer.from(text), 0o600);
  } catch (error) {
    throw fromSystemError(error, { what: "cannot write the configuration", on: path, otherwise: "config" });
  }
}

/** The file as it is written. @throws ColdkeepError `permission`, `config`. */
export function readConfigText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw fromSystemError(error, { what: "cannot read the configuration", on: path, otherwise: "config" });
  }
}
