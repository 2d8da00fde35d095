export { openDirectoryStore } from "./directory/index.ts";
export type * from "./facets.ts";
export { openStore } from "./open.ts";
export { readonly } from "./readonly.ts";
