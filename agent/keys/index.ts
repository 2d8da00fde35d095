export { generateKeyFile } from "./generate.ts";
export { loadIdentities, loadRecipients, NOTHING_OPENS } from "./load.ts";
export type { LoadContext, LoadedKey } from "./loaded.ts";
export { describeSealer } from "./sealer.ts";
export { loadKeySource } from "./source.ts";
export { guessable } from "./strength.ts";
export type * from "./types.ts";
export { makeStretch } from "./wrap.ts";
