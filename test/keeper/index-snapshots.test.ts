import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { indexSnapshots, listSnapshots, rebuildIndex, selectSnapshot } from "../../keeper/index.ts";
import {
  type Card,
  encodeCard,
  encodeFate,
  type Index,
  parseBackupList,
  parseHead,
  parseIndex,
  signCard,
  writerOf,
} from "../../vault/card/index.ts";
import { isColdkeepError, makeVaultId, names, type SnapshotId, toNodeName } from "../../vault/names/index.ts";
import type { Store } from "../../vault/store/index.ts";
import { type CardWorld, cardWorld, START, signingKey, usesOf } from "../support/cards.ts";
import { faultyStore, seededFaults } from "../support/faulty-store.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const index = (world: CardWorld, ...ids: readonly SnapshotId[]) =>
  indexSnapshots({ store: world.store, vault: world.vault, node: world.node, ids });
const idOf = (card: Card) => card.core.snapshot;

async function entryOf(world: CardWorld, card: Card) {
  const { entries } = await index(world, idOf(card));
  const [entry] = entries;
  if (entry === undefined) throw new Error("it is not in the index");
  return entry;
}

async function files(world: CardWorld) {
  const read = async (name: string) => (await world.store.get(name))?.bytes ?? new Uint8Array(0);
  return {
    index: parseIndex(await read(names.indexJson(world.node))),
    head: parseHead(await read(names.headJson(world.node))),
    list: parseBackupList(await read(names.backupList(world.node))),
  };
}

