/** Bytes of an AEAD tag; shorter ones are accepted nowhere (NIST SP 800-38D section 5.2.1.2). */
export const TAG_BYTES = 16;
/** Bytes of an AEAD nonce, the only length GCM does not hash first (SP 800-38D section 7.1). */
export const NONCE_BYTES = 12;

/** A key prepared for many frames. Callers have checked every length; `Suite` does. */
export interface AeadKey {
  /** Writes ciphertext ‖ tag to `out` at `at`; `plain` and that part of `out` must not overlap. */
  sealInto(nonce: Uint8Array, aad: Uint8Array, plain: Uint8Array, out: Uint8Array, at: number): void;
  /**
   * The plaintext, or null where the tag does not verify: nothing of it is left anywhere then.
   * @param memory Where it may be put, where there is room; not overlapping `sealed`, and not looked at before it is answered.
   */
  open(nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array, memory?: Uint8Array): Uint8Array | null;
}

/** An AEAD with tags of 16 bytes and nonces of 12, of whatever make. */
export interface Aead {
  /** @param key As many bytes as the cipher takes; copied where it is kept. */
  prepare(key: Uint8Array): AeadKey;
}
