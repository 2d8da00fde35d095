import { isMap, isScalar, type Node, parseDocument } from "yaml";
import { ColdkeepError } from "../../vault/names/index.ts";
import type { KeySetting } from "../keys/types.ts";
import { keySetting } from "./key-text.ts";
import type { Encryptor } from "./types.ts";

export interface ChainmakerKeys {
  readonly encryptor: Encryptor;
  readonly key: KeySetting;
}

/**
 * How a ChainMaker node encrypts, from its chainmaker.yml: `storage.encryptor` and `storage.encrypt_key`, read as the node
 * reads them. All else in the file is the node's business.
 * @param consume Empty a key file once it was read.
 * @throws ColdkeepError `config`, which never tells the key.
 */
export function parseChainmaker(text: string, path: string, consume: boolean): ChainmakerKeys {
  // Templates of such files repeat keys and hold tags of their own; only what is asked for has to be right.
  const document = parseDocument(text, { strict: false, uniqueKeys: false, logLevel: "silent" });
  if (document.errors.length > 0) throw refused(path, "it is no YAML that can be read");
  const at = (...keys: string[]) => keys.reduce<unknown>(child, document.contents);
  const encryptor = textOf(at("storage", "encryptor")) ?? "";
  const key = textOf(at("storage", "encrypt_key")) ?? "";
  if (encryptor !== "sm4" && encryptor !== "aes") {
    const found = encryptor === "" ? "is missing" : `is ${JSON.stringify(encryptor.slice(0, 40))}`;
    throw refused(path, `storage.encryptor ${found}; allowed are sm4 and aes`);
  }
  if (key === "") throw refused(path, "storage.encrypt_key is missing or empty");
  return { encryptor, key: keySetting(key, { field: `${path} storage.encrypt_key`, consume, looseHex: true }) };
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
