import { hkdfSync } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toBase64url } from "../../../../vault/names/index.ts";
import { stretchKey } from "../../../../vault/sealed/index.ts";
import { type Hmac, libgcryptHmac } from "../../../../vault/sealed/sm4/libgcrypt-hmac.ts";
import { longHmac, sm3Hash } from "../../../../vault/sealed/sm4/sm3.ts";
import { type MacKey, macKey, nodeHash } from "../../../../vault/sealed/suites/hashes.ts";
import { suiteOf } from "../../../../vault/sealed/suites.ts";
import { casesOf, fromHex, toHex } from "../../../vectors/read.ts";

const node: Hmac = (key, parts) => nodeHash("sm3").hmac(key, ...parts);
const gcrypt = libgcryptHmac();
const sm4 = suiteOf("sm4-gcm");

describe("SM3 and what is made of it", () => {
  it.each(casesOf("sm3"))("digests as published: $source", ({ data, digest }) => {
    expect(toHex(sm4.hash(fromHex(data)))).toBe(digest);
    expect(toHex(sm4.hash(...[...fromHex(data)].map((byte) => Uint8Array.of(byte))))).toBe(digest);
  });

  it.each(casesOf("hmacsm3"))("HMAC as published: $source: $mac", ({ key, data, mac }) => {
    expect(toHex(sm4.hmac(fromHex(key), fromHex(data)))).toBe(mac);
  });

  it("HKDF is that of node:crypto, with SM3", () => {
    const [salt, ikm, info] = [new Uint8Array(13).fill(1), new Uint8Array(32).fill(2), new Uint8Array(300).fill(3)];
    for (const length of [1, 32, 60, 100]) {
      const found = sm4.hkdfExpand(sm4.hkdfExtract(salt, ikm), info, length);
      expect(toHex(found)).toBe(toHex(new Uint8Array(hkdfSync("sm3", ikm, salt, info, length))));
    }
  });

  it("stretching a software key is PBKDF2 with HMAC-SM3, step by step", async () => {
    const [source, salt] = [Buffer.from("0H#y@EGXPOAScAnB"), new Uint8Array(32).fill(7)];
    const step = typeof gcrypt === "string" ? node : gcrypt;
    let u = step(source, [salt, Uint8Array.of(0, 0, 0, 1)]);
    const sum = Uint8Array.from(u);
    for (let n = 1; n < 100_000; n++) {
      u = step(source, [u]);
      for (let i = 0; i < 32; i++) sum[i] = (sum[i] ?? 0) ^ (u[i] ?? 0);
    }
    const stretch = { kdf: "pbkdf2-sm3", salt: toBase64url(salt), iterations: 100_000 } as const;
    expect(toHex(await stretchKey("sm4-gcm", source, stretch))).toBe(toHex(sum));
  });

  it.each([99_999, 10_000_001, 0, 100_000.5])(
    "refuses %d iterations before it computes anything",
    async (iterations) => {
      const stretch = { kdf: "pbkdf2-sm3", salt: toBase64url(new Uint8Array(32)), iterations } as const;
      await expect(stretchKey("sm4-gcm", new Uint8Array(16), stretch)).rejects.toThrow(
        /iterations are .*100000 to 10000000/,
      );
      const scrypt = { kdf: "scrypt", salt: stretch.salt, n: 2 ** 14, r: 8, p: 1 } as const;
      await expect(stretchKey("sm4-gcm", new Uint8Array(16), scrypt)).rejects.toThrow(/does not belong to sm4-gcm/);
    },
  );
});

describe("HMAC-SM3 of long texts", () => {
  const has = typeof gcrypt !== "string";
  it.skipIf(!has)(`by libgcrypt is node:crypto's${has ? "" : ` (skipped: ${gcrypt})`}`, () => {
    const bytes = fc.uint8Array({ maxLength: 3000 });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 150 }), fc.array(bytes, { maxLength: 4 }), (key, parts) => {
        expect(toHex((gcrypt as Hmac)(key, parts))).toBe(toHex(node(key, parts)));
      }),
      { numRuns: 100 },
    );
    for (const { key, data, mac } of casesOf("hmacsm3")) {
      expect(toHex((gcrypt as Hmac)(fromHex(key), [fromHex(data)]))).toBe(mac);
    }
  });

  it("is the same for a key as it is and for one made ready, by turns", () => {
    const raw = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
    const ready = raw.map(macKey);
    const { hmac } = sm3Hash();
    const text = new Uint8Array(1000);
    for (const n of [0, 0, 1, 0, 1, 1]) {
      const expected = toHex(node(raw[n] as Uint8Array, [text]));
      expect(toHex(hmac(ready[n] as MacKey, text))).toBe(expected);
      expect(toHex(hmac(raw[n] as Uint8Array, text))).toBe(expected);
      expect(toHex(hmac(ready[n] as MacKey, text))).toBe(expected);
      expect(toHex(hmac(ready[n] as MacKey, text))).toBe(expected);
    }
  });

  it("is the same by whichever way it goes", () => {
    const { hmac } = sm3Hash();
    for (const length of [0, 255, 256, 257, 8192, 100_001]) {
      const [key, text] = [new Uint8Array(32).fill(length), new Uint8Array(length).fill(1)];
      expect(toHex(hmac(key, text.subarray(0, 5), text.subarray(5)))).toBe(toHex(node(key, [text])));
    }
  });

  it("is not taken from a library that is missing, fails, or gives anything else", () => {
    const wrong: Hmac = (key, parts) => node(key, [...parts, Uint8Array.of(0)]);
    const failing: Hmac = () => {
      throw new Error("no such algorithm");
    };
    const missing = () => {
      throw new Error("libgcrypt.so.20: cannot open shared object file");
    };
    for (const open of [() => wrong, () => failing, () => "too old", missing]) expect(longHmac(node, open)).toBe(node);
    const right: Hmac = (key, parts) => node(key, parts);
    expect(longHmac(node, () => right)).toBe(right);
  });
});
