import { randomBytes } from "node:crypto";
import { fromBase64url } from "../names/index.ts";
import { lengthPrefixed } from "./bytes.ts";
import { type Suite, suiteOf } from "./suites.ts";
import type { RandomSource, SnapshotKeys, SnapshotScope } from "./types.ts";

/** Bytes of a snapshot key, of everything derived from it, and of a chunk-id key. */
export const SECRET_BYTES = 32;

/** The system's own random source (RAND_bytes of OpenSSL). */
export const systemRandom: RandomSource = (length) => randomBytes(length);

/** A fresh snapshot key. Lives in memory for one run; only its wrappings are ever written. */
export function newSnapshotKey(random: RandomSource = systemRandom): Uint8Array {
  return random(SECRET_BYTES);
}

/**
 * All keys of a snapshot (docs/FORMAT.md, "Keys"). The scope enters the extraction, so a snapshot key that is presented
 * for another vault, node, snapshot or suite gives other keys, and is found out by the public commitment.
 */
export function deriveKeys(sk: Uint8Array, scope: SnapshotScope): SnapshotKeys {
  if (sk.length !== SECRET_BYTES) throw new RangeError(`a snapshot key has ${SECRET_BYTES} bytes, got ${sk.length}`);
  const suite = suiteOf(scope.suite);
  const prk = suite.hkdfExtract(suite.hash(scopeBytes(scope)), sk);
  const key = (label: string) => suite.hkdfExpand(prk, lengthPrefixed(`coldkeep/v1 ${label}`), SECRET_BYTES);
  const keys = {
    scope,
    commit: key("commit"),
    pack: key("pack"),
    manifest: key("manifest"),
    card: key("card"),
    slots: key("slots"),
  };
  prk.fill(0);
  return keys;
}

/** `ctx` of docs/FORMAT.md: what every derivation of a snapshot is bound to. */
export function scopeBytes(scope: SnapshotScope): Uint8Array {
  const { number } = suiteOf(scope.suite);
  return lengthPrefixed("coldkeep/v1", Uint8Array.of(number), vaultBytes(scope), scope.node, scope.snapshot);
}

/**
 * The public name tag in an object's header, 16 bytes: tells a misplaced object from a damaged one without any key.
 * @param objectName The short name inside the data folder: `00000.pack`, `manifest`.
 */
export function contextTag(scope: SnapshotScope, objectName: string): Uint8Array {
  const suite: Suite = suiteOf(scope.suite);
  const name = lengthPrefixed("coldkeep/v1 name", vaultBytes(scope), scope.node, scope.snapshot, objectName);
  return suite.hash(name).subarray(0, 16);
}

function vaultBytes({ vault }: SnapshotScope): Uint8Array {
  const bytes = fromBase64url(vault, 16);
  if (bytes === null) throw new RangeError("a vault id is 16 bytes as base64url");
  return bytes;
}
