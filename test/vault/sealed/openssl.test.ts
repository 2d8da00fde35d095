import { createSecretKey, randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { macKey, nodeHash } from "../../../vault/sealed/suites/hashes.ts";
import { nodeGcm } from "../../../vault/sealed/suites/node-ciphers.ts";
import { aes256Gcm, opensslSeal } from "../../../vault/sealed/suites/openssl-gcm.ts";
import { opensslHmac } from "../../../vault/sealed/suites/openssl-hmac.ts";
import { suiteOf } from "../../../vault/sealed/suites.ts";

const missing = opensslSeal() === null || opensslHmac() === null;
const node = nodeGcm("aes-256-gcm");

describe.skipIf(missing)("OpenSSL called directly (skipped where Node's own cannot be found)", () => {
  const seal = opensslSeal() ?? (() => {});
  const hmac = opensslHmac() ?? (() => new Uint8Array(0));

  it("seals as node:crypto does, with keys, nonces and lengths by turns", () => {
    const raw = [randomBytes(32), randomBytes(32)] as const;
    const keys = raw.map((key) => [createSecretKey(key), node.prepare(key)] as const);
    const message = fc.record({
      n: fc.nat(1),
      plain: fc.uint8Array({ maxLength: 3000 }),
      aad: fc.uint8Array({ maxLength: 40 }),
    });
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 8 }),
        fc.uint8Array({ minLength: 12, maxLength: 12 }),
        (messages, nonce) => {
          for (const { n, plain, aad } of messages) {
            const [direct, slow] = keys[n] ?? [];
            const [found, expected] = [Buffer.alloc(plain.length + 16), Buffer.alloc(plain.length + 16)] as const;
            if (direct !== undefined) seal(direct, nonce, aad, plain, found);
            slow?.sealInto(nonce, aad, plain, expected, 0);
            expect(found.equals(expected)).toBe(true);
          }
        },
      ),
    );
  });

  it("writes nothing beside the frame and its tag, into memory of threads as well", () => {
    const key = aes256Gcm().prepare(randomBytes(32));
    for (const memory of [new Uint8Array(2000), new Uint8Array(new SharedArrayBuffer(2000))]) {
      memory.fill(0xaa);
      key.sealInto(new Uint8Array(12), new Uint8Array(10), new Uint8Array(1000), memory, 500);
      expect(memory.subarray(0, 500).every((byte) => byte === 0xaa)).toBe(true);
      expect(memory.subarray(1516).every((byte) => byte === 0xaa)).toBe(true);
      expect(key.open(new Uint8Array(12), new Uint8Array(10), memory.slice(500, 1516))).toEqual(new Uint8Array(1000));
    }
  });

  it("refuses a nonce or a key of another length, and memory that does not fit", () => {
    const key = createSecretKey(randomBytes(32));
    const none = new Uint8Array(0);
    for (const length of [0, 8, 11, 13, 16]) {
      expect(() => seal(key, new Uint8Array(length), none, none, new Uint8Array(16))).toThrow(RangeError);
    }
    for (const room of [0, 15, 17, 26]) {
      expect(() => seal(key, new Uint8Array(12), none, new Uint8Array(11), new Uint8Array(room))).toThrow(RangeError);
    }
    for (const length of [1, 16, 31, 33]) {
      const other = createSecretKey(randomBytes(length));
      expect(() => seal(other, new Uint8Array(12), none, none, new Uint8Array(16))).toThrow(RangeError);
    }
    // The next one is sealed by its own key, not by what was left half-way.
    const found = new Uint8Array(16);
    const expected = new Uint8Array(16);
    seal(key, new Uint8Array(12), none, none, found);
    node.prepare(key.export()).sealInto(new Uint8Array(12), none, none, expected, 0);
    expect(found).toEqual(expected);
  });

  it("makes the HMAC of node:crypto, with one key after the other", () => {
    const keys = [macKey(randomBytes(32)), macKey(randomBytes(100)), macKey(randomBytes(1))];
    const slow = nodeHash("sha256");
    const parts = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 4 });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(2), parts), { maxLength: 8 }), (messages) => {
        for (const [n, parts] of messages) {
          const key = keys[n];
          if (key === undefined || key instanceof Uint8Array) throw new Error("a key made ready is no bytes");
          expect(Buffer.compare(hmac(key, parts), slow.hmac(key, ...parts))).toBe(0);
        }
      }),
    );
    expect(() => hmac(createSecretKey(new Uint8Array(0)), [])).toThrow(RangeError);
    const again = keys[0];
    if (again !== undefined) expect(suiteOf("aes-256-gcm").hmac(again)).toEqual(new Uint8Array(slow.hmac(again)));
  });
});

describe("sealing without OpenSSL at hand", () => {
  it("is node:crypto's, and the same", () => {
    const bytes = randomBytes(32);
    const plain = randomBytes(300_000);
    const sealed = [aes256Gcm(() => null), aes256Gcm(), node].map((aead) => {
      const out = new Uint8Array(plain.length + 16);
      aead.prepare(bytes).sealInto(new Uint8Array(12), new Uint8Array(10), plain, out, 0);
      return Buffer.from(out);
    });
    expect(sealed[0]?.equals(sealed[1] ?? plain)).toBe(true);
    expect(sealed[0]?.equals(sealed[2] ?? plain)).toBe(true);
  });
});
