import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runVerify, startVerifyThreads, type VerifyResult } from "../../../agent/verify/index.ts";
import { encodeCard, parseCard, publicKeyOf, signCard } from "../../../vault/card/index.ts";
import type { Card } from "../../../vault/card/types.ts";
import { isColdkeepError, names } from "../../../vault/names/index.ts";
import { keyIdentity, keyRecipient } from "../../../vault/sealed/index.ts";
import { type Built, buildSnapshot, type Item, makeNode } from "../../support/build-snapshot.ts";
import type { MemoryStore } from "../../support/memory-store.ts";
import { type Fixture, restoreFixture } from "../restore/fixture.ts";

const block = (seed: number) => Buffer.alloc(200_000, `block ${seed} ${"x".repeat(seed)}`);
const noise = randomBytes(200_000);

const BASE: readonly Item[] = [
  { path: "data" },
  { path: "data/kept", content: [block(1)] },
  { path: "data/noise", content: [noise] },
  { path: "data/gone", content: [block(2)] },
];
const NEXT: readonly Item[] = [
  { path: "data" },
  { path: "data/kept", content: [block(1)] },
  { path: "data/noise", content: [noise] },
  { path: "data/own", content: [block(3)] },
  { path: "data/own-too", content: [block(4)] },
];

interface Chain extends Fixture {
  /** The second snapshot: its packs lie in both. */
  readonly next: Built;
}

async function chain(): Promise<Chain> {
  const fixture = await restoreFixture(BASE);
  const { store, keys, built } = fixture;
  const { node } = built;
  const next = await buildSnapshot({ store, node, items: NEXT, recipients: [keys], parent: built, seq: 2 });
  return { ...fixture, next };
}

type Damage = (c: Chain) => void;
const bytesOf = (store: MemoryStore, name: string) => {
  const object = store.objects.get(name);
  if (object === undefined) throw new Error(`no ${name}`);
  return object.bytes;
};
const change = (pick: (c: Chain) => string, how: (bytes: Uint8Array) => Uint8Array): Damage => {
  return (c) => c.store.plant(pick(c), how(bytesOf(c.store, pick(c))));
};
const flip = (at: number) => (bytes: Uint8Array) => {
  const copy = Uint8Array.from(bytes);
  const index = at < 0 ? copy.length + at : at;
  copy[index] = (copy[index] ?? 0) ^ 1;
  return copy;
};
const cut = (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 70_000);
const remove = (pick: (c: Chain) => string): Damage => {
  return (c) => {
    c.store.objects.delete(pick(c));
  };
};
const swapTwo = (a: (c: Chain) => string, b: (c: Chain) => string): Damage => {
  return (c) => {
    const [first, second] = [bytesOf(c.store, a(c)), bytesOf(c.store, b(c))];
    c.store.plant(a(c), second);
    c.store.plant(b(c), first);
  };
};
const N = (c: Chain) => c.built.node.name;
const basePack = (c: Chain) => names.pack(N(c), c.built.snapshot, 0);
const ownPack = (c: Chain) => names.pack(N(c), c.next.snapshot, 0);
const card = (c: Chain) => names.card(N(c), c.next.snapshot);
const baseCard = (c: Chain) => names.card(N(c), c.built.snapshot);
const manifest = (c: Chain) => names.manifest(N(c), c.next.snapshot);
const keyFile = (c: Chain) => names.keyJson(N(c), c.next.snapshot);
const baseKey = (c: Chain) => names.keyJson(N(c), c.built.snapshot);
const editCard = (edit: (card: Card) => Card): Damage =>
  change(card, (bytes) => encodeCard(edit(parseCard(bytes) as Card)));

interface Row {
  readonly name: string;
  readonly damage: Damage;
  readonly kind: "integrity" | "not-found";
  readonly on: (c: Chain) => string;
  readonly says: RegExp;
  /** Files a keyed verify with data names; null: the whole snapshot; absent: verify throws as restore does. */
  readonly costs?: readonly string[] | null;
}

