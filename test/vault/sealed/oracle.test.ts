import { gcm } from "@noble/ciphers/aes.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { suiteOf } from "../../../vault/sealed/suites.ts";

const aes = suiteOf("aes-256-gcm");
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

describe("AES-256-GCM beside an implementation that shares nothing with it", () => {
  it("seals to the same bytes, and each opens what the other sealed", () => {
    const text = fc.oneof(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ minLength: 5000, maxLength: 5000 }));
    fc.assert(
      fc.property(bytes(32), bytes(12), fc.uint8Array({ maxLength: 40 }), text, (key, nonce, aad, plain) => {
        const prepared = aes.prepare(key);
        const ours = new Uint8Array(plain.length + 16);
        aes.sealInto(prepared, nonce, aad, plain, ours, 0);
        const oracle = gcm(key, nonce, aad);
        expect(Buffer.compare(ours, oracle.encrypt(plain))).toBe(0);
        expect(Buffer.compare(oracle.decrypt(ours), plain)).toBe(0);
        expect(Buffer.compare(aes.open(prepared, nonce, aad, ours) ?? Buffer.of(0), plain)).toBe(0);
      }),
      { numRuns: 100 },
    );
  });
});
