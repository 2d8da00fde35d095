import { describe, expect, it } from "vitest";
import { canonicalBytes } from "../../../vault/card/index.ts";
import { toBase64url } from "../../../vault/names/index.ts";
import {
  deriveKeys,
  type Identity,
  type KeyFile,
  keyIdentity,
  keyRecipient,
  openKeyFile,
  parseKeyFile,
  type Recipient,
  type Slot,
  type Stretch,
  writeKeyFile,
} from "../../../vault/sealed/index.ts";
import { seededRandom } from "../../support/random.ts";
import { keys, otherScopes, refusal, scope, sk } from "./fixtures.ts";

// The least stretching readers accept: 16 MiB instead of 128.
const stretch: Stretch = { kdf: "scrypt", salt: toBase64url(new Uint8Array(32).fill(8)), n: 2 ** 14, r: 8, p: 1 };
const source = Buffer.from("0H#y@EGXPOAScAnB");
const recipient = keyRecipient({ source, stretch, random: seededRandom("slots") });
const identity = keyIdentity(source);
const wrapped = await writeKeyFile({ scope, sk, recipients: [recipient], now: 77 });
const file = parseKeyFile(wrapped);
const [slot] = file.slots as [Slot];
const encode = (changed: unknown) => canonicalBytes(changed);
const open = (bytes: Uint8Array, identities: readonly Identity[] = [identity]) =>
  openKeyFile({ bytes, scope, identities, commit: keys.commit });
/** The error a promise ends with. */
const failure = async (promise: Promise<unknown>, kind: string) => {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  return refusal(() => {
    if (error !== null) throw error;
  }, kind);
};

/** A recipient as age or a KMS would be one: the slot says nothing this version understands. */
const foreign: Recipient = {
  type: "age",
  wrap: () => Promise.resolve({ id: "x", type: "age", kid: "k", added: 0, ct: "AAAA", more: { deep: [1] } }),
};

