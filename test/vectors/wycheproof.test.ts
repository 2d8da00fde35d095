import { describe, expect, it } from "vitest";
import { allSm4Backends } from "../../vault/sealed/sm4/backend.ts";
import type { Aead } from "../../vault/sealed/suites/aead.ts";
import { macKey } from "../../vault/sealed/suites/hashes.ts";
import { nodeGcm } from "../../vault/sealed/suites/node-ciphers.ts";
import { aes256Gcm, opensslSeal } from "../../vault/sealed/suites/openssl-gcm.ts";
import { suiteOf } from "../../vault/sealed/suites.ts";
import { casesOf, fromHex, toHex } from "./read.ts";

const SUITES = { wycheproofHmacSha256: suiteOf("aes-256-gcm"), wycheproofHmacSm3: suiteOf("sm4-gcm") } as const;
const ciphers: readonly (readonly [string, string, Aead])[] = [
  ["wycheproofAes256gcm", "aes-256-gcm by node:crypto", nodeGcm("aes-256-gcm")],
  [
    "wycheproofAes256gcm",
    `aes-256-gcm, ${opensslSeal() === null ? "again" : "sealed by OpenSSL directly"}`,
    aes256Gcm(),
  ],
  ...allSm4Backends().flatMap(({ name, found }) =>
    typeof found === "string" ? [] : [["wycheproofSm4gcm", `sm4-gcm by ${name}`, found] as const],
  ),
];

describe("Wycheproof's vectors: odd counters, special tags, tampered texts", () => {
  it.each(ciphers)("%s, %s", (vectors, _, aead) => {
    const results = new Set<string>();
    for (const { id, comment, key, nonce, aad, plain, sealed, result = "" } of casesOf(vectors)) {
      const label = `${id} ${comment}`;
      const prepared = aead.prepare(fromHex(key));
      const opened = prepared.open(fromHex(nonce), fromHex(aad), fromHex(sealed));
      const out = new Uint8Array(fromHex(plain).length + 16);
      prepared.sealInto(fromHex(nonce), fromHex(aad), fromHex(plain), out, 0);
      expect(opened === null ? "invalid" : "valid", label).toBe(result);
      if (opened !== null) expect([toHex(opened), toHex(out)], label).toEqual([plain, sealed]);
      else expect(toHex(out), label).not.toBe(sealed);
      results.add(result);
    }
    expect(results).toEqual(new Set(["valid", "invalid"]));
  });

  it.each(["wycheproofHmacSha256", "wycheproofHmacSm3"] as const)("%s", (vectors) => {
    for (const { id, key, data, mac, result } of casesOf(vectors)) {
      for (const ready of [fromHex(key), macKey(fromHex(key))]) {
        expect(toHex(SUITES[vectors].hmac(ready, fromHex(data))) === mac, id).toBe(result === "valid");
      }
    }
  });

  it("HKDF with SHA-256", () => {
    const { hkdfExtract, hkdfExpand } = suiteOf("aes-256-gcm");
    for (const { id, ikm, salt, info, size, okm, result } of casesOf("wycheproofHkdfSha256")) {
      const expand = () => toHex(hkdfExpand(hkdfExtract(fromHex(salt), fromHex(ikm)), fromHex(info), Number(size)));
      if (result === "valid") expect(expand(), id).toBe(okm);
      else expect(expand, id).toThrow(RangeError);
    }
  });
});