describe("indexing", () => {
  it("lists a chain newest first in index, head and backup_list", async () => {
    const world = await cardWorld();
    const first = await world.snapshot({ heights: { "": 10 } });
    const second = await world.snapshot({ parent: idOf(first), inherited: usesOf(first) });
    await index(world, idOf(first));
    const outcome = await index(world, idOf(second));
    expect(outcome.entries[0]).toMatchObject({ snapshot: idOf(second), state: "good", remarks: [], seq: 2 });
    const { index: file, head, list } = await files(world);
    expect(file.snapshots.map((e) => e.snapshot)).toEqual([idOf(second), idOf(first)]);
    expect(list).toEqual([idOf(second), idOf(first)]);
    expect(head.newest).toBe(idOf(second));
    expect(head.generation).toBe(file.generation);
    expect(head.writers[writerOf(first.sig.key)]).toEqual({
      good: idOf(second),
      recent: [idOf(second), idOf(first)].map((snapshot) => ({ snapshot, state: "good" })),
    });
  });

  it("lists a card as broken whose pack is another one of the same size, where the store recorded its sum", async () => {
    const world = await cardWorld();
    const card = await world.snapshot();
    const pack = names.pack(world.node, idOf(card), 0);
    const size = world.store.objects.get(pack)?.bytes.length ?? 0;
    world.store.plant(pack, Buffer.alloc(size, 7));
    const recording: Store = {
      ...world.store,
      head: async (name) => {
        const info = await world.store.head(name);
        const bytes = world.store.objects.get(name)?.bytes ?? new Uint8Array(0);
        return info === null ? null : { ...info, sha256: createHash("sha256").update(bytes).digest("hex") };
      },
    };
    const at = { vault: world.vault, node: world.node, ids: [idOf(card)] };
    const { entries } = await indexSnapshots({ store: recording, ...at });
    expect(entries[0]).toMatchObject({
      state: "broken",
      remarks: [expect.stringMatching(/00000\.pack: its SHA-256 is/)],
    });
  });

  it("changes nothing when told again, late or twice", async () => {
    const world = await cardWorld();
    const card = await world.snapshot();
    await index(world, idOf(card));
    const before = await files(world);
    const writes = new Map([...world.store.objects].map(([name, { info }]) => [name, info.etag]));
    const again = await index(world, idOf(card), idOf(card));
    expect(again.changed).toBe(false);
    expect(await files(world)).toEqual(before);
    expect(new Map([...world.store.objects].map(([name, { info }]) => [name, info.etag]))).toEqual(writes);
  });

  it("sets backup_list and head right where a hand changed them", async () => {
    const world = await cardWorld();
    const card = await world.snapshot();
    await index(world, idOf(card));
    const before = await files(world);
    world.store.plant(names.backupList(world.node), Buffer.from("20990101/not what we wrote\n"));
    world.store.plant(names.headJson(world.node), Buffer.from("{}"));
    await index(world, idOf(card));
    expect(await files(world)).toEqual(before);
  });

  it("makes a missing or damaged index anew from the cards, not only from those it was told of", async () => {
    const world = await cardWorld();
    const first = await world.snapshot();
    const second = await world.snapshot();
    await index(world, idOf(first), idOf(second));
    for (const damage of ["{}", '{"format":1', "", null]) {
      if (damage === null) world.store.objects.delete(names.indexJson(world.node));
      else world.store.plant(names.indexJson(world.node), Buffer.from(damage));
      const outcome = await index(world, idOf(second));
      expect(outcome.rebuilt).toBe(true);
      expect((await files(world)).index.snapshots).toHaveLength(2);
    }
  });

  it("an index in which one bit was flipped is made anew from the cards; what was found damaged stays so", async () => {
    const world = await cardWorld();
    const first = idOf(await world.snapshot());
    const second = idOf(await world.snapshot());
    await index(world, first, second);
    const { store, node } = world;
    const found = ["data/x/00000.pack: damaged: a frame"];
    await indexSnapshots({ store, node, ids: [first], looked: new Map([[first, found]]) });
    const before = await files(world);
    expect(before.index.snapshots.map(({ state }) => state)).toEqual(["good", "damaged"]);

    const name = names.indexJson(node);
    const text = Buffer.from(store.objects.get(name)?.bytes ?? []).toString();
    // A bit of a digit: still an index in every other respect.
    const flip = (digit: string) => String.fromCharCode(digit.charCodeAt(0) ^ 1);
    store.plant(name, Buffer.from(text.replace(/(?<="stored":)\d/, flip)));
    await expect(selectSnapshot({ store, node, selection: { by: "latest" } })).rejects.toMatchObject({
      on: name,
      todo: expect.stringContaining("rebuild"),
    });
    await index(world, second);
    expect((await files(world)).index.snapshots).toEqual(before.index.snapshots);
  });

  it("keeps the newest 500 and puts older ones into their months, as a rebuild does", async () => {
    const world = await cardWorld();
    const ids: SnapshotId[] = [];
    for (let i = 0; i < 506; i += 1) ids.push(idOf(await world.snapshot({ packs: 0, at: START + i * 6 * HOUR })));
    await index(world, ...ids.slice(0, 503));
    for (const id of ids.slice(503)) await index(world, id);
    const { index: file } = await files(world);
    expect(file.snapshots).toHaveLength(500);
    expect(file.months).toEqual(["2026-01"]);
    const month = world.store.objects.get(names.indexMonth(world.node, "2026-01"))?.bytes ?? new Uint8Array(0);
    expect(parseIndex(month).snapshots.map((e) => e.snapshot)).toEqual(ids.slice(0, 6).reverse());
    expect(await index(world, ids[2] as SnapshotId)).toMatchObject({ changed: false });
    expect(plain((await rebuildIndex({ store: world.store, node: world.node })).index)).toEqual(plain(file));

    // Of a month that is lost, nobody is told as though nothing had ever been in it; and it is made anew from the cards.
    const name = names.indexMonth(world.node, "2026-01");
    const listed = async () => {
      const found: SnapshotId[] = [];
      for await (const { snapshot } of listSnapshots({ store: world.store, node: world.node })) found.push(snapshot);
      return found;
    };
    for (const damage of ["{}", '{"format":1', "", null]) {
      if (damage === null) world.store.objects.delete(name);
      else world.store.plant(name, Buffer.from(damage));
      await expect(listed()).rejects.toMatchObject({
        kind: "not-found",
        on: name,
        todo: expect.stringContaining("rebuild"),
      });
      const at = START + (506 + ids.length) * 6 * HOUR;
      const late = idOf(await world.snapshot({ packs: 0, at }));
      ids.push(late);
      expect(await index(world, late)).toMatchObject({ rebuilt: true });
      expect(await listed()).toEqual([...ids].reverse());
    }
  });
});

