import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { allSm4Backends, chooseSm4Backend, sm4Backend } from "../../../../vault/sealed/sm4/backend.ts";
import { portableGcm } from "../../../../vault/sealed/sm4/portable.ts";
import { failedSelfTest } from "../../../../vault/sealed/sm4/self-test.ts";
import type { Aead, AeadKey } from "../../../../vault/sealed/suites/aead.ts";
import { casesOf, fromHex, toHex } from "../../../vectors/read.ts";

const portable = portableGcm();
const all = allSm4Backends();
const here = all.flatMap(({ name, found }) => (typeof found === "string" ? [] : [{ name, aead: found }]));

function seal(aead: Aead, key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plain: Uint8Array): Uint8Array {
  const out = new Uint8Array(plain.length + 16);
  aead.prepare(key).sealInto(nonce, aad, plain, out, 0);
  return out;
}

describe.each(all)("SM4-GCM by $name", ({ name, found }) => {
  it.skipIf(typeof found === "string")(`is to be had here${typeof found === "string" ? `: no, ${found}` : ""}`, () => {
    expect(found).toHaveProperty("prepare");
  });
  if (typeof found === "string") {
    // What every Debian and every Node has must not go missing unseen.
    it("is the one that depends on the Node or the system", () => expect(["node", "libgcrypt"]).toContain(name));
    return;
  }

  it.each(casesOf("sm4gcm"))("seals and opens as published: $source", ({ key, nonce, aad, plain, sealed }) => {
    const prepared = found.prepare(fromHex(key));
    const out = new Uint8Array(fromHex(sealed).length + 5);
    prepared.sealInto(fromHex(nonce), fromHex(aad), fromHex(plain), out, 5);
    expect(toHex(out.subarray(5))).toBe(sealed);
    expect(toHex(prepared.open(fromHex(nonce), fromHex(aad), fromHex(sealed)) ?? new Uint8Array())).toBe(plain);
  });

  it("gives what the portable one gives, for texts and associated data of every length", () => {
    const lengths = fc.oneof(
      fc.nat(70),
      fc.nat(300),
      fc.nat(9000),
      fc.constantFrom(2016, 2032, 2048, 4064, 65_536, 65_568),
    );
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    fc.assert(
      fc.property(
        bytes(16),
        bytes(12),
        fc.uint8Array({ maxLength: 40 }),
        lengths,
        fc.nat(255),
        (key, nonce, aad, length, seed) => {
          const plain = Uint8Array.from({ length }, (_, i) => (i * 31 + seed) ^ (i >> 8));
          const sealed = seal(found, key, nonce, aad, plain);
          expect(Buffer.compare(sealed, seal(portable, key, nonce, aad, plain))).toBe(0);
          expect(Buffer.compare(portable.prepare(key).open(nonce, aad, sealed) ?? Buffer.alloc(0), plain)).toBe(0);
          expect(Buffer.compare(found.prepare(key).open(nonce, aad, sealed) ?? Buffer.alloc(0), plain)).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("gives nothing for a changed bit, of ciphertext, tag, nonce or associated data", () => {
    const [key, nonce, aad] = [new Uint8Array(16).fill(7), new Uint8Array(12).fill(8), new Uint8Array(10).fill(9)];
    const prepared = found.prepare(key);
    const sealed = seal(found, key, nonce, aad, new Uint8Array(67).fill(1));
    const flipped = (bytes: Uint8Array, bit: number) =>
      bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
    for (let bit = 0; bit < sealed.length * 8; bit++)
      expect(prepared.open(nonce, aad, flipped(sealed, bit))).toBeNull();
    for (let bit = 0; bit < 96; bit++) expect(prepared.open(flipped(nonce, bit), aad, sealed)).toBeNull();
    for (let bit = 0; bit < 80; bit++) expect(prepared.open(nonce, flipped(aad, bit), sealed)).toBeNull();
    for (let end = 16; end < sealed.length; end++)
      expect(prepared.open(nonce, aad, sealed.subarray(0, end))).toBeNull();
    expect(prepared.open(nonce, aad, sealed)).not.toBeNull();
  });

  it("keeps keys apart that are used by turns, and goes on after a refused opening", () => {
    const keys = Array.from({ length: 4 }, (_, i) => ({
      raw: new Uint8Array(16).fill(i),
      key: found.prepare(new Uint8Array(16).fill(i)),
    }));
    const [nonce, aad] = [new Uint8Array(12), new Uint8Array(3)];
    for (let turn = 0; turn < 40; turn++) {
      const { raw, key } = keys[(turn * 7) % 4] as { raw: Uint8Array; key: AeadKey };
      const plain = new Uint8Array(turn * 11).fill(turn);
      const out = new Uint8Array(plain.length + 16);
      key.sealInto(nonce, aad, plain, out, 0);
      expect(toHex(out)).toBe(toHex(seal(portable, raw, nonce, aad, plain)));
      expect(keys[(turn * 7 + 1) % 4]?.key.open(nonce, aad, out)).toBeNull();
    }
  });

  it("copies the key it is given", () => {
    const raw = new Uint8Array(16).fill(5);
    const key = found.prepare(raw);
    raw.fill(0);
    const out = new Uint8Array(16);
    key.sealInto(new Uint8Array(12), new Uint8Array(0), new Uint8Array(0), out, 0);
    expect(toHex(out)).toBe(
      toHex(seal(portable, new Uint8Array(16).fill(5), new Uint8Array(12), new Uint8Array(0), new Uint8Array(0))),
    );
  });
});

describe("the choice of a backend", () => {
  /** The portable one with a fault. */
  const faulty = (change: (key: AeadKey) => AeadKey): Aead => ({ prepare: (key) => change(portable.prepare(key)) });
  const faults: readonly [string, Aead][] = [
    [
      "a wrong bit far into a long text",
      faulty((key) => ({
        ...key,
        sealInto(nonce, aad, plain, out, at) {
          const wrong = plain.length > 4000 ? plain.map((byte, i) => (i === 4000 ? byte ^ 1 : byte)) : plain;
          key.sealInto(nonce, aad, wrong, out, at);
        },
      })),
    ],
    ["no check of the tag", faulty((key) => ({ ...key, open: (_nonce, _aad, sealed) => sealed.slice(0, -16) }))],
    ["nothing that it opens", faulty((key) => ({ ...key, open: () => null }))],
    ["a key of its own", { prepare: () => portable.prepare(new Uint8Array(16)) }],
    [
      "an error",
      {
        prepare() {
          throw new Error("no such cipher");
        },
      },
    ],
    [
      "no associated data",
      faulty((key) => ({
        sealInto: key.sealInto,
        open: (nonce, aad, sealed) => key.open(nonce, aad, sealed) ?? (aad.length < 20 ? sealed : null),
      })),
    ],
  ];

  it.each(faults)("never takes one with %s", (_, aead) => {
    expect(failedSelfTest(aead)).not.toBeNull();
    const chosen = chooseSm4Backend([
      ["libgcrypt", () => aead],
      ["portable", portableGcm],
    ]);
    expect(chosen.name).toBe("portable");
    expect(chosen.passedOver).toEqual([{ name: "libgcrypt", why: failedSelfTest(aead) }]);
  });

  it("goes past one that cannot be loaded, and says why", () => {
    const broken = () => {
      throw new Error("libgcrypt.so.20: cannot open shared object file");
    };
    const chosen = chooseSm4Backend([
      ["libgcrypt", broken],
      ["node", () => "not in this Node"],
      ["portable", portableGcm],
    ]);
    expect(chosen.passedOver.map(({ why }) => why)).toEqual([
      "libgcrypt.so.20: cannot open shared object file",
      "not in this Node",
    ]);
    expect(() => chooseSm4Backend([["node", () => "not in this Node"]])).toThrow(/no SM4-GCM can be used/);
  });

  it("is made once a thread, of those that are here", () => {
    expect(sm4Backend()).toBe(sm4Backend());
    expect(here.map(({ name }) => name)).toContain(sm4Backend().name);
  });
});
