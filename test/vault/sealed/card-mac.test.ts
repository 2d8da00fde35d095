import { describe, expect, it } from "vitest";
import type { Card, CardCore } from "../../../vault/card/index.ts";
import { toBase64url } from "../../../vault/names/index.ts";
import { cardMac, deriveKeys, verifyCardMac } from "../../../vault/sealed/index.ts";
import { keys, otherScopes, refusal, scope, sk } from "./fixtures.ts";

const { node, snapshot } = scope;
const core = { node, snapshot, seq: 3 } as CardCore;
const card = (mac: Uint8Array, of = core): Card => ({ core: of, mac: toBase64url(mac), sig: { key: "", value: "" } });

describe("a card's MAC", () => {
  const mac = cardMac(core, keys);

  it("verifies under the snapshot's key and for the very core", () => {
    verifyCardMac(card(mac), keys);
    expect(refusal(() => verifyCardMac(card(mac, { ...core, seq: 4 }), keys)).what).toBe(
      "the card is not its snapshot's",
    );
    refusal(() => verifyCardMac(card(mac.map((byte, i) => (i === 31 ? byte ^ 1 : byte))), keys));
    refusal(() => verifyCardMac(card(mac.subarray(0, 16)), keys));
  });

  it.each(Object.entries(otherScopes))("does not verify under the same snapshot key for %s", (_, other) => {
    refusal(() => verifyCardMac(card(mac), deriveKeys(sk, other)));
  });
});
