import { createHash } from "node:crypto";

/**
 * The bytes of an object to be and their SHA-256. A `Creator` takes nothing else, and does not hash again: the digest
 * goes into the journal, the pack list, the store's own check and the proof that an object is ours, from one reckoning.
 */
export interface HashedBytes {
  readonly bytes: Uint8Array;
  /** 32 bytes. */
  readonly sha256: Uint8Array;
  readonly __brand: "HashedBytes";
}

export function hashed(bytes: Uint8Array): HashedBytes {
  return { bytes, sha256: createHash("sha256").update(bytes).digest() } as Omit<HashedBytes, "__brand"> as HashedBytes;
}

/** For bytes that came with their digest from the thread of this process that made them. */
export function alreadyHashed(bytes: Uint8Array, sha256: Uint8Array): HashedBytes {
  if (sha256.length !== 32) throw new RangeError(`SHA-256 has 32 bytes, got ${sha256.length}`);
  return { bytes, sha256 } as Omit<HashedBytes, "__brand"> as HashedBytes;
}