describe("what the vault does not bear out is broken", () => {
  const broken: readonly (readonly [what: string, make: (world: CardWorld) => Promise<Card>, remark: RegExp])[] = [
    ["no begin", (w) => w.snapshot({ without: ["begin"] }), /no begin/],
    ["a missing pack", (w) => w.snapshot({ without: ["00001.pack"] }), /00001\.pack: it is not there/],
    ["a missing pack list", (w) => w.snapshot({ without: ["packs-0000.json"] }), /packs-0000\.json: it is not there/],
    ["a missing manifest", (w) => w.snapshot({ without: ["manifest"] }), /manifest: it is not there/],
    ["a missing key.json", (w) => w.snapshot({ without: ["key.json"] }), /key\.json: it is not there/],
    ["a forged card", (w) => w.snapshot({ key: signingKey(66) }), /not from this node.*signed by another host/],
    ["a begin of another host", async (w) => swapBegin(w), /written by another host/],
    [
      "another parent in the begin",
      async (w) => {
        const parent = await w.snapshot();
        return w.snapshot({ parent: idOf(parent), inherited: usesOf(parent), begun: {} });
      },
      /its begin none/,
    ],
    [
      "a parent that is broken",
      async (w) => {
        const parent = await w.snapshot({ without: ["manifest"] });
        return w.snapshot({ parent: idOf(parent), inherited: usesOf(parent) });
      },
      /its parent .* is broken/,
    ],
    [
      "a parent that never committed",
      async (w) => {
        const { id } = await w.deadRun();
        return w.snapshot({ parent: id });
      },
      /never committed/,
    ],
    [
      "a parent with a later number",
      async (w) => {
        const parent = await w.snapshot({ seq: 5 });
        return w.snapshot({ parent: idOf(parent), inherited: usesOf(parent), seq: 5 });
      },
      /number 5/,
    ],
    [
      "a run with a parent that took four days",
      async (w) => {
        const parent = await w.snapshot();
        return w.snapshot({ parent: idOf(parent), inherited: usesOf(parent), took: 4 * DAY });
      },
      /took 96\.0 h/,
    ],
    [
      "packs its parent does not use",
      async (w) => {
        const parent = await w.snapshot();
        return w.snapshot({ parent: idOf(parent), inherited: [{ snapshot: idOf(parent), ranges: [[0, 2]] }] });
      },
      /00002\.pack of .* which its parent does not/,
    ],
    [
      "packs of others without a parent",
      async (w) => {
        const other = await w.snapshot();
        return w.snapshot({ inherited: usesOf(other) });
      },
      /has no parent/,
    ],
    [
      "own packs that no list names",
      (w) => w.snapshot({ change: (c) => ({ ...c, origins: [{ snapshot: c.snapshot, ranges: [[0, 5]] }] }) }),
      /00002\.pack of .* no pack list names/,
    ],
    [
      "packs of a dead run it did not close",
      async (w) => {
        const { id, rows } = await w.deadRun();
        return w.snapshot({ adopts: [id], adoptedRows: rows, inherited: [{ snapshot: id, ranges: [[0, 1]] }] });
      },
      /has no parent/,
    ],
    [
      "a parent that had expired more than a day before it began",
      async (w) => {
        const parent = await w.snapshot();
        w.store.plant(names.expired(w.node, idOf(parent), 1), Buffer.from("{}"));
        return w.snapshot({ parent: idOf(parent), inherited: usesOf(parent), at: w.now + 86_400_001 });
      },
      /had expired/,
    ],
  ];

  it.each(broken)("%s", async (_what, make, remark) => {
    const world = await cardWorld();
    const entry = await entryOf(world, await make(world));
    expect(entry.state).toBe("broken");
    expect(entry.remarks[0]).toMatch(remark);
    const { head, list } = await files(world);
    expect(list).not.toContain(entry.snapshot);
    expect(head.newest).not.toBe(entry.snapshot);
  });

  it("a card that was cut, flipped, renamed, or is another node's", async () => {
    const world = await cardWorld();
    const other = await cardWorld("other");
    const good = await world.snapshot();
    const bytes = encodeCard(good);
    const flipped = Uint8Array.from(bytes);
    flipped.set([(flipped[200] ?? 0) ^ 1], 200);
    const planted = [bytes.subarray(0, 300), flipped, bytes, encodeCard(await other.snapshot()), new Uint8Array(0)];
    for (const [i, card] of planted.entries()) {
      const id = world.nextId(START + (2 + i) * HOUR);
      world.store.plant(names.card(world.node, id), card, START + (2 + i) * HOUR);
      const { entries } = await index(world, id);
      expect(entries[0], `card ${i}`).toMatchObject({ snapshot: id, state: "broken", origins: [id] });
    }
    expect((await files(world)).list).toEqual([idOf(good)]);
  });

  it("a good card whose signature was taken from another", async () => {
    const world = await cardWorld();
    const [a, b] = [await world.snapshot(), await world.snapshot()];
    world.store.plant(names.card(world.node, idOf(a)), encodeCard({ ...a, sig: b.sig }));
    expect((await entryOf(world, a)).remarks[0]).toMatch(/signature does not verify/);
  });

  it("judges a parent before its child where it is asked for both, whichever id is the smaller", async () => {
    const world = await cardWorld();
    const parent = await world.snapshot({ at: START + 5 * DAY });
    const child = await world.snapshot({ at: START + 2 * DAY, parent: idOf(parent), inherited: usesOf(parent) });
    await index(world, idOf(parent), idOf(child));
    world.store.objects.delete(names.pack(world.node, idOf(parent), 0));
    const { entries } = await index(world, idOf(parent), idOf(child));
    expect(entries.map(({ state }) => state)).toEqual(["broken", "broken"]);
  });
});

