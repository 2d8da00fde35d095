import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { ColdkeepError, messageOf, systemCode } from "../../vault/names/index.ts";
import { parseChainmaker } from "./chainmaker.ts";
import { isSecretText } from "./key-text.ts";
import { parseConfig, parseNodes } from "./parse.ts";
import type { Config, NodesConfig } from "./types.ts";

export const DEFAULT_CONFIG = "/etc/coldkeep/config.yaml";
const MAX_BYTES = 1 << 20;

/**
 * Reads the configuration file at `path`.
 * @throws ColdkeepError `config` where there is none, it is wrong, or it holds a key that others can read.
 */
export function loadConfig(path: string, profiles: readonly string[]): Config {
  const { text, mode } = readText(path, "the configuration");
  const written = parsed(text, path, profiles);
  const config = written.chainmaker === undefined ? written : withChainmaker(written, written.chainmaker);
  const secret = [...written.keys, ...written.identities].find(isSecretText);
  if (secret === undefined) return config;
  if ((mode & 0o004) !== 0) throw openToAll(path, mode, secret.field);
  if ((mode & 0o040) === 0) return config;
  const warning = `${path} holds the key itself and its group can read it; chmod 600 ${path}, or keep the key in a file`;
  return { ...config, warnings: [...config.warnings, warning] };
}

let last: { readonly of: string; readonly config: Config } | null = null;

/** A command asks for its configuration several times: it is parsed again where it has changed. */
function parsed(text: string, path: string, profiles: readonly string[]): Config {
  const of = JSON.stringify([path, profiles, text]);
  if (last?.of !== of) last = { of, config: parseConfig(text, path, profiles) };
  return last.config;
}

/** Keys and encryptor as the node itself has them. */
function withChainmaker(config: Config, path: string): Config {
  const { text, mode } = readText(path, "the chainmaker.yml");
  const { encryptor, key } = parseChainmaker(text, path, config.consumeKeyFile);
  const open = (mode & 0o004) !== 0 && isSecretText(key);
  const warning = `${path} holds the key itself and everybody can read it: mode ${mode.toString(8)}; chmod 600 ${path}`;
  return { ...config, encryptor, keys: [key], warnings: [...config.warnings, ...(open ? [warning] : [])] };
}

/** Reads of the configuration only what it takes to drive the nodes. @throws ColdkeepError `config`, `permission`. */
export function loadNodes(path: string, profiles: readonly string[]): NodesConfig {
  return parseNodes(readText(path, "the configuration").text, path, profiles);
}

function readText(path: string, noun: string): { readonly text: string; readonly mode: number } {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw unreadable(path, error, noun);
  }
  try {
    const info = fstatSync(fd);
    if (!info.isFile()) throw refused(path, "it is not a plain file", noun);
    if (info.size > MAX_BYTES) throw refused(path, `it has ${info.size} bytes, at most ${MAX_BYTES} are read`, noun);
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(fd)), mode: info.mode & 0o777 };
  } catch (error) {
    if (error instanceof ColdkeepError) throw error;
    if (systemCode(error) === "ERR_ENCODING_INVALID_ENCODED_DATA") throw refused(path, "it is not UTF-8 text", noun);
    throw unreadable(path, error, noun);
  } finally {
    closeSync(fd);
  }
}

function unreadable(path: string, error: unknown, noun: string): ColdkeepError {
  if (systemCode(error) === "ENOENT") {
    return new ColdkeepError("config", {
      what: `there is no ${noun.replace(/^the /, "")}`,
      on: path,
      todo:
        noun === "the configuration"
          ? "write one with `coldkeep init`, or name yours with --config"
          : "correct the path under keys",
    });
  }
  const permission = systemCode(error) === "EACCES";
  return new ColdkeepError(permission ? "permission" : "config", {
    what: `cannot read ${noun}`,
    on: path,
    why: permission ? "permission denied" : messageOf(error),
    todo: permission ? "run coldkeep as its owner, or as root" : "check the path",
    cause: error,
  });
}

function refused(path: string, why: string, noun: string): ColdkeepError {
  return new ColdkeepError("config", { what: `cannot read ${noun}`, on: path, why });
}

function openToAll(path: string, mode: number, field: string): ColdkeepError {
  return new ColdkeepError("config", {
    what: "refused to use a key that everybody can read",
    on: path,
    why: `the file holds the key itself (${field}) and has mode ${mode.toString(8)}; allowed is 600`,
    todo: `run: chmod 600 ${path}. If others use this machine, take a new key, too`,
  });
}
