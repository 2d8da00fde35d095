import { createHash, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { ColdkeepError, fromBase64url, names, toBase64url } from "../names/index.ts";
import { assertCardCore } from "./card.ts";
import { canonicalBytes } from "./jcs.ts";
import type { Card, CardCore, ClosingCard } from "./types.ts";

const MAC_LABEL = "coldkeep/v1 card\0";
const SIGNATURE_LABEL = "coldkeep/v1 sig\0";
const CLOSING_LABEL = "coldkeep/v1 closing\0";

/** What the card's MAC covers: its label and the canonical core. */
export function coreBytesForMac(core: CardCore): Uint8Array {
  return Buffer.concat([Buffer.from(MAC_LABEL), canonicalBytes(core)]);
}

/**
 * Makes a card of a core and its MAC (32 bytes): signs with the host's Ed25519 key (RFC 8032).
 * @throws ColdkeepError `integrity` where a reader would refuse the core.
 */
export function signCard(core: CardCore, mac: Uint8Array, privateKey: KeyObject): Card {
  assertCardCore(core);
  const value = sign(null, signedBytes(core, mac), ed25519(privateKey));
  return { core, mac: toBase64url(mac), sig: { key: publicKeyOf(privateKey), value: toBase64url(value) } };
}

/** Makes the card that closes a dead run whose packs the host's new run `by` goes on with. */
export function signClosingCard(
  run: Omit<ClosingCard, "format" | "state" | "sig">,
  privateKey: KeyObject,
): ClosingCard {
  const bare = { format: 1, ...run, state: "adopted" } as const;
  const value = sign(null, closingBytes(bare), ed25519(privateKey));
  return { ...bare, sig: { key: publicKeyOf(privateKey), value: toBase64url(value) } };
}

/**
 * Whether the holder of a signing key wrote this card. `unpinned` says only that it is the work of the key it names.
 * @param pinnedKey The host's public key, base64url, from a place the vault's writers cannot change.
 * @throws ColdkeepError `integrity` where the signature is wrong or another key's.
 */
export function verifyCardSignature(card: Card, pinnedKey?: string): "pinned" | "unpinned" {
  const mac = fromBase64url(card.mac, 32);
  if (mac === null) throw new RangeError("a card's MAC is 32 bytes; parseCard makes sure of that");
  return verifyWith(signedBytes(card.core, mac), card.sig, pinnedKey, names.card(card.core.node, card.core.snapshot));
}

/** As `verifyCardSignature`, for the closing card of an adopted run. An abandoned one is not signed. */
export function verifyClosingSignature(card: ClosingCard, pinnedKey?: string): "pinned" | "unpinned" {
  const { sig, ...bare } = card;
  const on = names.card(card.node, card.snapshot);
  if (sig === undefined) throw wrong(on, "it carries none");
  return verifyWith(closingBytes(bare), sig, pinnedKey, on);
}

/** Names a writer: the base64url SHA-256 of its public key. Also the key's fingerprint, as it is shown to users. */
export function writerOf(publicKey: string): string {
  const raw = fromBase64url(publicKey, 32);
  if (raw === null) throw new RangeError("a card-signing key is 32 bytes as base64url");
  return toBase64url(createHash("sha256").update(raw).digest());
}

/** The raw public key of an Ed25519 key, base64url, as cards and node.json carry it. */
export function publicKeyOf(key: KeyObject): string {
  const { x } = ed25519(key).export({ format: "jwk" });
  if (x === undefined) throw new RangeError("an Ed25519 key without its public half");
  return x;
}

function verifyWith(message: Uint8Array, sig: Card["sig"], pinnedKey: string | undefined, on: string) {
  if (pinnedKey !== undefined && sig.key !== pinnedKey) {
    throw new ColdkeepError("integrity", {
      what: "signed by another host",
      on,
      why: `its key is ${writerOf(sig.key)}, expected is ${writerOf(pinnedKey)}`,
      todo: "If the node was moved to a new machine, compare the two with what `coldkeep init` printed there",
    });
  }
  const value = fromBase64url(sig.value, 64);
  if (value === null || !verify(null, message, publicKeyFrom(sig.key), value)) {
    throw wrong(on, "it was changed after signing, or was not signed by the key it names");
  }
  return pinnedKey === undefined ? "unpinned" : "pinned";
}

function signedBytes(core: CardCore, mac: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(SIGNATURE_LABEL), canonicalBytes(core), mac]);
}

function closingBytes(bare: Omit<ClosingCard, "sig">): Uint8Array {
  return Buffer.concat([Buffer.from(CLOSING_LABEL), canonicalBytes(bare)]);
}

function publicKeyFrom(x: string): KeyObject {
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
}

function ed25519(key: KeyObject): KeyObject {
  if (key.asymmetricKeyType !== "ed25519") throw new RangeError("cards are signed with Ed25519");
  return key;
}

function wrong(on: string, why: string): ColdkeepError {
  return new ColdkeepError("integrity", { what: "signature does not verify", on, why });
}
