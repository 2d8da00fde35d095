import { type BinaryLike, generateKeyPairSync } from "node:crypto";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openKeys } from "../../../agent/open/key-ring.ts";
import { rekeyNode } from "../../../agent/rekey/index.ts";
import { makeSnapshotId, silent, toNodeName } from "../../../vault/names/index.ts";
import { keyIdentity, keyRecipient, newStretch } from "../../../vault/sealed/index.ts";
import { ageIdentity, ageRecipient } from "../../../vault/sealed/slots/age.ts";
import type { Identity } from "../../../vault/sealed/types.ts";
import { openStore } from "../../../vault/store/index.ts";
import { buildSnapshot, makeNode } from "../../support/build-snapshot.ts";
import { keyedNode } from "../../support/keyed-node.ts";
import { memoryStore } from "../../support/memory-store.ts";
import { tempDir } from "../../support/tmp.ts";

/** Every buffer that held a secret in node:crypto's calls: these are the very ones coldkeep holds, not copies. */
const held = vi.hoisted(() => ({
  stretched: [] as Uint8Array[],
  passwords: [] as Uint8Array[],
  opened: [] as Uint8Array[],
}));
vi.mock("node:crypto", async (original) => {
  const real = await original<typeof import("node:crypto")>();
  return {
    ...real,
    scrypt: (password: BinaryLike, ...rest: unknown[]) => {
      held.passwords.push(password as Uint8Array);
      const done = rest.at(-1) as (error: Error | null, key: Buffer) => void;
      const told = (error: Error | null, key: Buffer) => {
        if (error === null) held.stretched.push(key);
        done(error, key);
      };
      (real.scrypt as (...words: unknown[]) => void)(password, ...rest.slice(0, -1), told);
    },
    privateDecrypt: (...words: Parameters<typeof real.privateDecrypt>) => {
      const plain = real.privateDecrypt(...words);
      held.opened.push(plain);
      return plain;
    },
  };
});

/** On a machine that does other things as well. */
const STRETCHING = { timeout: 30_000 };

beforeEach(() => {
  for (const list of Object.values(held)) list.length = 0;
});
afterEach(() => {
  vi.restoreAllMocks();
});
const isZero = (bytes: Uint8Array) => bytes.length > 0 && bytes.every((byte) => byte === 0);
const expectZero = (list: readonly Uint8Array[], least = 1) => {
  expect(list.length).toBeGreaterThanOrEqual(least);
  expect(list.map(isZero)).toEqual(list.map(() => true));
};

describe("a software key", () => {
  it("is overwritten once the snapshot's key is wrapped, and so is what it was stretched to", async () => {
    const node = await keyedNode("encrypt_key: HOME/a.key");
    node.file("a.key", "0H#y@EGXPOAScAnB");
    await node.json("backup");
    expectZero(held.passwords);
    await vi.waitFor(() => expectZero(held.stretched), STRETCHING);
  });

  it("that is still being stretched when the run gives up is overwritten as soon as it is there", async () => {
    const source = Buffer.from("0H#y@EGXPOAScAnB");
    const recipient = keyRecipient({ source, stretch: newStretch("aes-256-gcm") });
    recipient.prepare?.("aes-256-gcm");
    recipient.forget?.();
    expectZero(held.passwords);
    await vi.waitFor(() => expectZero(held.stretched), STRETCHING);
    await expect(recipient.kid("aes-256-gcm")).rejects.toThrow("forgotten");
    const identity = keyIdentity(source);
    identity.forget?.();
    expect(source.toString()).toBe("0H#y@EGXPOAScAnB");
  });

  it("that key rotate goes from and to is overwritten when the last file is done", async () => {
    const node = await keyedNode("encrypt_key: HOME/a.key");
    node.file("a.key", "0H#y@EGXPOAScAnB");
    node.file("b.key", "1H#y@EGXPOAScAnB");
    await node.json("backup");
    node.setKeys("encrypt_key: HOME/b.key");
    held.passwords.length = 0;
    await node.json("key", "rotate", "--old", node.path("a.key"));
    expectZero(held.passwords, 2);
    await vi.waitFor(() => expectZero(held.stretched, 2), STRETCHING);
  });
});

describe("a snapshot's key", () => {
  /** An identity that tells every key it gave out. */
  function watched(identity: Identity): { readonly identity: Identity; readonly given: Uint8Array[] } {
    const given: Uint8Array[] = [];
    const unwrap: Identity["unwrap"] = async (...words) => {
      const sk = await identity.unwrap(...words);
      if (sk !== null) given.push(sk);
      return sk;
    };
    return { identity: { ...identity, unwrap }, given };
  }
  async function made() {
    const store = memoryStore();
    const node = makeNode();
    const secret = await generateX25519Identity();
    const recipients = [ageRecipient(await identityToRecipient(secret))];
    const snapshot = makeSnapshotId(Date.UTC(2026, 0, 1), new Uint8Array(8));
    const { card } = await buildSnapshot({
      store,
      node,
      items: [{ path: "data/f", content: ["x"] }],
      recipients,
      snapshot,
    });
    return { store, card, secret };
  }

  it("is overwritten once its keys are derived, where it is opened to restore or verify", async () => {
    const { store, card, secret } = await made();
    const { identity, given } = watched(ageIdentity([secret]));
    const { keys } = await openKeys(store, card.core, { identities: [identity], progress: silent });
    expectZero(given);
    expect(isZero(keys.pack)).toBe(false);
  });

  it("that does not fit the commitment is overwritten, too", async () => {
    const { store, card, secret } = await made();
    const { identity, given } = watched(ageIdentity([secret]));
    const wrong: Identity = {
      ...identity,
      unwrap: async (...words) => (await identity.unwrap(...words))?.reverse() ?? null,
    };
    await expect(openKeys(store, card.core, { identities: [wrong], progress: silent })).rejects.toThrow(
      /not the key of/,
    );
    expectZero(given);
  });

  it.each([
    ["a rotation that succeeds", true, "rewritten"],
    ["one whose new file does not open", false, "failed"],
  ])("is overwritten after %s", async (_, opens, outcome) => {
    const [secret, next, other] = await Promise.all([1, 2, 3].map(() => generateX25519Identity()));
    const node = await keyedNode(`keys: [${await identityToRecipient(secret ?? "")}]`);
    await node.json("backup");
    const old = watched(ageIdentity([secret ?? ""]));
    const proof = watched(ageIdentity([(opens ? next : other) ?? ""]));
    const [done] = await rekeyNode({
      store: await openStore(`file://${node.vault}`),
      node: toNodeName("demo"),
      change: { add: [ageRecipient(await identityToRecipient(next ?? ""))], removes: async () => true },
      identities: [old.identity],
      proof: [proof.identity],
      keepFolder: tempDir("coldkeep-kept"),
      now: 0,
      progress: silent,
      signal: new AbortController().signal,
    });
    expect(done?.outcome).toBe(outcome);
    expectZero(old.given);
    expectZero(proof.given, opens ? 1 : 0);
  });

  it("that an RSA key opened is overwritten", async () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const node = await keyedNode("keys: [rsa:HOME/own.pem]");
    node.file("own.pem", privateKey.export({ type: "pkcs8", format: "pem" }));
    await node.json("backup");
    expect(await node.restored()).toBe("content of the node");
    expectZero(held.opened);
  });
});
