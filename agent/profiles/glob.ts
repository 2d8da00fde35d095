import { ColdkeepError } from "../../vault/names/index.ts";

/**
 * One character of a name: a whole UTF-8 sequence, or a single byte that belongs to none; never a slash. Paths are
 * bytes written as latin1, so the expression sees bytes.
 */
const SEQUENCE = "[\\xc2-\\xdf][\\x80-\\xbf]|[\\xe0-\\xef][\\x80-\\xbf]{2}|[\\xf0-\\xf4][\\x80-\\xbf]{3}";
const ONE = `(?:${SEQUENCE}|(?!${SEQUENCE})[^/])`;

/**
 * The test of a list of globs over paths below a root, written as latin1. `*` and `?` stay within one name, `**`
 * crosses folders, `[a-z]` and `[!a-z]` are sets of ASCII characters, `\` takes the next character as it is; a glob
 * without a slash means a name at any depth; what is below a folder that matches, matches too.
 * @throws ColdkeepError `config` for a glob that means nothing.
 */
export function makeMatcher(globs: readonly string[]): (path: string) => boolean {
  if (globs.length === 0) return () => false;
  const expression = new RegExp(globs.map((glob) => `(?:${sourceOf(glob)})`).join("|"), "s");
  return (path) => expression.test(path);
}

function sourceOf(glob: string): string {
  const bare = glob.replace(/^\/+/, "").replace(/\/+$/, "");
  if (bare === "" || bare.includes("\0")) throw bad(glob, "it names no path");
  const parts = bare.split("/").filter((part) => part !== "");
  const last = parts.length - 1;
  const body = parts.map((part, i) => {
    if (part === "**") return i === last ? ".*" : "(?:[^/]+/)*";
    return i === last ? partSource(part, glob) : `${partSource(part, glob)}/`;
  });
  return `${parts.length > 1 ? "^" : "^(?:.*/)?"}${body.join("")}(?:/.*)?$`;
}

function partSource(part: string, glob: string): string {
  let source = "";
  const characters = [...part];
  for (let i = 0; i < characters.length; i += 1) {
    const c = characters[i] ?? "";
    if (c === "*") source += "[^/]*";
    else if (c === "?") source += ONE;
    else if (c === "[") {
      const end = characters.indexOf("]", i + (characters[i + 1] === "!" ? 3 : 2));
      if (end < 0) throw bad(glob, 'a "[" has no "]"');
      source += setSource(characters.slice(i + 1, end), glob);
      i = end;
    } else if (c === "\\") {
      i += 1;
      const next = characters[i];
      if (next === undefined) throw bad(glob, 'it ends in a "\\"');
      source += literal(next);
    } else source += literal(c);
  }
  return source;
}

function setSource(members: readonly string[], glob: string): string {
  const negated = members[0] === "!";
  const rest = negated ? members.slice(1) : members;
  let set = "";
  for (let i = 0; i < rest.length; i += 1) {
    const from = rest[i] ?? "";
    const to = rest[i + 1] === "-" ? (rest[i + 2] ?? from) : from;
    if (rest[i + 1] === "-" && rest[i + 2] !== undefined) i += 2;
    if (from > to) throw bad(glob, `"${from}-${to}" runs backwards`);
    if (from > "\x7f" || to > "\x7f") throw bad(glob, "sets may hold ASCII characters only");
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

function bad(glob: string, why: string): ColdkeepError {
  return new ColdkeepError("config", {
    what: "cannot read a glob",
    on: JSON.stringify(glob),
    why,
    todo: "globs look like keystore/** or *.bak",
  });
}
