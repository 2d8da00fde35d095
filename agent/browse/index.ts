export { readByteName, showByteName } from "./byte-names.ts";
export { readContent, readTree, type Span, type Walked } from "./content.ts";
export { canCompareContent, diffTrees } from "./diff.ts";
export { findEntry, listTree, openTree, type Tree } from "./tree.ts";
export type * from "./types.ts";