describe("what stays good", () => {
  it("packs of a dead run that it closed with its own card", async () => {
    const world = await cardWorld();
    const { id, rows } = await world.deadRun();
    const card = await world.snapshot({
      adopts: [id],
      adoptedRows: rows,
      without: ["card"],
      inherited: [{ snapshot: id, ranges: [[0, 1]] }],
    });
    await world.adopt(id, idOf(card));
    world.store.plant(names.card(world.node, idOf(card)), encodeCard(card));
    expect(await entryOf(world, card)).toMatchObject({ state: "good", remarks: [] });
    expect((await index(world, id)).entries).toEqual([]);
    expect((await files(world)).index.snapshots).toHaveLength(1);
  });

  it("packs of a dead run that another dead run had taken over, which it took over in turn", async () => {
    const world = await cardWorld();
    const [x, y] = [await world.deadRun(), await world.deadRun()];
    const uses = [x, y].map(({ id }) => ({ snapshot: id, ranges: [[0, 1]] as const }));
    const rows = [...x.rows, ...y.rows];
    const card = await world.snapshot({ adopts: [y.id, x.id], adoptedRows: rows, inherited: uses });
    await world.adopt(x.id, y.id);
    const { index: file } = await index(world, idOf(card));
    expect(file.snapshots[0]?.state).toBe("broken");
    await world.adopt(y.id, idOf(card));
    expect(await entryOf(world, card)).toMatchObject({ state: "good", remarks: [] });
    world.store.plant(
      names.card(world.node, y.id),
      world.store.objects.get(names.card(world.node, x.id))?.bytes ?? new Uint8Array(0),
    );
    expect((await entryOf(world, card)).state).toBe("broken");
  });

  it("not packs of a run whose closing card is forged", async () => {
    const world = await cardWorld();
    const { id, rows } = await world.deadRun();
    const card = await world.snapshot({
      adopts: [id],
      adoptedRows: rows,
      inherited: [{ snapshot: id, ranges: [[0, 1]] }],
    });
    await world.adopt(id, idOf(card), signingKey(66));
    expect((await entryOf(world, card)).state).toBe("broken");
  });

  it("not packs of a run that another snapshot took over", async () => {
    const world = await cardWorld();
    const { id, rows } = await world.deadRun();
    const uses = [{ snapshot: id, ranges: [[0, 1]] as const }];
    const first = await world.snapshot({ adopts: [id], adoptedRows: rows, inherited: uses });
    const second = await world.snapshot({ adopts: [id], adoptedRows: rows, inherited: uses });
    await world.adopt(id, idOf(first));
    expect([(await entryOf(world, first)).state, (await entryOf(world, second)).state]).toEqual(["good", "broken"]);
  });

  it("a child whose parent expired only after it began, and is listed as expired", async () => {
    const world = await cardWorld();
    const parent = await world.snapshot();
    const child = await world.snapshot({ parent: idOf(parent), inherited: usesOf(parent) });
    world.store.plant(names.expired(world.node, idOf(parent), 1), Buffer.from("{}"), world.now);
    const outcome = await index(world, idOf(child), idOf(parent));
    expect(outcome.entries.map((e) => e.state)).toEqual(["good", "expired"]);
    world.store.plant(
      names.fate(world.node, idOf(parent), 1),
      encodeFate({
        format: 1,
        vault: world.vault,
        node: world.node,
        snapshot: idOf(parent),
        round: 1,
        fate: "rescued",
      }),
    );
    expect((await entryOf(world, parent)).state).toBe("good");
    world.store.plant(names.fate(world.node, idOf(parent), 1), Buffer.from("rubbish"));
    await expect(index(world, idOf(parent))).rejects.toSatisfy((e) => isColdkeepError(e, "integrity"));
  });

  it("a child whose parent was collected, as long as every pack is there", async () => {
    const world = await cardWorld();
    const parent = await world.snapshot();
    const child = await world.snapshot({ parent: idOf(parent), inherited: usesOf(parent) });
    world.store.objects.delete(names.card(world.node, idOf(parent)));
    world.store.objects.delete(names.begin(world.node, idOf(parent)));
    expect((await entryOf(world, child)).state).toBe("good");
    world.store.objects.delete(names.pack(world.node, idOf(parent), 1));
    expect((await entryOf(world, child)).remarks[0]).toMatch(/00001\.pack: it is not there/);
  });

  it("a snapshot taken after the clock went backwards", async () => {
    const world = await cardWorld();
    const parent = await world.snapshot({ at: START + 10 * DAY });
    const child = await world.snapshot({ at: START + 9 * DAY, parent: idOf(parent), inherited: usesOf(parent) });
    const entry = await entryOf(world, child);
    expect(entry).toMatchObject({ state: "good", remarks: [] });
  });

  it("many packs are looked at by one list, with the same findings", async () => {
    const world = await cardWorld();
    expect(await entryOf(world, await world.snapshot({ packs: 70 }))).toMatchObject({ state: "good" });
    const lacking = await world.snapshot({ packs: 70, without: ["00066.pack"] });
    expect((await entryOf(world, lacking)).remarks[0]).toMatch(/00066\.pack: it is not there/);
    const short = await world.snapshot({ packs: 70 });
    world.store.plant(names.pack(world.node, idOf(short), 69), Buffer.from("short"));
    expect((await entryOf(world, short)).remarks[0]).toMatch(/00069\.pack: it has 5 bytes, expected are/);
  });
});

