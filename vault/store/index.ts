export { openDirectoryStore } from "./directory/index.ts";
export type * from "./facets.ts";
export { alreadyHashed, type HashedBytes, hashed } from "./hashed.ts";
export type { HttpStoreOptions } from "./http/index.ts";
export { openHttpStore, openStore, type StoreOptions } from "./open.ts";
export { type ProbeFinding, type ProbeReport, probeStore } from "./probe/index.ts";
export { readonly } from "./readonly.ts";
export { type RetryBudget, type RetryOptions, retrying } from "./retrying.ts";
export { hostStatements } from "./s3/rights.ts";
