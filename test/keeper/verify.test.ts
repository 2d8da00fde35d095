import { describe, expect, it } from "vitest";
import { type KeylessVerdict, verifySnapshots } from "../../keeper/index.ts";
import { type Card, encodeCard, signCard } from "../../vault/card/index.ts";
import { isColdkeepError, names, type SnapshotId } from "../../vault/names/index.ts";
import { type CardWorld, cardWorld, keyJson, signingKey, usesOf } from "../support/cards.ts";
import { faultyStore } from "../support/faulty-store.ts";

const idOf = (card: Card) => card.core.snapshot;

async function verify(world: CardWorld, readData = true, ids?: readonly SnapshotId[]): Promise<KeylessVerdict[]> {
  const { store, vault, node } = world;
  const verdicts: KeylessVerdict[] = [];
  const options = { store, vault, node, readData, ...(ids === undefined ? {} : { ids }) };
  for await (const verdict of verifySnapshots(options)) verdicts.push(verdict);
  return verdicts;
}

/** Two snapshots, the second on top of the first; what is done to the vault, and what must be said of the second. */
async function damagesAfter(damage: (world: CardWorld, first: Card, second: Card) => void, readData = true) {
  const world = await cardWorld();
  const first = await world.snapshot();
  const second = await world.snapshot({ parent: idOf(first), inherited: usesOf(first) });
  damage(world, first, second);
  const [verdict] = await verify(world, readData, [idOf(second)]);
  expect(verdict?.ok).toBe(verdict?.damages.length === 0);
  return { damages: verdict?.damages ?? [], notes: verdict?.notes ?? [], world, first, second };
}

function bytesAt(world: CardWorld, name: string): Uint8Array {
  const object = world.store.objects.get(name);
  if (object === undefined) throw new Error(`${name} is not there`);
  return object.bytes;
}

function flip(world: CardWorld, name: string): void {
  const bytes = Uint8Array.from(bytesAt(world, name));
  bytes.set([(bytes[bytes.length >> 1] ?? 0) ^ 4], bytes.length >> 1);
  world.store.plant(name, bytes);
}

const cut = (world: CardWorld, name: string) =>
  world.store.plant(name, bytesAt(world, name).subarray(0, bytesAt(world, name).length - 1));

function swap(world: CardWorld, a: string, b: string): void {
  const [x, y] = [bytesAt(world, a), bytesAt(world, b)];
  world.store.plant(a, y);
  world.store.plant(b, x);
}