describe("odd in time", () => {
  it.each([
    ["from the future", 2 * HOUR, true],
    ["within the hour", HOUR / 2, false],
    ["a week old", -8 * DAY, true],
    ["six days old", -6 * DAY, false],
  ])("an id %s", async (_what, shift, odd) => {
    const world = await cardWorld();
    const usual = await world.snapshot({ at: START + 20 * DAY });
    const at = START + 20 * DAY + HOUR;
    const strange = await world.snapshot({ at, idTime: at + shift });
    await index(world, idOf(usual), idOf(strange));
    const { head, index: file, list } = await files(world);
    expect(file.snapshots.map((e) => e.snapshot)).toEqual([idOf(strange), idOf(usual)]);
    expect(file.snapshots[0]).toMatchObject({ state: "good" });
    expect(file.snapshots[0]?.remarks.some((r) => r.startsWith("odd"))).toBe(odd);
    expect(head.newest).toBe(odd ? idOf(usual) : idOf(strange));
    expect(list[0]).toBe(odd ? idOf(usual) : idOf(strange));
  });

  it("the order is by receipt, never by the id", async () => {
    const world = await cardWorld();
    const early = await world.snapshot({ at: START + DAY, idTime: START + DAY + HOUR / 2 });
    const late = await world.snapshot({ at: START + DAY + 60_000 });
    await index(world, idOf(early), idOf(late));
    expect((await files(world)).list).toEqual([idOf(late), idOf(early)]);
  });
});

