import type { Database } from "../ovn/index.ts";

/** `nb` or `sb`, as it is typed. @throws SyntaxError as the parser wants it. */
export function databaseKey(text: string): Database["key"] {
  if (text === "nb" || text === "sb") return text;
  throw new SyntaxError("nb and sb are known");
}