describe("verify without a key", () => {
  it("finds nothing wrong with what is whole, and reads shared packs once", async () => {
    const { damages, notes, world } = await damagesAfter(() => {});
    expect([damages, notes]).toEqual([[], []]);
    const all = await verify(world);
    expect(all.map(({ ok, packs }) => [ok, packs])).toEqual([
      [true, 2],
      [true, 4],
    ]);
    const sizes = [...world.store.objects].filter(([name]) => name.endsWith(".pack")).map(([, o]) => o.bytes.length);
    expect(all.reduce((sum, { read }) => sum + read, 0)).toBe(sizes.reduce((sum, size) => sum + size, 0));
  });

  const objects: readonly (readonly [what: string, name: (first: Card, second: Card) => string])[] = [
    ["a pack of its own", (_, b) => names.pack(b.core.node, idOf(b), 1)],
    ["a pack of its parent", (a) => names.pack(a.core.node, idOf(a), 0)],
    ["the manifest", (_, b) => names.manifest(b.core.node, idOf(b))],
    ["its pack list", (_, b) => names.packList(b.core.node, idOf(b), 0)],
    ["its parent's pack list", (a) => names.packList(a.core.node, idOf(a), 0)],
    ["its key.json", (_, b) => names.keyJson(b.core.node, idOf(b))],
    ["its parent's key.json", (a) => names.keyJson(a.core.node, idOf(a))],
  ];

  it.each(objects)("%s: missing", async (_what, nameOf) => {
    const found = await damagesAfter((world, a, b) => world.store.objects.delete(nameOf(a, b)), false);
    const name = nameOf(found.first, found.second);
    expect(found.damages).toContainEqual({ object: name, problem: "missing", detail: "it is not there" });
  });

  it.each(objects)("%s: truncated", async (_what, nameOf) => {
    const found = await damagesAfter((world, a, b) => cut(world, nameOf(a, b)), false);
    const name = nameOf(found.first, found.second);
    const size = bytesAt(found.world, name).length;
    const damage = found.damages.find(({ object }) => object === name);
    if (name.endsWith("key.json")) expect(damage?.problem).toBe("malformed");
    else
      expect(damage).toMatchObject({ problem: "truncated", detail: `it has ${size} bytes, expected are ${size + 1}` });
  });

  it.each(objects)("%s: a flipped bit", async (_what, nameOf) => {
    const found = await damagesAfter((world, a, b) => flip(world, nameOf(a, b)));
    const name = nameOf(found.first, found.second);
    const damage = found.damages.find(({ object }) => object === name);
    expect(["changed", "malformed", "swapped"]).toContain(damage?.problem);
  });

  it("a flipped bit in a pack shows only where its data is read", async () => {
    const damage = (world: CardWorld, _: Card, b: Card) => flip(world, names.pack(world.node, idOf(b), 0));
    expect((await damagesAfter(damage, false)).damages).toEqual([]);
    expect((await damagesAfter(damage, true)).damages).toMatchObject([
      { problem: "changed", detail: expect.stringMatching(/SHA-256 is [0-9a-f]{64}, expected is/) },
    ]);
  });

  it("packs that were swapped are each told by the other's name", async () => {
    const found = await damagesAfter((world, a, b) =>
      swap(world, names.pack(world.node, idOf(a), 1), names.pack(world.node, idOf(b), 0)),
    );
    const [x, y] = [
      names.pack(found.world.node, idOf(found.first), 1),
      names.pack(found.world.node, idOf(found.second), 0),
    ];
    expect(found.damages).toEqual([
      { object: x, problem: "swapped", detail: `it holds the bytes of ${y}` },
      { object: y, problem: "swapped", detail: `it holds the bytes of ${x}` },
    ]);
  });

  it("manifests that were swapped", async () => {
    const found = await damagesAfter((w, a, b) =>
      swap(w, names.manifest(w.node, idOf(a)), names.manifest(w.node, idOf(b))),
    );
    const detail = `it holds the bytes of ${names.manifest(found.world.node, idOf(found.first))}`;
    expect(found.damages).toMatchObject([{ problem: "swapped", detail }]);
  });

  it("a pack under another name is missing, and the stray file is named", async () => {
    const found = await damagesAfter((world, _, b) => {
      const name = names.pack(world.node, idOf(b), 1);
      world.store.plant(names.pack(world.node, idOf(b), 7), bytesAt(world, name));
      world.store.objects.delete(name);
    });
    expect(found.damages).toMatchObject([{ problem: "missing", object: expect.stringMatching(/00001\.pack$/) }]);
    expect(found.notes).toEqual([expect.stringMatching(/00007\.pack: nothing of this snapshot names it/)]);
  });

  it("a pack that no list names", async () => {
    const world = await cardWorld();
    const card = await world.snapshot({
      change: (c) => ({ ...c, origins: [{ snapshot: c.snapshot, ranges: [[0, 2]] }] }),
    });
    world.store.plant(names.pack(world.node, idOf(card), 2), Buffer.from("sealed"));
    expect((await verify(world))[0]?.damages).toMatchObject([
      { problem: "unlisted", object: expect.stringMatching(/00002/) },
    ]);
  });

  it("a pack list of a newer format is told by its name", async () => {
    const world = await cardWorld();
    const name = names.packList(world.node, idOf(await world.snapshot()), 0);
    const newer = Buffer.from(bytesAt(world, name)).toString("latin1").replace('"format":1', '"format":9');
    world.store.plant(name, Buffer.from(newer, "latin1"));
    await expect(verify(world)).rejects.toMatchObject({ kind: "refused", on: name });
  });

  it("key.json of another snapshot, of another commitment, without slots", async () => {
    const other = await damagesAfter((w, a, b) =>
      swap(w, names.keyJson(w.node, idOf(a)), names.keyJson(w.node, idOf(b))),
    );
    expect(other.damages.map(({ problem }) => problem)).toEqual(["swapped", "swapped"]);
    expect(other.damages[0]?.detail).toContain(idOf(other.first));
    const changed = await damagesAfter((w, _, b) => {
      const bytes = keyJson(w.vault, w.node, idOf(b), Buffer.alloc(32, 1).toString("base64url"));
      w.store.plant(names.keyJson(w.node, idOf(b)), bytes);
    });
    expect(changed.damages).toMatchObject([{ problem: "changed", detail: expect.stringMatching(/commitment/) }]);
    const slotless = await damagesAfter((w, _, b) => {
      const file = Buffer.from(bytesAt(w, names.keyJson(w.node, idOf(b)))).toString();
      w.store.plant(names.keyJson(w.node, idOf(b)), Buffer.from(file.replace(/"slots":\[.*?\]/, '"slots":[]')));
    });
    expect(slotless.damages).toMatchObject([{ problem: "malformed", detail: expect.stringMatching(/0 slots/) }]);
    const huge = await damagesAfter((w, _, b) =>
      w.store.plant(names.keyJson(w.node, idOf(b)), Buffer.alloc(70_000, 32)),
    );
    expect(huge.damages).toMatchObject([{ problem: "malformed" }]);
  });

  it("cards: forged, changed after signing, cut, another node's, another snapshot's", async () => {
    const world = await cardWorld();
    const other = await cardWorld("other");
    const card = await world.snapshot();
    const second = await world.snapshot();
    const name = names.card(world.node, idOf(card));
    const told = async (bytes: Uint8Array) => {
      world.store.plant(name, bytes);
      return (await verify(world, false, [idOf(card)]))[0]?.damages.map(({ object, problem }) => [object, problem]);
    };
    expect(await told(encodeCard(card))).toEqual([]);
    const forged = signCard(card.core, Buffer.alloc(32, 9), signingKey(66));
    expect(await told(encodeCard(forged))).toEqual([[name, "forged"]]);
    expect(await told(encodeCard({ ...card, core: { ...card.core, seq: 99 } }))).toEqual([[name, "forged"]]);
    expect(await told(encodeCard(card).subarray(0, 100))).toEqual([[name, "malformed"]]);
    expect(await told(encodeCard(await other.snapshot()))).toEqual([[name, "swapped"]]);
    expect(await told(encodeCard(second))).toEqual([[name, "swapped"]]);
  });

  it("packs of an adopted run are told by the adopter's list, also from a grandchild", async () => {
    const world = await cardWorld();
    const { id, rows } = await world.deadRun();
    const uses = [{ snapshot: id, ranges: [[0, 1]] as const }];
    const adopter = await world.snapshot({ adopts: [id], adoptedRows: rows, inherited: uses, packs: 0 });
    await world.adopt(id, idOf(adopter));
    world.store.plant(
      names.keyJson(world.node, id),
      keyJson(world.vault, world.node, id, Buffer.alloc(32).toString("base64url")),
    );
    const child = await world.snapshot({ parent: idOf(adopter), inherited: usesOf(adopter) });
    const verdicts = await verify(world);
    expect(verdicts.map((v) => [v.snapshot, v.damages])).toEqual([
      [idOf(adopter), []],
      [idOf(child), []],
    ]);
    flip(world, names.pack(world.node, id, 1));
    expect((await verify(world)).map((v) => v.damages.length)).toEqual([1, 1]);
  });

  it("an origin whose card was collected is a note: its lists and packs still tell", async () => {
    const gone = (w: CardWorld, a: Card) => w.store.objects.delete(names.card(w.node, idOf(a)));
    const { damages, notes } = await damagesAfter(gone);
    expect([damages.length, notes.length]).toEqual([0, 1]);
    const flipped = await damagesAfter((w, a) => {
      gone(w, a);
      flip(w, names.pack(w.node, idOf(a), 0));
    });
    expect(flipped.damages).toMatchObject([{ problem: "changed" }]);
    const unlisted = await damagesAfter((w, a) => {
      gone(w, a);
      w.store.objects.delete(names.packList(w.node, idOf(a), 0));
    });
    expect(unlisted.damages.map(({ problem }) => problem)).toEqual(["unlisted", "unlisted"]);
  });

  it("a store that cannot answer is an error, never a damage", async () => {
    const world = await cardWorld();
    await world.snapshot();
    for (const call of ["head", "getRange", "list", "get"] as const) {
      const store = faultyStore(world.store, (c) => (c.call === call ? "fails-before" : null));
      const run = async () => {
        for await (const _ of verifySnapshots({ store, node: world.node, readData: true }));
      };
      await expect(run(), call).rejects.toSatisfy((e) => isColdkeepError(e, "vault"));
    }
  });

  it("an id without a card is an error; a closed run is no snapshot", async () => {
    const world = await cardWorld();
    const { id } = await world.deadRun();
    await expect(verify(world, false, [id])).rejects.toSatisfy((e) => isColdkeepError(e, "not-found"));
    await world.adopt(id, idOf(await world.snapshot()));
    expect(await verify(world, false)).toHaveLength(1);
  });
});
