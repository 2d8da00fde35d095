import { type Document, type ErrorCode, LineCounter, parseDocument, visit } from "yaml";
import type { $ZodIssue } from "zod/v4/core";
import { ColdkeepError } from "../../vault/names/index.ts";
import { groupHint } from "./group-words.ts";
import { checkGroups } from "./groups.ts";
import { locate, type Position } from "./locate.ts";
import { nearest } from "./nearest.ts";
import { sharedRoots } from "./own-roots.ts";
import { checkLimits } from "./pace.ts";
import { checkPlaces } from "./places.ts";
import { configSchema, nodesSchema, type WrittenConfig } from "./schema.ts";
import { KEY_SEPARATOR } from "./schema-parts.ts";
import { nodesOf, settingsOf } from "./settings.ts";
import { checkStop } from "./stop.ts";
import { syntaxWords } from "./syntax.ts";
import { checkTiers } from "./tiers.ts";
import type { Config, NodesConfig } from "./types.ts";
import { checkVaults } from "./vaults.ts";

/** One mistake; `path` leads to the value it is about. */
export interface Mistake {
  readonly path: readonly PropertyKey[];
  /** The key itself is the mistake, not its value. */
  readonly key?: string;
  readonly words: string;
}

/** Aliases may repeat a part of the file, but not blow it up. */
const MAX_ALIASES = 100;

/** What zod would compile for the schema is only worth it where many are read. */
const ONCE = { jitless: true };

/**
 * Reads a configuration. All mistakes are told at once, each with line, column, key, what was found and what is
 * allowed; what is written as a key is never told.
 * @param profiles the profiles there are; none given means that any name passes
 * @throws ColdkeepError `config`.
 */
export function parseConfig(text: string, path: string, profiles: readonly string[]): Config {
  const file = readFile(text, path);
  const result = configSchema(profiles).safeParse(file.value, ONCE);
  if (!result.success) throw file.refuse(file.mistakesOf(result.error.issues));
  const { mistakes: wrong, folders } = checkVaults(result.data);
  const mistakes = [
    ...wrong,
    ...checkKeys(result.data),
    ...checkCardKey(result.data),
    ...checkLimits(result.data),
    ...checkStop(result.data),
    ...sharedRoots(result.data),
    ...checkTiers(result.data),
    ...checkPlaces(result.data, folders),
    ...checkGroups(result.data),
  ];
  if (mistakes.length > 0) throw file.refuse(mistakes);
  return settingsOf(result.data, path);
}

/**
 * Reads of a configuration only which nodes there are, how they are driven, and where their state lies. Mistakes
 * anywhere else are passed over, so that a node can be brought back though the key or the vault is written wrongly.
 * @throws ColdkeepError `config`.
 */
export function parseNodes(text: string, path: string, profiles: readonly string[]): NodesConfig {
  const file = readFile(text, path);
  const result = nodesSchema(profiles).safeParse(file.value, ONCE);
  if (!result.success) throw file.refuse(file.mistakesOf(result.error.issues));
  return nodesOf(result.data, path);
}

/** The file as YAML reads it. @throws ColdkeepError `config` where it does not. */
function readFile(text: string, path: string) {
  const lines = new LineCounter();
  // The library would print a mapping that is written as a key, and it may hold the key itself.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, strict: true, logLevel: "error" });
  const broken = brokenPlaces(document);
  if (broken.length > 0) {
    throw refused(
      broken.map(({ offset, code }) => {
        const { line, col } = lines.linePos(offset);
        const key = code === "DUPLICATE_KEY" ? keyAt(text, offset) : "";
        return `${path}:${line}:${col}: ${key}${syntaxWords(code)}`;
      }),
    );
  }
  return {
    value: toValue(document, path),
    mistakesOf: (issues: readonly $ZodIssue[]) => issues.flatMap((issue) => mistakesOf(issue, document, lines)),
    refuse: (mistakes: readonly Mistake[]) => refused(inOrder(mistakes, path, document, lines)),
  };
}

/** Where the file is no YAML, or not only what a configuration needs of it. */
function brokenPlaces(document: Document): { offset: number; code: ErrorCode }[] {
  const broken = [...document.errors, ...document.warnings].map(({ pos, code }) => ({ offset: pos[0], code }));
  if (broken.length > 0) return broken;
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) === undefined) broken.push({ offset: alias.range?.[0] ?? 0, code: "BAD_ALIAS" });
    },
  });
  return broken;
}

/** The key that begins at `offset`, for the message. */
function keyAt(text: string, offset: number): string {
  const key = /^[\w-]{1,64}(?=\s*:)/.exec(text.slice(offset, offset + 80))?.[0];
  return key === undefined ? "" : `${key}: `;
}

function toValue(document: Document, path: string): unknown {
  if (document.contents === null) throw refused([`${path}:1:1: the file is empty`]);
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch {
    throw refused([`${path}:1:1: the aliases (*name) in the file are too many, or lead back to themselves`]);
  }
}