describe("when it must stop", () => {
  it("at a card of a newer format", async () => {
    const world = await cardWorld();
    const card = await world.snapshot();
    await index(world, idOf(card));
    const before = await files(world);
    const id = world.nextId(START + DAY);
    for (const text of ['{"core":{"format":2}}', '{"format": 2, "new": 1.5}']) {
      world.store.plant(names.card(world.node, id), Buffer.from(text));
      await expect(index(world, id)).rejects.toSatisfy((e) => isColdkeepError(e, "refused"));
    }
    expect(await files(world)).toEqual(before);
  });

  it("at an index of a newer format, rather than write over it", async () => {
    const world = await cardWorld();
    const card = await world.snapshot();
    const newer = Buffer.from('{"format":2}');
    world.store.plant(names.indexJson(world.node), newer);
    await expect(index(world, idOf(card))).rejects.toSatisfy((e) => isColdkeepError(e, "refused"));
    expect(world.store.objects.get(names.indexJson(world.node))?.bytes).toEqual(Uint8Array.from(newer));
  });

  it("at another archive, an unknown node, a damaged node.json", async () => {
    const world = await cardWorld();
    const card = await world.snapshot();
    const { store, node } = world;
    const elsewhere = indexSnapshots({ store, node, vault: makeVaultId(Buffer.alloc(16, 8)), ids: [idOf(card)] });
    await expect(elsewhere).rejects.toSatisfy((e) => isColdkeepError(e, "integrity"));
    const unknown = indexSnapshots({ store, node: toNodeName("nobody"), ids: [] });
    await expect(unknown).rejects.toSatisfy((e) => isColdkeepError(e, "not-found"));
    world.store.plant(names.nodeJson(node), Buffer.from("{"));
    await expect(index(world, idOf(card))).rejects.toSatisfy((e) => isColdkeepError(e, "integrity"));
  });

  it("where the store cannot tell: an unreadable pack is no broken snapshot", async () => {
    const world = await cardWorld();
    const card = await world.snapshot();
    for (const call of ["head", "get", "list"] as const) {
      const store = faultyStore(world.store, (c) => (c.call === call ? "fails-before" : null));
      await expect(indexSnapshots({ store, node: world.node, ids: [idOf(card)] })).rejects.toSatisfy((e) =>
        isColdkeepError(e, "vault"),
      );
    }
    expect(world.store.objects.has(names.indexJson(world.node))).toBe(false);
  });
});

