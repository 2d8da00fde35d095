import { createSecretKey, type KeyObject, randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { macKey, nodeHash } from "../../../vault/sealed/suites/hashes.ts";
import { nodeGcm } from "../../../vault/sealed/suites/node-ciphers.ts";
import { aes256Gcm, opensslOpen, opensslSeal } from "../../../vault/sealed/suites/openssl-gcm.ts";
import { opensslHmac } from "../../../vault/sealed/suites/openssl-hmac.ts";
import { suiteOf } from "../../../vault/sealed/suites.ts";

const missing = opensslSeal() === null || opensslOpen() === null || opensslHmac() === null;
const node = nodeGcm("aes-256-gcm");

describe.skipIf(missing)("OpenSSL called directly (skipped where Node's own cannot be found)", () => {
  const seal = opensslSeal() ?? (() => {});
  const open = opensslOpen() ?? (() => false);
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

  it("opens what node:crypto seals, and nothing of which one bit is another, by turns", () => {
    const raw = [randomBytes(32), randomBytes(32)] as const;
    const keys = raw.map((key) => [createSecretKey(key), node.prepare(key)] as const);
    const message = fc.record({
      n: fc.nat(1),
      plain: fc.uint8Array({ maxLength: 3000 }),
      aad: fc.uint8Array({ minLength: 1, maxLength: 40 }),
      nonce: fc.uint8Array({ minLength: 12, maxLength: 12 }),
      bit: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 8 }), (messages) => {
        for (const { n, plain, aad, nonce, bit } of messages) {
          const [key, sealer] = keys[n] ?? [];
          const other = keys[1 - n]?.[0];
          if (key === undefined || sealer === undefined || other === undefined) throw new Error("no such key");
          const sealed = new Uint8Array(plain.length + 16);
          sealer.sealInto(nonce, aad, plain, sealed, 0);
          const out = new Uint8Array(plain.length).fill(0xaa);
          const refused = () => {
            expect(out.every((byte) => byte === 0)).toBe(true);
            out.fill(0xaa);
          };
          for (const [k, ...rest] of [
            [key, nonce, aad, flipped(sealed, bit)],
            [key, nonce, flipped(aad, bit), sealed],
            [key, flipped(nonce, bit), aad, sealed],
            [other, nonce, aad, sealed],
          ] as [KeyObject, Uint8Array, Uint8Array, Uint8Array][]) {
            expect(open(k, ...rest, out)).toBe(false);
            refused();
          }
          expect(open(key, nonce, aad, sealed, out)).toBe(true);
          expect(Buffer.compare(out, plain)).toBe(0);
        }
      }),
    );
  });

  it("opens into the memory that it is given and writes nothing beside it, or into its own where that is too small", () => {
    const key = aes256Gcm().prepare(randomBytes(32));
    const [nonce, aad, plain] = [new Uint8Array(12), new Uint8Array(10), randomBytes(1000)];
    const sealed = new Uint8Array(1016);
    key.sealInto(nonce, aad, plain, sealed, 0);
    for (const memory of [new Uint8Array(1001), new Uint8Array(new SharedArrayBuffer(1001))]) {
      const opened = key.open(nonce, aad, sealed, memory.fill(0xaa));
      expect(opened?.buffer).toBe(memory.buffer);
      expect(Buffer.compare(opened ?? nonce, plain)).toBe(0);
      expect(memory[1000]).toBe(0xaa);
    }
    const small = new Uint8Array(999).fill(0xaa);
    expect(Buffer.compare(key.open(nonce, aad, sealed, small) ?? nonce, plain)).toBe(0);
    expect(small.every((byte) => byte === 0xaa)).toBe(true);
  });

  it("refuses to open with a nonce or a key of another length, or where there is not the room, and leaves nothing there", () => {
    const key = createSecretKey(randomBytes(32));
    const none = new Uint8Array(0);
    const sealed = new Uint8Array(27);
    const out = new Uint8Array(11);
    for (const length of [0, 8, 11, 13, 16]) {
      expect(() => open(key, new Uint8Array(length), none, sealed, out.fill(0xaa))).toThrow(RangeError);
      expect(out).toEqual(new Uint8Array(11));
    }
    for (const room of [0, 10, 12]) {
      expect(() => open(key, new Uint8Array(12), none, sealed, new Uint8Array(room))).toThrow(RangeError);
    }
    expect(() => open(key, new Uint8Array(12), none, new Uint8Array(15), none)).toThrow(RangeError);
    for (const length of [1, 16, 31, 33]) {
      expect(() => open(createSecretKey(randomBytes(length)), new Uint8Array(12), none, sealed, out)).toThrow(
        RangeError,
      );
    }
    // The next one is opened by its own key, not by what was left half-way.
    node.prepare(key.export()).sealInto(new Uint8Array(12), none, Uint8Array.of(1, 2), sealed, 9);
    expect(open(key, new Uint8Array(12), none, sealed.subarray(9), out.subarray(9))).toBe(true);
    expect(out.subarray(9)).toEqual(Uint8Array.of(1, 2));
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

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice();
  const at = (bit >> 3) % copy.length;
  copy[at] = (copy[at] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

describe("sealing and opening without OpenSSL at hand", () => {
  it("is node:crypto's, and the same", () => {
    const bytes = randomBytes(32);
    const plain = randomBytes(300_000);
    const without = aes256Gcm({ seal: () => null, open: () => null });
    const sealed = [without, aes256Gcm(), node].map((aead) => {
      const out = new Uint8Array(plain.length + 16);
      aead.prepare(bytes).sealInto(new Uint8Array(12), new Uint8Array(10), plain, out, 0);
      return Buffer.from(out);
    });
    expect(sealed[0]?.equals(sealed[1] ?? plain)).toBe(true);
    expect(sealed[0]?.equals(sealed[2] ?? plain)).toBe(true);
    for (const aead of [without, aes256Gcm(), node]) {
      const opened = aead.prepare(bytes).open(new Uint8Array(12), new Uint8Array(10), sealed[0] ?? plain);
      expect(plain.equals(opened ?? new Uint8Array())).toBe(true);
    }
  });
});
