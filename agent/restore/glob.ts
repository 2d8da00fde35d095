import { ColdkeepError } from "../../vault/names/index.ts";
import type { BytePath } from "./byte-path.ts";

/**
 * One character of a name: a whole UTF-8 sequence, or a single byte that belongs to none; never a slash. Paths are
 * bytes written as latin1, so the expression sees bytes.
 */
const SEQUENCE = "[\\xc2-\\xdf][\\x80-\\xbf]|[\\xe0-\\xef][\\x80-\\xbf]{2}|[\\xf0-\\xf4][\\x80-\\xbf]{3}";
const ONE = `(?:${SEQUENCE}|(?!${SEQUENCE})[^/])`;

/**
 * A glob over `<root>/<path>`, as a test. `*` and `?` stay within one name, `**` crosses folders, `[a-z]` and `[!a-z]`
 * are sets of ASCII characters, `\` takes the next character as it is. A pattern without a slash means a name at any
 * depth. What is below a folder that matches, matches too.
 * @throws ColdkeepError `usage` for a pattern that means nothing.
 */
export function compileGlob(pattern: string): (path: BytePath) => boolean {
  const bare = pattern.replace(/^\/+/, "").replace(/\/+$/, "");
  if (bare === "" || bare.includes("\0")) throw bad(pattern, "it names no path");
  const head = bare.includes("/") ? "^" : "^(?:.*/)?";
  const body = bare
    .split("/")
    .filter((part) => part !== "")
    .map((part) => (part === "**" ? null : partSource(part, pattern)));
  const expression = new RegExp(`${head}${joinParts(body)}(?:/.*)?$`, "s");
  return (path) => expression.test(path);
}

/** True for what some `include` matches (all, where there is none) and no `exclude` does. */
export function makeSelection(
  include: readonly string[] = [],
  exclude: readonly string[] = [],
): (path: BytePath) => boolean {
  const wanted = include.map(compileGlob);
  const unwanted = exclude.map(compileGlob);
  return (path) => (wanted.length === 0 || wanted.some((is) => is(path))) && !unwanted.some((is) => is(path));
}

/** `**` between slashes takes any number of folders, none included. */
function joinParts(parts: readonly (string | null)[]): string {
  let source = "";
  parts.forEach((part, i) => {
    const last = i === parts.length - 1;
    if (part === null) source += last ? ".*" : "(?:[^/]+/)*";
    else source += last ? part : `${part}/`;
  });
  return source;
}

function partSource(part: string, pattern: string): string {
  let source = "";
  const characters = [...part];
  for (let i = 0; i < characters.length; i += 1) {
    const c = characters[i] as string;
    if (c === "*") source += "[^/]*";
    else if (c === "?") source += ONE;
    else if (c === "[") {
      const end = characters.indexOf("]", i + (characters[i + 1] === "!" ? 3 : 2));
      if (end < 0) throw bad(pattern, 'a "[" has no "]"');
      source += setSource(characters.slice(i + 1, end), pattern);
      i = end;
    } else if (c === "\\") {
      i += 1;
      const next = characters[i];
      if (next === undefined) throw bad(pattern, 'it ends in a "\\"');
      source += literal(next);
    } else source += literal(c);
  }
  return source;
}

function setSource(members: readonly string[], pattern: string): string {
  const negated = members[0] === "!";
  const rest = negated ? members.slice(1) : members;
  let set = "";
  for (let i = 0; i < rest.length; i += 1) {
    const from = rest[i] as string;
    const to = rest[i + 1] === "-" && rest[i + 2] !== undefined ? (rest[i + 2] as string) : from;
    if (to !== from) i += 2;
    if (from > to) throw bad(pattern, `"${from}-${to}" runs backwards`);
    if (from > "\x7f" || to > "\x7f") throw bad(pattern, "sets may hold ASCII characters only");
    set += `${hex(from)}-${hex(to)}`;
  }
  return negated ? `(?![${set}])${ONE}` : `[${set}]`;
}

function literal(character: string): string {
  return [...Buffer.from(character, "utf8").toString("latin1")].map(hex).join("");
}

function hex(byte: string): string {
  return `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

function bad(pattern: string, why: string): ColdkeepError {
  return new ColdkeepError("usage", {
    what: "cannot read a pattern",
    on: JSON.stringify(pattern),
    why,
    todo: "patterns look like data/blocks/*.rfile or **/LOG",
  });
}
