import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  assertSum,
  publicKeyOf,
  signCard,
  signClosingCard,
  sumOf,
  verifyCardSignature,
  verifyClosingSignature,
  writerOf,
} from "../../../vault/card/index.ts";
import { toBase64url } from "../../../vault/names/index.ts";
import { refusal } from "../sealed/fixtures.ts";
import { core, node, older, signingKey, snapshot, sum, vault } from "./fixtures.ts";

const host = signingKey(1);
const pin = publicKeyOf(host);
const mac = new Uint8Array(32).fill(4);
const card = signCard(core, mac, host);

describe("a card's signature", () => {
  it("verifies, and says whether the key was known beforehand", () => {
    expect(verifyCardSignature(card, pin)).toBe("pinned");
    expect(verifyCardSignature(card)).toBe("unpinned");
  });

  it("covers every field of the core, and the MAC", () => {
    const changes = [{ seq: 8 }, { heights: { "": 1201 } }, { manifest: { ...sum, size: 1 } }, { origins: [] }];
    for (const change of changes) {
      refusal(() => verifyCardSignature({ ...card, core: { ...core, ...change } }, pin));
    }
    expect(refusal(() => verifyCardSignature({ ...card, mac: toBase64url(new Uint8Array(32)) })).what).toBe(
      "signature does not verify",
    );
  });

  it("of another host is refused against the pin, with both fingerprints", () => {
    const forged = signCard(core, mac, signingKey(2));
    expect(verifyCardSignature(forged)).toBe("unpinned");
    const { message, what } = refusal(() => verifyCardSignature(forged, pin));
    expect(what).toBe("signed by another host");
    expect(message).toContain(writerOf(pin));
    expect(message).toContain(writerOf(forged.sig.key));
  });

  it("of another host does not pass by naming the pinned key", () => {
    const forged = signCard(core, mac, signingKey(2));
    const { value } = forged.sig;
    expect(refusal(() => verifyCardSignature({ ...forged, sig: { key: pin, value } }, pin)).what).toBe(
      "signature does not verify",
    );
  });

  it("of a closing card cannot be taken for one of a committed card, nor moved to another run", () => {
    const closing = signClosingCard({ vault, node, snapshot: older, by: snapshot }, host);
    const { sig, ...unsigned } = closing;
    if (sig === undefined) throw new Error("an adopting host signs");
    expect(verifyClosingSignature(closing, pin)).toBe("pinned");
    refusal(() => verifyClosingSignature({ ...closing, snapshot }, pin));
    refusal(() => verifyClosingSignature({ ...closing, sig: card.sig }, pin));
    refusal(() => verifyCardSignature({ ...card, sig }, pin));
    refusal(() => verifyClosingSignature(unsigned, pin));
  });

  it("is made with Ed25519 keys only, and of cards that a reader takes", () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    expect(() => signCard(core, mac, privateKey)).toThrow(/Ed25519/);
    refusal(() => signCard({ ...core, seq: 0 }, mac, host));
  });
});

describe("size and digest of an object", () => {
  const bytes = Buffer.from("some object");
  const expected = sumOf(bytes);

  it("tell truncated, grown and changed apart, before anything else is looked at", () => {
    assertSum(bytes, expected, "x");
    expect(refusal(() => assertSum(bytes.subarray(1), expected, "x")).what).toBe("truncated");
    expect(refusal(() => assertSum(Buffer.concat([bytes, bytes]), expected, "x")).what).toBe("longer than recorded");
    expect(refusal(() => assertSum(Buffer.from("Some object"), expected, "x")).what).toBe(
      "not the bytes that were recorded",
    );
  });
});