describe("a key file", () => {
  it("gives the snapshot key to whoever holds the software key", async () => {
    const opened = await open(wrapped);
    expect(Buffer.from(opened.sk)).toEqual(Buffer.from(sk));
    expect(opened).toMatchObject({ macOk: true, slot: slot.id });
    expect(file).toMatchObject({ generation: 1, snapshot: scope.snapshot, commit: toBase64url(keys.commit) });
    expect(slot).toMatchObject({ type: "key", added: 77, stretch });
  });

  it("may be prepared for: the same key opens it, and what cannot be stretched fails where it is needed", async () => {
    const prepared = keyRecipient({ source, stretch });
    prepared.prepare?.(scope.suite);
    const { sk: opened } = await open(await writeKeyFile({ scope, sk, recipients: [prepared], now: 1 }));
    expect(Buffer.from(opened)).toEqual(Buffer.from(sk));

    const impossible = keyRecipient({ source, stretch: { ...stretch, n: 2 ** 40 } });
    impossible.prepare?.(scope.suite);
    await expect(writeKeyFile({ scope, sk, recipients: [impossible], now: 1 })).rejects.toThrow();
  });

  it("holds neither the snapshot key nor the software key nor anything derived that is secret", () => {
    const text = Buffer.from(wrapped).toString();
    for (const secret of [sk, source, keys.pack, keys.slots]) expect(text).not.toContain(toBase64url(secret));
    expect(text).not.toContain(source.toString());
  });

  it("says which keys it is sealed for where none of the keys given is one", async () => {
    const { message } = await failure(open(wrapped, [keyIdentity(Buffer.from("0H#y@EGXPOAScAnC"))]), "key");
    expect(message).toContain("none of the keys given opens this snapshot");
    expect(message).toContain(slot.kid);
    await failure(open(wrapped, []), "key");
  });

  it("opens by the slot that fits, past slots of unknown type and damaged ones", async () => {
    const damaged = { ...slot, id: "damaged", ct: toBase64url(new Uint8Array(48)) };
    const unknown = { id: "u", type: "from the future", kid: "?", added: 1, what: { ever: ["it", 1, true] } };
    const bytes = encode({ ...file, slots: [unknown, damaged, slot] });
    expect(parseKeyFile(bytes).slots[0]).toEqual(unknown);
    expect((await open(bytes)).slot).toBe(slot.id);
    const { message } = await failure(open(encode({ ...file, slots: [damaged] })), "integrity");
    expect(message).toContain("damaged key slot");
  });

  it("is tried by cheap and local keys first, whatever their order; a token or a service is asked only where it is needed", async () => {
    const asked: string[] = [];
    const types = ["kms", "pkcs11", "key", "rsa", "age"];
    const slots = types.map((type) => ({ id: type, type, kid: "k", added: 0 }));
    const bytes = encode({ ...file, slots: [...slots, slot] });
    const trying = (type: string): Identity => ({
      type,
      label: `the ${type} one`,
      unwrap: async () => {
        asked.push(type);
        return null;
      },
    });
    // One key beside them opens: what costs more than it is never asked.
    expect(Buffer.from((await open(bytes, [...types.map(trying), identity])).sk)).toEqual(Buffer.from(sk));
    expect(asked.filter((type) => type !== "key")).toEqual(["rsa", "age"]);
    asked.length = 0;
    const { message } = await failure(open(bytes, types.map(trying)), "key");
    expect([...new Set(asked)]).toEqual(["rsa", "age", "key", "pkcs11", "kms"]);
    for (const type of types) expect(message).toContain(`the ${type} one: fits no slot`);
  });

  it("stretches once for many slots of one key", async () => {
    const recipients = [recipient, recipient, recipient];
    const many = await writeKeyFile({ scope, sk, recipients, now: 1 });
    const stretches = new Set(parseKeyFile(many).slots.map((s) => JSON.stringify(s.stretch)));
    expect(stretches.size).toBe(1);
    expect(new Set(parseKeyFile(many).slots.map((s) => s.ct)).size).toBe(3);
  });

  it("keeps slots of other types as they came", async () => {
    const bytes = await writeKeyFile({ scope, sk, recipients: [foreign, recipient], now: 5 });
    expect(parseKeyFile(bytes).slots[0]).toEqual({ ...(await foreign.wrap(sk, scope)), added: 5 });
  });
});

