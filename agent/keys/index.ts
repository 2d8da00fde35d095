export { generateKeyFile } from "./generate.ts";
export { describeSealer } from "./sealer.ts";
export { type LoadOptions, loadKeySource } from "./source.ts";
export { guessable } from "./strength.ts";
export type { KeyKind, KeySource } from "./types.ts";
export { makeStretch, toIdentity, toRecipient } from "./wrap.ts";
