import { compileGlobs } from "../../vault/names/index.ts";
import type { BytePath } from "./byte-path.ts";

/**
 * True for what some `include` matches (all, where there is none) and no `exclude` does, over `<root>/<path>`.
 * @throws ColdkeepError `usage` for a pattern that means nothing.
 */
export function makeSelection(
  include: readonly string[] = [],
  exclude: readonly string[] = [],
): (path: BytePath) => boolean {
  const isWanted = include.length === 0 ? () => true : compileGlobs(include, "usage");
  const isUnwanted = compileGlobs(exclude, "usage");
  return (path) => isWanted(path) && !isUnwanted(path);
}
