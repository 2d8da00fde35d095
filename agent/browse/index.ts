export { readByteName, showByteName } from "./byte-names.ts";
export { readContent, readTree, type Walked } from "./content.ts";
export { canCompareContent, diffTrees } from "./diff.ts";
export { listTree, openTree, type Tree } from "./tree.ts";
export type * from "./types.ts";