describe("invariants", () => {
  it("two indexers at once lose nothing", async () => {
    const world = await cardWorld();
    const ids: SnapshotId[] = [];
    for (let i = 0; i < 8; i += 1) ids.push(idOf(await world.snapshot({ packs: 1 })));
    await Promise.all(ids.map((id) => index(world, id)));
    const { index: file, head, list } = await files(world);
    expect(file.snapshots).toHaveLength(8);
    expect(list).toEqual([...ids].reverse());
    expect(head).toMatchObject({ newest: ids[7], generation: file.generation });
  });

  it("rebuild = index, in any order and batching of events, with crashes between any two calls", async () => {
    const world = await story();
    const ids = [...world.store.objects.keys()]
      .filter((name) => name.endsWith(names.CARD_SUFFIX))
      .map((name) => name.slice(names.snapshotsFolder(world.node).length, -names.CARD_SUFFIX.length) as SnapshotId);
    const reference = (await rebuildIndex({ store: world.store, node: world.node })).index;
    expect(new Set(reference.snapshots.map((e) => e.state))).toEqual(new Set(["good", "broken", "expired"]));
    const order = fc.shuffledSubarray(ids, { minLength: ids.length });
    await fc.assert(
      fc.asyncProperty(order, fc.array(fc.integer({ min: 1, max: 4 })), fc.nat(), async (events, sizes, seed) => {
        for (const name of ["index.json", "head.json", "backup_list"])
          world.store.objects.delete(`${world.node}/${name}`);
        let next = 0;
        for (const size of [...sizes, events.length]) {
          const batch = events.slice(next, next + size);
          const fault = seededFaults(seed + next, 0.03, ["crashes-before", "crashes-after"]);
          const store = faultyStore(world.store, fault);
          await indexSnapshots({ store, node: world.node, ids: batch }).catch(() => {});
          await index(world, ...batch);
          next += size;
        }
        const { index: file, head, list } = await files(world);
        expect(plain(file)).toEqual(plain(reference));
        expect(head.generation).toBe(file.generation);
        expect(list).toEqual(
          file.snapshots.filter((e) => e.state === "good" && e.remarks.length === 0).map((e) => e.snapshot),
        );
        expect((await rebuildIndex({ store: world.store, node: world.node })).changed).toBe(false);
      }),
      { numRuns: 25 },
    );
  });

  it("a proof is remembered, and found again by a rebuild", async () => {
    const world = await cardWorld();
    const card = await world.snapshot();
    await index(world, idOf(card));
    world.now = START + DAY;
    const proof = names.proof(world.node, idOf(card), "20260102T000000Z");
    world.store.plant(proof, Buffer.from("{}"));
    const told = await indexSnapshots({ store: world.store, node: world.node, ids: [], proofs: [proof, "x/y"] });
    expect(told.index.snapshots[0]?.proven).toBe(START + DAY);
    expect((await index(world, idOf(card))).index.snapshots[0]?.proven).toBe(START + DAY);
    expect((await rebuildIndex({ store: world.store, node: world.node })).changed).toBe(false);
  });
});

const plain = ({ generation: _, ...rest }: Index) => rest;

/** Good, broken, expired, odd, adopted, closed and malformed cards of one node. */
async function story(): Promise<CardWorld> {
  const world = await cardWorld();
  const a = await world.snapshot();
  const b = await world.snapshot({ parent: idOf(a), inherited: usesOf(a) });
  const dead = await world.deadRun();
  const inherited = [...usesOf(b), { snapshot: dead.id, ranges: [[0, 1]] as const }];
  const c = await world.snapshot({ parent: idOf(b), adopts: [dead.id], adoptedRows: dead.rows, inherited });
  await world.adopt(dead.id, idOf(c));
  const d = await world.snapshot({ parent: idOf(c), inherited: usesOf(c), without: ["00000.pack"] });
  await world.snapshot({ parent: idOf(d), inherited: usesOf(d) });
  await world.snapshot({ idTime: START + 30 * DAY });
  await world.snapshot({ key: signingKey(66) });
  world.store.plant(names.card(world.node, world.nextId(START + DAY)), Buffer.from("rubbish"), START + DAY);
  world.store.plant(names.expired(world.node, idOf(a), 1), Buffer.from("{}"), START + 5 * DAY);
  return world;
}

/** A card whose begin names another writer; the card itself is signed well. */
async function swapBegin(world: CardWorld): Promise<Card> {
  const card = await world.snapshot({ key: signingKey(66) });
  const own = signCard(card.core, Buffer.alloc(32, 9), world.key);
  world.store.plant(names.card(world.node, idOf(card)), encodeCard(own));
  return own;
}
