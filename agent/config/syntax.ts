import type { ErrorCode } from "yaml";

/**
 * What is wrong with a file that is no YAML, by the parser's code. Its own messages quote the file, and the file may
 * hold a key; these do not.
 */
const WORDS: Partial<Record<ErrorCode, string>> = {
  ALIAS_PROPS: "an alias (*name) cannot have an anchor or a tag",
  BAD_ALIAS: "an alias (*name) has no anchor (&name) before it",
  BAD_DIRECTIVE: "a line beginning with % is not understood; directives are not needed here",
  BAD_DQ_ESCAPE:
    "an escape in a \"double-quoted\" text is not known; in 'single quotes' a backslash is just a backslash",
  BAD_INDENT: "the indentation does not fit: items of one level must begin in the same column",
  BAD_SCALAR_START: "a text cannot begin with this character; put it in quotes",
  BLOCK_AS_IMPLICIT_KEY: "a mapping begins within a line: the value may lack quotes, or the line its own line",
  BLOCK_IN_FLOW: "a block cannot stand inside [ ] or { }",
  DUPLICATE_KEY: "the key is there twice in one mapping; keep one of them",
  IMPOSSIBLE: "the file is not YAML",
  KEY_OVER_1024_CHARS: "a key is longer than 1,024 characters",
  MISSING_CHAR: "a quote, bracket, brace, comma or space is missing",
  MULTILINE_IMPLICIT_KEY: "a key goes over several lines; is a colon missing?",
  MULTIPLE_ANCHORS: "a value has two anchors",
  MULTIPLE_DOCS: "the file holds several documents; one is allowed",
  MULTIPLE_TAGS: "a value has two tags",
  NON_STRING_KEY: "a key is not a text",
  TAB_AS_INDENT: "a tab is used to indent; YAML allows spaces only",
  TAG_RESOLVE_FAILED: "a tag (!name) is not known; tags are not needed here",
  UNEXPECTED_TOKEN: "this character is not expected here; is a quote missing or one too many?",
};

export function syntaxWords(code: ErrorCode): string {
  return WORDS[code] ?? "the file is not YAML";
}
