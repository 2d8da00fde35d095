import { describe, expect, it } from "vitest";
import { toBase64url } from "../../../../vault/names/index.ts";
import {
  chunkId,
  deriveKeys,
  keyIdentity,
  keyRecipient,
  openKeyFile,
  openObject,
  writeKeyFile,
} from "../../../../vault/sealed/index.ts";
import { suiteOf } from "../../../../vault/sealed/suites.ts";
import { scope as aesScope, packOf, refusal, sealFrames, sk } from "../fixtures.ts";

const scope = { ...aesScope, suite: "sm4-gcm" } as const;
const keys = deriveKeys(sk, scope);
const frames = [Buffer.from("a small frame"), Buffer.alloc(5000, 7), Buffer.alloc(0)];
const sealed = sealFrames(
  frames.map((body) => ({ body })),
  0,
  keys,
);

function openAll(bytes: Uint8Array): Uint8Array[] {
  const object = openObject(packOf(bytes, 0, keys));
  return object.rows.map((_, i) => object.frame(i).bytes);
}

describe("an object of sm4-gcm", () => {
  it("gives its frames back", () => {
    expect(openAll(sealed.bytes).map((body) => Buffer.from(body))).toEqual(frames);
    expect(sealed.bytes[9]).toBe(2);
  });

  it("gives nothing of a part that was changed: header, frames, padding, footer, trailer", () => {
    const { length } = sealed.bytes;
    const all = Array.from({ length }, (_, at) => at);
    const places = all.filter((at) => at < 96 + 40 || at > length - 120 || at % 499 === 0);
    for (const at of places) {
      const changed = Uint8Array.from(sealed.bytes);
      changed[at] = (changed[at] ?? 0) ^ 0x40;
      refusal(() => openAll(changed));
    }
    for (const end of [0, 95, 96, 500, length - 1]) refusal(() => openAll(sealed.bytes.subarray(0, end)));
  });

  it("shares no key, id or tag with one of aes-256-gcm under the same snapshot key", () => {
    const aes = deriveKeys(sk, aesScope);
    expect(Buffer.from(keys.pack)).not.toEqual(Buffer.from(aes.pack));
    const id = (suite: "aes-256-gcm" | "sm4-gcm") => toBase64url(chunkId(suite, keys.pack, Buffer.alloc(5000, 7)));
    expect(id("sm4-gcm")).not.toBe(id("aes-256-gcm"));
    refusal(() => openObject({ ...packOf(sealed.bytes, 0, keys), key: aes.pack }));
  });
});

describe("keys, nonces and room of another length", () => {
  const sm4 = suiteOf("sm4-gcm");
  const key = sm4.prepare(new Uint8Array(16));
  const [nonce, none] = [new Uint8Array(12), new Uint8Array(0)];

  it("are refused, not padded or cut", () => {
    for (const length of [0, 15, 17, 24, 32]) expect(() => sm4.prepare(new Uint8Array(length))).toThrow(RangeError);
    for (const length of [0, 8, 11, 13, 16]) {
      const other = new Uint8Array(length);
      expect(() => sm4.open(key, other, none, new Uint8Array(32))).toThrow(RangeError);
      expect(() => sm4.sealInto(key, other, none, none, new Uint8Array(16), 0)).toThrow(RangeError);
    }
    expect(() => sm4.sealInto(key, nonce, none, new Uint8Array(16), new Uint8Array(31), 0)).toThrow(RangeError);
    expect(sm4.open(key, nonce, none, new Uint8Array(15))).toBeNull();
  });
});

describe("a key file of sm4-gcm", () => {
  const salt = toBase64url(new Uint8Array(32).fill(8));
  const stretch = { kdf: "pbkdf2-sm3", salt, iterations: 100_000 } as const;
  const source = Buffer.from("0H#y@EGXPOAScAnB");

  it("opens with its key and with no other", async () => {
    const bytes = await writeKeyFile({ scope, sk, recipients: [keyRecipient({ source, stretch })], now: 1 });
    const open = (key: Uint8Array) =>
      openKeyFile({ bytes, scope, identities: [keyIdentity(key)], commit: keys.commit });
    expect(await open(source)).toMatchObject({ macOk: true });
    expect(Buffer.from((await open(source)).sk)).toEqual(Buffer.from(sk));
    await expect(open(Buffer.from("0H#y@EGXPOAScAnC"))).rejects.toThrow(/none of the keys given/);
    const moved = { ...scope, suite: "aes-256-gcm" } as const;
    await expect(openKeyFile({ bytes, scope: moved, identities: [keyIdentity(source)] })).rejects.toThrow();
  });
});
