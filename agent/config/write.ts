import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { fsyncFolder, writeNewFile } from "../../posix/durable.ts";
import { fromSystemError, showPath } from "../../posix/system-error.ts";
import { ColdkeepError, systemCode } from "../../vault/names/index.ts";

/** @throws ColdkeepError `refused` where there is a file of that name already. */
export function assertNoConfig(path: string): void {
  if (existsSync(path)) throw taken(path);
}

/**
 * Writes a new configuration, 0600, with the folder it lies in. Never replaces a file.
 * @throws ColdkeepError `refused` where the name is taken, `permission`, `no-space`, else `config`.
 */
export function writeNewConfig(path: string, text: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    writeNewFile(path, Buffer.from(text), 0o600);
    fsyncFolder(dirname(path));
  } catch (error) {
    if (systemCode(error) === "EEXIST") throw taken(path);
    throw fromSystemError(error, { what: "cannot write the configuration", on: path, otherwise: "config" });
  }
}

function taken(path: string): ColdkeepError {
  return new ColdkeepError("refused", {
    what: "will not replace a configuration",
    on: showPath(path),
    why: "the file exists",
    todo: "edit it, move it away, or name another place with --config",
  });
}
