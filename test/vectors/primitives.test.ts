import { createPrivateKey, scryptSync, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { canonical, publicKeyOf } from "../../vault/card/index.ts";
import { toBase64url } from "../../vault/names/index.ts";
import { stretchKey } from "../../vault/sealed/index.ts";
import { suiteOf } from "../../vault/sealed/suites.ts";

type Cases = { readonly source: string; readonly cases: readonly Record<string, string>[] };
const vectors = JSON.parse(readFileSync(join(import.meta.dirname, "primitives.json"), "utf8")) as Record<string, Cases>;
const aes = suiteOf("aes-256-gcm");
const bytes = (hex = "") => Uint8Array.from(Buffer.from(hex, "hex"));
const hex = (data: Uint8Array) => Buffer.from(data).toString("hex");
const casesOf = (name: string) => vectors[name]?.cases ?? [];
/** A view in the middle of other bytes, at an odd place: what workers hand over. */
const inside = (data: Uint8Array) => {
  const all = Buffer.alloc(data.length + 16, 0xee);
  all.set(data, 7);
  return all.subarray(7, 7 + data.length);
};

describe("published vectors: every file names its source", () => {
  it.each(casesOf("hkdf"))("HKDF-SHA-256, RFC 5869: $okm", ({ ikm, salt, info, prk, okm = "" }) => {
    const found = aes.hkdfExtract(bytes(salt), bytes(ikm));
    expect(hex(found)).toBe(prk);
    expect(hex(aes.hkdfExpand(found, bytes(info), okm.length / 2))).toBe(okm);
  });

  it.each(casesOf("hmac"))("HMAC-SHA-256, RFC 4231: $mac", ({ key, data, mac }) => {
    expect(hex(aes.hmac(bytes(key), bytes(data)))).toBe(mac);
    const parts = [...bytes(data)].map((byte) => Uint8Array.of(byte));
    expect(hex(aes.hmac(bytes(key), ...parts))).toBe(mac);
  });

  it.each(casesOf("aes256gcm"))("AES-256-GCM: $sealed", ({ key, nonce, aad, plain, sealed }) => {
    for (const view of [(data: Uint8Array) => data, inside]) {
      const out = new Uint8Array(bytes(sealed).length + 5);
      const prepared = aes.prepare(bytes(key));
      aes.sealInto(prepared, view(bytes(nonce)), view(bytes(aad)), view(bytes(plain)), out, 5);
      expect(hex(out.subarray(5))).toBe(sealed);
      const opened = aes.open(prepared, view(bytes(nonce)), view(bytes(aad)), view(bytes(sealed)));
      expect(opened === null ? null : hex(opened)).toBe(plain);
    }
  });

  it.each(casesOf("aes256gcm"))("AES-256-GCM gives nothing for a changed bit: $sealed", (vector) => {
    const { key, nonce, aad, sealed } = vector;
    const prepared = aes.prepare(bytes(key));
    for (let bit = 0; bit < bytes(sealed).length * 8; bit++) {
      const changed = bytes(sealed);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(aes.open(prepared, bytes(nonce), bytes(aad), changed)).toBeNull();
    }
    for (let length = 0; length < bytes(sealed).length; length++) {
      expect(aes.open(prepared, bytes(nonce), bytes(aad), bytes(sealed).subarray(0, length))).toBeNull();
    }
    expect(aes.open(prepared, bytes(nonce), Buffer.from("another"), bytes(sealed))).toBeNull();
  });

  it("AES-256-GCM in slices is that of one piece", () => {
    const plain = new Uint8Array(3 * 128 * 1024 + 17).map((_, i) => i);
    const [key, nonce, aad] = [aes.prepare(new Uint8Array(32)), new Uint8Array(12), new Uint8Array(10)];
    const out = new Uint8Array(plain.length + 16);
    aes.sealInto(key, nonce, aad, plain, out, 0);
    expect(Buffer.compare(aes.open(key, nonce, aad, out) ?? Buffer.alloc(0), plain)).toBe(0);
  });

  it("keys and nonces of another length are refused, not padded", () => {
    expect(() => aes.prepare(new Uint8Array(16))).toThrow(RangeError);
    const key = aes.prepare(new Uint8Array(32));
    expect(() => aes.open(key, new Uint8Array(16), new Uint8Array(0), new Uint8Array(32))).toThrow(RangeError);
    const short = new Uint8Array(31);
    expect(() => aes.sealInto(key, new Uint8Array(12), short, new Uint8Array(16), short, 0)).toThrow(RangeError);
    expect(() => aes.hkdfExpand(new Uint8Array(32), short, 255 * 32 + 1)).toThrow(RangeError);
  });

  it.each(casesOf("scrypt"))("scrypt, RFC 7914: $password", ({ password = "", salt = "", n, r, p, key }) => {
    const cost = { N: Number(n), r: Number(r), p: Number(p), maxmem: 64 << 20 };
    expect(scryptSync(password, salt, 64, cost).toString("hex")).toBe(key);
  });

  it("scrypt is what stretches a software key", async () => {
    const salt = new Uint8Array(32).fill(3);
    const stretch = { kdf: "scrypt", salt: toBase64url(salt), n: 16_384, r: 8, p: 1 } as const;
    const expected = scryptSync("pleaseletmein", salt, 32, { N: 16_384, r: 8, p: 1, maxmem: 64 << 20 });
    expect(hex(await stretchKey("aes-256-gcm", Buffer.from("pleaseletmein"), stretch))).toBe(expected.toString("hex"));
  });

  it.each(casesOf("ed25519"))("Ed25519, RFC 8032: $public", ({ seed, public: key = "", message, signature }) => {
    // PKCS #8 prefix of an Ed25519 key (RFC 8410 section 7).
    const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), bytes(seed)]);
    const privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
    expect(publicKeyOf(privateKey)).toBe(toBase64url(bytes(key)));
    expect(sign(null, bytes(message), privateKey).toString("hex")).toBe(signature);
  });

  it("canonical JSON: the text of RFC 8785 section 3.2.2.2", () => {
    const text = "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\u005c\u0022\u002f";
    const expected = "22e282ac245c75303030665c6e4127425c225c5c5c5c5c222f22";
    expect(Buffer.from(canonical(text)).toString("hex")).toBe(expected);
  });
});
