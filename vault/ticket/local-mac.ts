import { createHmac, timingSafeEqual } from "node:crypto";
import type { TicketChecker, TicketSigner } from "./types.ts";

/** HMAC-SHA-256 under a key that is at hand, where there is no key management to ask: 32 bytes. */
export function localTicketMac(key: Uint8Array): TicketSigner & TicketChecker {
  if (key.length !== 32) throw new RangeError(`a ticket key has 32 bytes, got ${key.length}`);
  const mac = (message: Uint8Array) => createHmac("sha256", key).update(message).digest();
  return {
    sign: async (message) => mac(message),
    check: async (message, given) => given.length === 32 && timingSafeEqual(mac(message), given),
  };
}