const ROWS: readonly Row[] = [
  {
    name: "a bit of a pack flipped",
    damage: change(basePack, flip(100_000)),
    kind: "integrity",
    on: basePack,
    says: /damaged frame/,
    costs: ["data/noise"],
  },
  {
    name: "a bit of a pack's header flipped",
    damage: change(ownPack, flip(40)),
    kind: "integrity",
    on: ownPack,
    says: /./,
    costs: [],
  },
  {
    name: "a pack truncated",
    damage: change(basePack, cut),
    kind: "integrity",
    on: basePack,
    says: /truncated/,
    costs: ["data/noise"],
  },
  {
    name: "a pack emptied",
    damage: change(basePack, () => new Uint8Array(0)),
    kind: "integrity",
    on: basePack,
    says: /truncated/,
    costs: ["data/kept", "data/noise"],
  },
  {
    name: "a pack missing",
    damage: remove(basePack),
    kind: "integrity",
    on: basePack,
    says: /missing/,
    costs: ["data/kept", "data/noise"],
  },
  {
    name: "a pack renamed",
    damage: (c) => {
      c.store.plant(names.pack(N(c), c.built.snapshot, 9), bytesOf(c.store, basePack(c)));
      c.store.objects.delete(basePack(c));
    },
    kind: "integrity",
    on: basePack,
    says: /missing/,
    costs: ["data/kept", "data/noise"],
  },
  {
    name: "two packs swapped",
    damage: swapTwo(basePack, ownPack),
    kind: "integrity",
    on: basePack,
    says: /another object|truncated/,
    costs: null,
  },
  {
    name: "the manifest truncated",
    damage: change(manifest, cut),
    kind: "integrity",
    on: manifest,
    says: /truncated/,
    costs: null,
  },
  {
    name: "a bit of the manifest flipped",
    damage: change(manifest, flip(200)),
    kind: "integrity",
    on: manifest,
    says: /SHA-256/,
    costs: null,
  },
  {
    name: "the manifest missing",
    damage: remove(manifest),
    kind: "integrity",
    on: manifest,
    says: /missing/,
    costs: null,
  },
  {
    name: "the manifest of another snapshot",
    damage: change(manifest, () => new Uint8Array(0)),
    kind: "integrity",
    on: manifest,
    says: /truncated/,
    costs: null,
  },
  { name: "the card missing", damage: remove(card), kind: "not-found", on: card, says: /no such snapshot/ },
  {
    name: "the card truncated",
    damage: change(card, (b) => b.subarray(0, 100)),
    kind: "integrity",
    on: card,
    says: /./,
    costs: null,
  },
  {
    name: "a bit of the card flipped",
    damage: change(card, flip(60)),
    kind: "integrity",
    on: card,
    says: /./,
    costs: null,
  },
  {
    name: "the card of another snapshot",
    damage: (c) => c.store.plant(card(c), bytesOf(c.store, baseCard(c))),
    kind: "integrity",
    on: card,
    says: /snapshot/,
    costs: null,
  },
  {
    name: "a card changed after signing",
    damage: editCard((c) => ({ ...c, core: { ...c.core, seq: 99 } })),
    kind: "integrity",
    on: card,
    says: /signature/,
    costs: null,
  },
  {
    name: "the key file missing",
    damage: remove(keyFile),
    kind: "integrity",
    on: keyFile,
    says: /missing/,
    costs: null,
  },
  {
    name: "the key file truncated",
    damage: change(keyFile, (b) => b.subarray(0, 50)),
    kind: "integrity",
    on: keyFile,
    says: /./,
    costs: null,
  },
  {
    name: "the key file of another snapshot",
    damage: (c) => c.store.plant(keyFile(c), bytesOf(c.store, baseKey(c))),
    kind: "integrity",
    on: keyFile,
    says: /belongs elsewhere/,
    costs: null,
  },
  {
    name: "the key file of an origin missing",
    damage: remove(baseKey),
    kind: "integrity",
    on: baseKey,
    says: /missing/,
    costs: null,
  },
];