describe("a key file that was tampered with", () => {
  it("still opens where the slots' MAC alone is wrong, and says so: the commitment proves the key", async () => {
    expect((await open(encode({ ...file, generation: 2 }))).macOk).toBe(false);
    expect((await open(encode({ ...file, slots: [slot, { ...slot, id: "added" }] }))).macOk).toBe(false);
    expect((await open(encode({ ...file, mac: toBase64url(new Uint8Array(32)) }))).macOk).toBe(false);
  });

  it("is refused where its commitment is not the card's", async () => {
    const other = deriveKeys(new Uint8Array(32), scope);
    const bytes = await writeKeyFile({ scope, sk: new Uint8Array(32), recipients: [recipient], now: 1 });
    expect((await failure(open(bytes), "integrity")).what).toBe("the key file is not this snapshot's");
    // Without a card the file is believed: it is whole in itself.
    expect(Buffer.from((await openKeyFile({ bytes, scope, identities: [identity] })).keys.pack)).toEqual(
      Buffer.from(other.pack),
    );
  });

  it("is refused where a slot holds another key than the commitment's", async () => {
    const other = await recipient.wrap(new Uint8Array(32), scope);
    expect((await failure(open(encode({ ...file, slots: [other] })), "key")).what).toBe("not the key of this snapshot");
    const short: Identity = { type: "key", unwrap: () => Promise.resolve(new Uint8Array(16)) };
    await failure(open(wrapped, [short]), "key");
  });

  it.each(Object.entries(otherScopes))("is refused for %s", async (_, other) => {
    const request = { scope: other, identities: [identity], commit: keys.commit };
    expect((await failure(openKeyFile({ bytes: wrapped, ...request }), "integrity")).what).toBe(
      "the key file belongs elsewhere",
    );
    // A slot carried over into that scope's own file is bound to where it was made.
    const carried = encode({ ...file, vault: other.vault, node: other.node, snapshot: other.snapshot });
    await failure(openKeyFile({ bytes: carried, ...request }), "integrity");
  });

  it("is refused with another stretching than was used", async () => {
    const salt = toBase64url(new Uint8Array(32));
    await failure(open(encode({ ...file, slots: [{ ...slot, stretch: { ...stretch, salt } }] })), "key");
  });

  it.each<[string, Partial<Record<"kdf" | "salt" | "n" | "r" | "p", unknown>>]>([
    ["N beyond 2^20", { n: 2 ** 21 }],
    ["N too small to protect anything", { n: 2 ** 13 }],
    ["N that is no power of two", { n: 100_000 }],
    ["N beyond 2^31, whose low bits look right", { n: 2 ** 32 + 2 ** 14 }],
    ["another r", { r: 16 }],
    ["another p", { p: 2 }],
    ["another kdf", { kdf: "argon2id" }],
    ["a short salt", { salt: "AAAA" }],
  ])("computes nothing for a slot with %s", async (_, change) => {
    const bytes = encode({ ...file, slots: [{ ...slot, stretch: { ...stretch, ...change } }] });
    await failure(open(bytes), "integrity");
  });

  it("cannot ask that a password be not stretched, nor that what is no password be", async () => {
    const bare = encode({ ...file, slots: [{ ...slot, stretch: { kdf: "none" } }] });
    await failure(open(bare), "key");
    await failure(open(wrapped, [keyIdentity(source, { generated: true })]), "key");
    const made = keyRecipient({ source, stretch: { kdf: "none" }, random: seededRandom("slots") });
    const bytes = await writeKeyFile({ scope, sk, recipients: [made], now: 77 });
    await failure(open(bytes), "key");
    expect(Buffer.from((await open(bytes, [keyIdentity(source, { generated: true })])).sk)).toEqual(Buffer.from(sk));
  });

  it("computes nothing for a stretching that belongs to another suite", async () => {
    const pbkdf2 = { kdf: "pbkdf2-sm3", salt: stretch.salt, iterations: 600_000 };
    await failure(open(encode({ ...file, slots: [{ ...slot, stretch: pbkdf2 }] })), "integrity");
  });
});

describe("bounds of a key file", () => {
  it("are 64 KiB, 32 slots, each id once", async () => {
    const many = (n: number): KeyFile => ({
      ...file,
      slots: Array.from({ length: n }, (_, i) => ({ ...slot, id: `s${i}` })),
    });
    expect(parseKeyFile(encode(many(32))).slots.length).toBe(32);
    refusal(() => parseKeyFile(encode(many(33))));
    refusal(() => parseKeyFile(encode(many(0))));
    refusal(() => parseKeyFile(encode({ ...file, slots: [slot, slot] })));
    expect(refusal(() => parseKeyFile(new Uint8Array(65_537).fill(0x20))).what).toBe("too large for a key file");
    const recipients = Array.from({ length: 33 }, () => recipient);
    await failure(writeKeyFile({ scope, sk, recipients, now: 1 }), "integrity");
    await failure(writeKeyFile({ scope, sk, recipients: [], now: 1 }), "integrity");
  });

  it("leave what a newer coldkeep wrote alone", () => {
    expect(refusal(() => parseKeyFile(encode({ ...file, format: 2 })), "refused").message).toContain("newer coldkeep");
  });

  it("refuse a truncated one, one that is not canonical, and unknown fields outside slots", () => {
    for (let cut = 1; cut < wrapped.length; cut += 41) refusal(() => parseKeyFile(wrapped.subarray(0, -cut)));
    refusal(() => parseKeyFile(Buffer.concat([wrapped, Buffer.from("\n")])));
    refusal(() => parseKeyFile(encode({ ...file, hint: "the key is under the mat" })));
  });
});
