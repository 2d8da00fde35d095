import { isMap, isScalar, type Node, parseDocument } from "yaml";
import { ColdkeepError } from "../../vault/names/index.ts";
import type { KeySetting, TokenSettings } from "../keys/types.ts";
import type { Encryptor } from "./types.ts";

const DEFAULT_SESSIONS = 10;
const TIMEOUT_MS = 10_000;

export interface ChainmakerKeys {
  readonly encryptor: Encryptor;
  readonly key: KeySetting;
}

/**
 * How a ChainMaker node encrypts, from its chainmaker.yml: `storage.encryptor`, `storage.encrypt_key` and `node.pkcs11`, read
 * as the node reads them. All else in the file is the node's business.
 * @param consume Empty a key file once it was read.
 * @throws ColdkeepError `config`, which never tells the key.
 */
export function parseChainmaker(text: string, path: string, consume: boolean): ChainmakerKeys {
  const document = parse(text);
  if (document.errors.length > 0) throw refused(path, "it is no YAML that can be read");
  const at = (...keys: string[]) => keys.reduce<unknown>(child, document.contents);
  const encryptor = textOf(at("storage", "encryptor")) ?? "";
  const key = textOf(at("storage", "encrypt_key")) ?? "";
  if (encryptor !== "sm4" && encryptor !== "aes") {
    const found = encryptor === "" ? "is missing" : `is ${JSON.stringify(encryptor.slice(0, 40))}`;
    throw refused(path, `storage.encryptor ${found}; allowed are sm4 and aes`);
  }
  if (key === "") throw refused(path, "storage.encrypt_key is missing or empty");
  const field = `${path} storage.encrypt_key`;
  const token = tokenIn((name) => at("node", "pkcs11", name), path);
  if (token !== null) return { encryptor, key: { kind: "hsm", field, key, token } };
  return { encryptor, key: { kind: "software", field, text: key, consume, looseHex: true } };
}

/** A YAML file as a node reads it, as plain values; undefined where it is none. */
export function readLooseYaml(text: string): unknown {
  const document = parse(text);
  if (document.errors.length > 0) return undefined;
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch {
    return undefined;
  }
}

const MAX_ALIASES = 1000;

function parse(text: string) {
  // Templates of such files repeat keys and hold tags of their own; only what is asked for has to be right.
  return parseDocument(text, { strict: false, uniqueKeys: false, logLevel: "silent" });
}

/** `node.pkcs11` where it is enabled: then encrypt_key is the id of a key in that token. */
function tokenIn(at: (name: string) => unknown, path: string): TokenSettings | null {
  if (!isTrue(at("enabled"))) return null;
  const [library, label, password] = [textOf(at("library")), textOf(at("label")), textOf(at("password"))];
  if (library === undefined || !library.startsWith("/")) throw refused(path, "node.pkcs11.library is no absolute path");
  if (label === undefined || label === "") throw refused(path, "node.pkcs11.label is missing");
  const sessions = Number(textOf(at("session_cache_size")) ?? DEFAULT_SESSIONS);
  if (!Number.isInteger(sessions) || sessions < 1) throw refused(path, "node.pkcs11.session_cache_size is no count");
  return { library, label, sessions, timeoutMs: TIMEOUT_MS, ...(password === undefined ? {} : { password }) };
}

function isTrue(node: unknown): boolean {
  return isScalar(node) && (node.value === true || node.value === "true");
}

function child(node: unknown, key: string): unknown {
  return isMap(node) ? node.items.find((pair) => isScalar(pair.key) && pair.key.value === key)?.value : undefined;
}

/** A value as it is written: digits without quotes are a text for the node. */
function textOf(node: unknown): string | undefined {
  if (!isScalar(node)) return undefined;
  if (typeof node.value === "string") return node.value;
  return typeof node.value === "number" ? (node as Node & { source?: string }).source : undefined;
}

function refused(path: string, why: string): ColdkeepError {
  return new ColdkeepError("config", {
    what: "cannot take the keys from the chainmaker.yml",
    on: path,
    why,
    todo: "correct the file, or write the key into coldkeep's own configuration",
  });
}
