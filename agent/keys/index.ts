export { type Challenge, makeChallenge } from "./challenge.ts";
export { generateKeyFile, type MadeKey, makeKey, writeKey } from "./generate.ts";
export { loadIdentities, loadKey, loadRecipients, NOTHING_OPENS } from "./load.ts";
export type { LoadContext, LoadedKey } from "./loaded.ts";
export { describeSealer } from "./sealer.ts";
export { readSecretText } from "./secret-text.ts";
export { loadKeySource } from "./source.ts";
export { guessable } from "./strength.ts";
export { loadTicketMac, type TicketMac } from "./ticket-mac.ts";
export type * from "./types.ts";
export { makeStretch } from "./wrap.ts";

import type { LoadContext } from "./loaded.ts";
import type { HsmSetting } from "./types.ts";

/** `generateHsmKey` of pkcs11/, whose native package is loaded only where a token is meant. */
export async function generateHsmKey(setting: HsmSetting, context: LoadContext): Promise<string> {
  return await (await import("./pkcs11/index.ts")).generateHsmKey(setting, context);
}
