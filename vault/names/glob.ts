import { ColdkeepError } from "./errors.ts";

/**
 * One character of a name: a whole UTF-8 sequence, or a single byte that belongs to none; never a slash. Paths are
 * bytes written as latin1, so the expression sees bytes.
 */
const SEQUENCE = "[\\xc2-\\xdf][\\x80-\\xbf]|[\\xe0-\\xef][\\x80-\\xbf]{2}|[\\xf0-\\xf4][\\x80-\\xbf]{3}";
const ONE = `(?:${SEQUENCE}|(?!${SEQUENCE})[^/])`;

/** Whose mistake a pattern that means nothing is: written in the configuration, or on the command line. */
export type GlobOrigin = "config" | "usage";

/**
 * The test of a list of globs over paths written as latin1, one character a byte: true for what one of them matches.
 * `*` and `?` stay within one name, `**` crosses folders, `[a-z]` and `[!a-z]` are sets of ASCII characters, `\` takes
 * the next character as it is; a glob without a slash means a name at any depth; what is below a folder that matches,
 * matches too.
 * @throws ColdkeepError of kind `origin` for a glob that means nothing.
 */
export function compileGlobs(globs: readonly string[], origin: GlobOrigin): (path: string) => boolean {
  if (globs.length === 0) return () => false;
  const expression = new RegExp(globs.map((glob) => `(?:${sourceOf(glob, origin)})`).join("|"), "s");
  return (path) => expression.test(path);
}

function sourceOf(glob: string, origin: GlobOrigin): string {
  const refuse = (why: string) => bad(glob, why, origin);
  const bare = glob.replace(/^\/+/, "").replace(/\/+$/, "");
  if (bare === "" || bare.includes("\0")) throw refuse("it names no path");
  const parts = bare.split("/").filter((part) => part !== "");
  const last = parts.length - 1;
  const body = parts.map((part, i) => {
    // `**` between slashes takes any number of folders, none included.
    if (part === "**") return i === last ? ".*" : "(?:[^/]+/)*";
    return i === last ? partSource(part, refuse) : `${partSource(part, refuse)}/`;
  });
  return `${parts.length > 1 ? "^" : "^(?:.*/)?"}${body.join("")}(?:/.*)?$`;
}

function partSource(part: string, refuse: (why: string) => ColdkeepError): string {
  let source = "";
  const characters = [...part];
  for (let i = 0; i < characters.length; i += 1) {
    const c = characters[i] ?? "";
    if (c === "*") source += "[^/]*";
    else if (c === "?") source += ONE;
    else if (c === "[") {
      const end = characters.indexOf("]", i + (characters[i + 1] === "!" ? 3 : 2));
      if (end < 0) throw refuse('a "[" has no "]"');
      source += setSource(characters.slice(i + 1, end), refuse);
      i = end;
    } else if (c === "\\") {
      i += 1;
      const next = characters[i];
      if (next === undefined) throw refuse('it ends in a "\\"');
      source += literal(next);
    } else source += literal(c);
  }
  return source;
}

function setSource(members: readonly string[], refuse: (why: string) => ColdkeepError): string {
  const negated = members[0] === "!";
  const rest = negated ? members.slice(1) : members;
  let set = "";
  for (let i = 0; i < rest.length; i += 1) {
    const from = rest[i] ?? "";
    const end = rest[i + 1] === "-" ? rest[i + 2] : undefined;
    const to = end ?? from;
    if (end !== undefined) i += 2;
    if (from > to) throw refuse(`"${from}-${to}" runs backwards`);
    if (from > "\x7f" || to > "\x7f") throw refuse("sets may hold ASCII characters only");
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

function bad(glob: string, why: string, origin: GlobOrigin): ColdkeepError {
  return new ColdkeepError(origin, {
    what: "cannot read a pattern",
    on: JSON.stringify(glob),
    why,
    todo: "patterns look like data/blocks/*.rfile, keystore/** or *.bak",
  });
}