describe("a damaged vault", () => {
  it.each(ROWS)("$name: restore says which object and leaves nothing; verify says what it costs", async (row) => {
    const c = await chain();
    row.damage(c);
    const o = c.options({ snapshot: c.next.snapshot });
    const harmless = row.costs?.length === 0;
    if (harmless) await c.restore({ snapshot: c.next.snapshot });
    else {
      const error = await c.restore({ snapshot: c.next.snapshot }).catch((e: unknown) => e);
      expect(error).toMatchObject({ kind: row.kind, on: row.on(c) });
      expect(isColdkeepError(error) && error.message).toMatch(row.says);
      expect(isColdkeepError(error) && error.todo, "says what to do").toBeTruthy();
      expect(readdirSync(c.dir)).toEqual(["state"]);
    }
    const verify = runVerify({ ...o, readData: true });
    if (row.costs === undefined) {
      await expect(verify).rejects.toMatchObject({ kind: row.kind });
      return;
    }
    const result = await verify;
    expectCosts(result, row, c);
  });

  function expectCosts(result: VerifyResult, row: Row, c: Chain) {
    if (row.costs === null) {
      expect(result.ok).toBe(false);
      expect(result.damages.some(({ object }) => object === row.on(c))).toBe(true);
      return;
    }
    const files = [...new Set(result.damages.flatMap((damage) => damage.files))].sort();
    expect(files).toEqual(row.costs);
  }

  it("is found sound where it is", async () => {
    const c = await chain();
    const result = await runVerify({ ...c.options({ snapshot: c.next.snapshot }), readData: true });
    expect(result).toMatchObject({ ok: true, damages: [], files: 4, chunks: 4, packs: 3, origin: "first sight" });
    expect(result.bytes).toBe(800_000);
  });

  it("one snapshot after the other is looked at by the same threads, damaged or not", async () => {
    const c = await chain();
    const openingThreads = startVerifyThreads(2);
    const look = () => runVerify({ ...c.options({ snapshot: c.next.snapshot }), readData: true, openingThreads });
    try {
      expect(await look()).toMatchObject({ ok: true, chunks: 4 });
      change(basePack, flip(100_000))(c);
      expect((await look()).damages[0]).toMatchObject({ object: basePack(c), files: ["data/noise"] });
      expect((await look()).ok).toBe(false);
    } finally {
      await openingThreads.close();
    }
  });

  it("without reading data, a missing pack and the files in it are still told", async () => {
    const c = await chain();
    remove(basePack)(c);
    const result = await runVerify({ ...c.options({ snapshot: c.next.snapshot }), readData: false });
    expect(result.damages).toHaveLength(1);
    expect(result.damages[0]).toMatchObject({ object: basePack(c), files: ["data/kept", "data/noise"], affected: 2 });
  });

  it("a flipped bit is found by reading data only", async () => {
    const c = await chain();
    change(basePack, flip(100_000))(c);
    const o = c.options({ snapshot: c.next.snapshot });
    expect((await runVerify({ ...o, readData: false })).ok).toBe(true);
    const result = await runVerify({ ...o, readData: true });
    expect(result.damages[0]).toMatchObject({ object: basePack(c), files: ["data/noise"], affected: 1 });
    expect(result.damages[0]?.what).toMatch(/frame \d+ at byte \d+ does not authenticate/);
  });
});

