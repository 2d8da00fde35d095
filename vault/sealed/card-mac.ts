import { timingSafeEqual } from "node:crypto";
import { type Card, type CardCore, coreBytesForMac } from "../card/index.ts";
import { ColdkeepError, fromBase64url, names } from "../names/index.ts";
import { suiteOf } from "./suites.ts";
import type { SnapshotKeys } from "./types.ts";

/** The MAC of a card under its snapshot's key, 32 bytes: whoever can open the snapshot can tell its card from a forgery. */
export function cardMac(core: CardCore, keys: SnapshotKeys): Uint8Array {
  return suiteOf(keys.scope.suite).hmac(keys.card, coreBytesForMac(core));
}

/** @throws ColdkeepError `integrity` where the card was changed, or made without the snapshot's key. */
export function verifyCardMac(card: Card, keys: SnapshotKeys): void {
  const found = fromBase64url(card.mac, 32);
  if (found !== null && timingSafeEqual(found, cardMac(card.core, keys))) return;
  throw new ColdkeepError("integrity", {
    what: "the card is not its snapshot's",
    on: names.card(card.core.node, card.core.snapshot),
    why: "its MAC does not verify under the snapshot's key",
    todo: "It was changed or forged in the vault: compare it with another copy",
  });
}