/** Keys are written in one way, and there is at least one to encrypt for. */
function checkKeys(written: WrittenConfig): Mistake[] {
  const { encrypt_key, keys, identities = [], encryptor, strict_sm, pkcs11 } = written;
  const listed = [...listOf("keys", keys), ...listOf("identities", identities)];
  const all: readonly Listed[] = [{ path: ["encrypt_key"], key: encrypt_key ?? "" }, ...listed];
  const homeless = pkcs11 === undefined ? all.find(({ key }) => textOf(key).startsWith("hsm:")) : undefined;
  if (homeless !== undefined) {
    return [{ path: homeless.path, words: "hsm: needs pkcs11, which says where the token is" }];
  }
  if (encrypt_key === undefined && keys === undefined) {
    return [{ path: ["encrypt_key"], words: "missing; allowed: encrypt_key for one key, or keys for several" }];
  }
  if (encrypt_key !== undefined && keys !== undefined) {
    return [{ path: ["keys"], words: "encrypt_key is given, too; write all keys under keys, and no encrypt_key" }];
  }
  if (strict_sm && encryptor === "aes") {
    return [{ path: ["strict_sm"], words: "true, but encryptor is aes; write encryptor: sm4" }];
  }
  if (keys === undefined || Array.isArray(keys) || encryptor === undefined) return [];
  return [{ path: ["encryptor"], words: "is taken from the chainmaker.yml that keys names; leave it out here" }];
}

type WrittenKey = NonNullable<WrittenConfig["identities"]>[number];

interface Listed {
  readonly path: readonly PropertyKey[];
  readonly key: WrittenKey;
}

function listOf(name: string, keys: WrittenConfig["keys"]): Listed[] {
  return Array.isArray(keys) ? keys.map((key, index) => ({ path: [name, index], key })) : [];
}

/** The text of a key that takes its token, if any, from the top of the file. */
function textOf(key: WrittenKey): string {
  if (typeof key === "string") return key;
  return key.pkcs11 === undefined ? key.key : "";
}

function checkCardKey({ card_key, nodes }: WrittenConfig): Mistake[] {
  const mistakes: Mistake[] = [];
  if (card_key !== undefined && Object.keys(nodes).length > 1) {
    mistakes.push({
      path: ["card_key"],
      words: "pins the key of one node, but there are several; write it under its node",
    });
  }
  return mistakes;
}

function mistakesOf(issue: $ZodIssue, document: Document, lines: LineCounter): Mistake[] {
  const { path } = issue;
  if (issue.code === "unrecognized_keys") {
    const known = issue.message.split(KEY_SEPARATOR);
    // A key written where a setting's name belongs is a secret, too.
    if (isSecret(path)) return [{ path, words: `an unknown setting in it; known are ${known.join(", ")}` }];
    return issue.keys.map((key) => ({ path, key, words: unknownKey(key, known) }));
  }
  // Of a choice, the one whose kind of value was written has the words that help; of several mappings, the one that the
  // file's keys fit best.
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    const ofKind = issue.errors.filter((inner) => !inner.some(isOtherKind));
    const best = issue.errors.toSorted((a, b) => a.length - b.length || depth(b) - depth(a))[0] ?? [];
    const inside =
      ofKind.length === 1
        ? (ofKind[0] ?? [])
        : best.filter((inner) => inner.path.length > 0 || inner.code === "unrecognized_keys");
    if (inside.length > 0) {
      return inside.flatMap((inner) => mistakesOf({ ...inner, path: [...path, ...inner.path] }, document, lines));
    }
  }
  if (issue.code === "invalid_key") {
    const key = String(path.at(-1));
    const words = issue.issues[0]?.message ?? issue.message;
    return [{ path: path.slice(0, -1), key, words: `found ${show(key)}; allowed: ${words}` }];
  }
  const { exists, value } = locate(document, lines, path);
  if (!exists) return [{ path, words: `missing; allowed: ${issue.message}` }];
  const found = isSecret(path) ? secretFound(value) : `found ${show(value)}`;
  return [{ path, words: `${found}; allowed: ${issue.message}` }];
}

function isOtherKind({ code, path }: $ZodIssue): boolean {
  return code === "invalid_type" && path.length === 0;
}

function depth(issues: readonly $ZodIssue[]): number {
  return Math.max(0, ...issues.map(({ path }) => path.length));
}

function isSecret(path: readonly PropertyKey[]): boolean {
  return ["encrypt_key", "keys", "identities"].includes(String(path[0])) || path.at(-1) === "password";
}

/** What may be said of a wrong key: its type, never a letter of it. */
function secretFound(value: unknown): string {
  if (typeof value === "number") return "found a number (YAML reads digits and 0x… without quotes as a number)";
  if (value === "") return "found an empty text";
  return `found ${value === null ? "nothing" : `a ${Array.isArray(value) ? "list" : typeof value}`}`;
}

function unknownKey(key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  const hint = groupHint(key, known) ?? (near === null ? `known are ${known.join(", ")}` : `did you mean ${near}?`);
  return `unknown key; ${hint}`;
}

function show(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  const text = JSON.stringify(value);
  return text.length <= 60 ? text : `${text.slice(0, 60)}…`;
}

function inOrder(mistakes: readonly Mistake[], path: string, document: Document, lines: LineCounter): string[] {
  return mistakes
    .map(({ path: keys, key, words }) => {
      const at: Position = locate(document, lines, keys, key).at ?? { line: 1, column: 1 };
      const name = [...keys, ...(key === undefined ? [] : [key])].map(String).join(".");
      return { at, text: `${path}:${at.line}:${at.column}: ${name === "" ? "" : `${name}: `}${words}` };
    })
    .sort((a, b) => a.at.line - b.at.line || a.at.column - b.at.column)
    .map(({ text }) => text);
}

function refused(lines: readonly string[]): ColdkeepError {
  return new ColdkeepError("config", {
    what: lines.length === 1 ? "the configuration has a mistake" : `the configuration has ${lines.length} mistakes`,
    why: `\n  ${lines.join("\n  ")}`,
    todo: "`coldkeep config schema` prints all that is allowed",
  });
}
