import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { assertNoSecret, keepSecret } from "./secrets.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Words of a command line after which the path of a key comes. */
const KEY_FLAGS = new Set(["--key-file", "--identity", "--old", "--ticket-key"]);
/** Settings whose values are keys or passwords, or say where one is. */
const SECRET_SETTINGS = new Set(["encrypt_key", "key", "keys", "identities", "passphrase", "password"]);
const MAX_FILE = 64 << 10;

/**
 * Sees that a run of coldkeep printed no key: none of those that tests were seen to use, and none that its own command
 * line, configuration and state lead to, such as the one that `init` has just made.
 * @throws Error naming nothing of what was found.
 */
export function assertPrintedNoKey(argv: readonly string[], printed: string, env: Env = process.env): void {
  learnSecrets(argv, env);
  // Printing a new key is what --stdout is for.
  if (!argv.includes("--stdout")) assertNoSecret(printed, `coldkeep ${argv[0] ?? ""}`);
}

/** Keeps the keys that a command line leads to. Before a run, too, where the run may empty a key file. */
export function learnSecrets(argv: readonly string[], env: Env): void {
  argv.forEach((word, i) => {
    const before = argv[i - 1] ?? "";
    if (before === "--config") learnConfig(word, env);
    else if (KEY_FLAGS.has(before) || argv[0] === "key") learnText(word, env, "place");
    else if (before === "--state-dir") learnState(word);
  });
}

function learnConfig(path: string, env: Env): void {
  const config = read(path);
  if (config === null) return;
  let document: unknown;
  try {
    document = parse(config, { strict: false, uniqueKeys: false, logLevel: "silent" });
  } catch {
    return;
  }
  walk(document, env, false);
  const state = valueAt(document, "state_dir");
  if (typeof state === "string") learnState(state);
}

/** Goes through a configuration, or a chainmaker.yml; with a token that is switched on, encrypt_key is a label. */
function walk(value: unknown, env: Env, secret: boolean): void {
  if (typeof value === "string" && secret) learnText(value, env, "text");
  if (Array.isArray(value)) for (const one of value) walk(one, env, secret);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return;
  const token = valueAt(value, "pkcs11") ?? valueAt(valueAt(value, "node"), "pkcs11");
  const labelled = token !== undefined && valueAt(token, "enabled") !== false;
  for (const [name, one] of Object.entries(value)) {
    if (name === "chainmaker" && typeof one === "string") learnConfig(one, env);
    else if (labelled && (name === "encrypt_key" || name === "storage")) continue;
    else walk(one, env, SECRET_SETTINGS.has(name));
  }
}

function learnText(text: string, env: Env, kind: "place" | "text"): void {
  const [, prefix, rest = ""] = /^(age|rsa|env|credential):(.*)$/s.exec(text) ?? [];
  if (prefix === "env") keepSecret(env[rest] ?? "");
  else if (prefix === "credential") learnFile(join(env.CREDENTIALS_DIRECTORY ?? "/nowhere", rest));
  else if (prefix !== undefined) learnFile(rest);
  else if (text.startsWith("/")) learnFile(text);
  else if (kind === "text" && !/^(age1|hsm:|kms:)/.test(text)) learnKey(text);
}

function learnKey(text: string): void {
  const hex = /^0[xX]((?:[0-9a-fA-F]{2})+)$/.exec(text)?.[1];
  keepSecret(hex ?? text);
  if (hex !== undefined) keepSecret(Buffer.from(hex, "hex").toString("latin1"));
}

/** What `init` makes for a node beside its key: what signs cards, and what names chunks. */
function learnState(folder: string): void {
  for (const node of list(folder)) {
    for (const name of list(join(folder, node))) {
      if (/\.(pem|key)$/.test(name)) learnFile(join(folder, node, name));
    }
  }
}

function learnFile(path: string): void {
  const text = read(path);
  if (text !== null && !/PUBLIC KEY|CERTIFICATE/.test(text)) keepSecret(text);
}

function read(path: string): string | null {
  try {
    const info = statSync(path);
    return info.isFile() && info.size <= MAX_FILE ? readFileSync(path, "utf8") : null;
  } catch {
    return null;
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function valueAt(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