describe("keys and signers", () => {
  it("a card its own host signed without the snapshot's key does not pass: the MAC is checked too", async () => {
    const c = await chain();
    change(card, (bytes) => {
      const { core, mac } = parseCard(bytes) as Card;
      const edited = { ...core, seq: core.seq + 1 };
      return encodeCard(signCard(edited, Buffer.from(mac, "base64url"), c.built.node.signingKey));
    })(c);
    const failed = c.restore({ snapshot: c.next.snapshot });
    await expect(failed).rejects.toMatchObject({ kind: "integrity", on: card(c), why: expect.stringContaining("MAC") });
  });

  it("frames that open but hold other content than their ids say are found by reading data", async () => {
    const swapIds = (segment: string) => {
      const [first = "", second = ""] = [...segment.matchAll(/"([A-Za-z0-9_-]{43})"\]/g)].map((m) => m[1] ?? "");
      return segment.replace(first, "?").replace(second, first).replace("?", second);
    };
    const c = await restoreFixture(BASE, { edit: { segment: swapIds } });
    const result = await runVerify({ ...c.options(), readData: true });
    expect(result.damages[0]?.what).toMatch(/holds other content than the manifest says/);
    expect(result.damages[0]?.files).toHaveLength(2);
  });

  it("wrong key: kind key, not integrity, and nothing is written", async () => {
    const stretch = { kdf: "scrypt", salt: Buffer.alloc(32, 1).toString("base64url"), n: 2 ** 14, r: 8, p: 1 } as const;
    const recipient = keyRecipient({ source: Buffer.from("0H#y@EGXPOAScAnB"), stretch });
    const { dir, restore, options } = await restoreFixture(BASE, { recipients: [recipient] });
    const identities = [keyIdentity(Buffer.from("another key 16 b"))];
    await expect(restore({ identities })).rejects.toMatchObject({ kind: "key" });
    await expect(runVerify({ ...options({ identities }), readData: false })).rejects.toMatchObject({ kind: "key" });
    expect(readdirSync(dir)).toEqual(["state"]);
    await restore({ identities: [keyIdentity(Buffer.from("0H#y@EGXPOAScAnB"))] });
    expect(readFileSync(join(dir, "out/data/noise")).equals(noise)).toBe(true);
  });

  it("a card of another node is refused", async () => {
    const c = await chain();
    const other = makeNode("node-2");
    const { snapshot } = c.built;
    await buildSnapshot({ store: c.store, node: other, items: BASE, recipients: [c.keys], snapshot });
    c.store.plant(baseCard(c), bytesOf(c.store, names.card(other.name, snapshot)));
    await expect(c.restore()).rejects.toMatchObject({ kind: "integrity", on: baseCard(c) });
  });

  it("a card of another vault than expected is refused", async () => {
    const { restore } = await restoreFixture(BASE);
    await expect(restore({ vault: makeNode().vault })).rejects.toMatchObject({ kind: "integrity" });
  });

  it("a card signed by another key than the pinned one is refused", async () => {
    const c = await chain();
    const pinnedKey = publicKeyOf(makeNode().signingKey);
    await expect(c.restore({ pinnedKey })).rejects.toMatchObject({ kind: "integrity" });
    const own = publicKeyOf(c.built.node.signingKey);
    expect((await c.restore({ pinnedKey: own })).origin).toBe("pinned");
  });

  it("a card signed by another key than the one that claimed the node's name is refused, unless trusted", async () => {
    const c = await chain();
    const claim = names.nodeJson(c.built.node.name);
    const foreign = { ...makeNode("node-1"), vault: c.built.node.vault };
    c.store.objects.delete(claim);
    const second = await buildSnapshot({ store: c.store, node: foreign, items: BASE, recipients: [c.keys] });
    const refused = c.restore();
    await expect(refused).rejects.toMatchObject({ kind: "integrity", why: expect.stringContaining("claimed") });
    expect((await c.restore({ snapshot: second.snapshot })).origin).toBe("first sight");
  });

  it("without pin or claim the origin is not verified; a trusted fingerprint pins it, another is refused", async () => {
    const c = await restoreFixture(BASE, { bare: true });
    const plain = await c.restore();
    expect(plain).toMatchObject({ origin: "not verified", receivedAt: null });
    const { signer } = await (await import("../../../agent/restore/index.ts")).planRestore(
      c.options({ targets: { to: join(c.dir, "again") } }),
    );
    const trusted = c.restore({ trustCardKey: signer, targets: { to: join(c.dir, "third") } });
    expect((await trusted).origin).toBe("pinned");
    const wrong = c.restore({ trustCardKey: "A".repeat(43), targets: { to: join(c.dir, "fourth") } });
    await expect(wrong).rejects.toMatchObject({ kind: "integrity" });
    expect(existsSync(join(c.dir, "fourth"))).toBe(false);
  });

  it("a key wrapped to a public key proves no sender: refused unless the card's key is pinned or trusted", async () => {
    const c = await restoreFixture(BASE, { bare: true });
    const age = { ...c.keys, type: "age" };
    const wrap = async (...args: Parameters<typeof c.keys.wrap>) => ({ ...(await c.keys.wrap(...args)), type: "age" });
    const node = makeNode();
    const recipients = [{ type: "age", wrap }];
    const built = await buildSnapshot({ store: c.store, node, items: BASE, recipients, bare: true });
    const changes = { snapshot: built.snapshot, identities: [age] };
    await expect(c.restore(changes)).rejects.toMatchObject({ kind: "refused", what: /which host made/ });
    const pinnedKey = publicKeyOf(node.signingKey);
    expect((await c.restore({ ...changes, pinnedKey })).origin).toBe("pinned");
  });

  it("a key file rewritten by somebody without the key is warned of, and used: the key itself is proven", async () => {
    const c = await chain();
    const warned: string[] = [];
    const note = (text: string) => warned.push(text);
    change(keyFile, (bytes) => {
      const file = JSON.parse(Buffer.from(bytes).toString("utf8"));
      file.slots[0].kid = "changed";
      return Buffer.from(JSON.stringify(file));
    })(c);
    const progress = { stage() {}, advance() {}, note() {}, warn: note };
    await c.restore({ snapshot: c.next.snapshot, progress });
    expect(warned.join()).toMatch(/changed by somebody who does not hold the key/);
  });
});
