import { describe, expect, it } from "vitest";
import { collectGarbage, indexSnapshots, listSnapshots, markSnapshot, retainSnapshots } from "../../keeper/index.ts";
import { makePackRecords } from "../../keeper/pack-records.ts";
import { findUsedPacks } from "../../keeper/uses.ts";
import { type Card, encodePin, type IndexEntry } from "../../vault/card/index.ts";
import { isColdkeepError, names, type SnapshotId } from "../../vault/names/index.ts";
import type { Tiers } from "../../vault/retain/index.ts";
import { type CardWorld, cardWorld, START } from "../support/cards.ts";

const DAY = 86_400_000;
const KEEP_ONE: Tiers = { keep: { last: 1 }, within: {}, tags: [], timezone: "UTC", floor: 0, grace: 7 * DAY };
const DESPITE = new Set(["share", "anomaly", "clock"] as const);

/** These stories let a week go by without a backup, which a vault's clock is not believed otherwise. */
const CLOCK = new Set(["clock"] as const);

const idOf = (card: Card) => card.core.snapshot;
const scopeOf = ({ vault, node }: CardWorld) => ({ vault, node });

/** Takes everything into the index, as events would. */
async function index(world: CardWorld, ...cards: Card[]): Promise<void> {
  await indexSnapshots({ store: world.store, node: world.node, ids: cards.map(idOf) });
}

const retain = (world: CardWorld, tiers = KEEP_ONE, more = {}) =>
  retainSnapshots({
    store: world.store,
    ...scopeOf(world),
    tiers,
    apply: true,
    now: world.now,
    despite: DESPITE,
    ...more,
  });

const collect = (world: CardWorld, more = {}) =>
  collectGarbage({
    store: world.store,
    ...scopeOf(world),
    grace: 7 * DAY,
    apply: true,
    now: world.now,
    despite: CLOCK,
    ...more,
  });

/** Names below the node, without caches. */
function names_(world: CardWorld): string[] {
  const cache = /\/(plans\/.*|clock\.json|head\.json|index\.json|index\/.*|backup_list|node\.json)$/;
  return [...world.store.objects.keys()].filter((name) => !cache.test(name)).sort();
}

/** Two snapshots: the second goes on from the first, using its pack 1 but not its pack 0. */
async function twoGenerations() {
  const world = await cardWorld();
  const first = await world.snapshot();
  const inherited = [{ snapshot: idOf(first), ranges: [[1, 1] as const] }];
  const second = await world.snapshot({ parent: idOf(first), inherited, packs: 1 });
  await index(world, first, second);
  return { world, first, second };
}

async function entriesOf(world: CardWorld): Promise<IndexEntry[]> {
  const entries: IndexEntry[] = [];
  for await (const entry of listSnapshots({ store: world.store, node: world.node })) entries.push(entry);
  return entries;
}

async function letGraceEnd(world: CardWorld) {
  const keep = await world.snapshot({ at: world.now + 6 * DAY, packs: 1, parent: undefined as never });
  await index(world, keep);
  world.now += 2 * DAY;
  return keep;
}

describe("expiry and collection", () => {
  it("delete after the grace what nobody uses, and leave what a later snapshot does", async () => {
    const { world, first } = await twoGenerations();
    const outcome = await retain(world);
    expect(outcome.expired).toEqual([idOf(first)]);
    expect((await collect(world)).collected).toEqual([]);

    world.now += 6 * DAY;
    expect((await collect(world)).collected).toEqual([]);
    world.now += DAY;
    const done = await collect(world);
    expect(done.collected).toEqual([idOf(first)]);
    const { node } = world;
    expect(done.dead.map(({ name }) => name)).toEqual([
      names.pack(node, idOf(first), 0),
      names.manifest(node, idOf(first)),
      names.card(node, idOf(first)),
      names.begin(node, idOf(first)),
      names.expired(node, idOf(first), 1),
      names.fate(node, idOf(first), 1),
    ]);
    const left = names_(world).filter((name) => name.includes(idOf(first)));
    // The key opens pack 1, and the list tells of it.
    expect(left).toEqual([
      names.pack(node, idOf(first), 1),
      names.keyJson(node, idOf(first)),
      names.packList(node, idOf(first), 0),
    ]);
  });

  it("take the rest of an origin with the last snapshot that uses it, and leave nothing behind", async () => {
    const { world, first, second } = await twoGenerations();
    await retain(world);
    world.now += 7 * DAY;
    await collect(world);
    const third = await world.snapshot({ at: world.now });
    await index(world, third);
    await retain(world);
    world.now += 7 * DAY;
    const done = await collect(world);
    expect(done.collected).toEqual([idOf(second)]);
    expect(names_(world).filter((name) => !name.includes(idOf(third)))).toEqual([]);
    expect(names_(world).some((name) => name.includes(idOf(first)))).toBe(false);
  });

  it("read sixteen cards at once: over S3 each is a round trip, and there may be thousands", async () => {
    const world = await cardWorld();
    const cards: Card[] = [];
    for (let n = 0; n < 20; n += 1) cards.push(await world.snapshot({ packs: 1 }));
    await index(world, ...cards);
    await retain(world);
    world.now += 7 * DAY;
    let [reading, most] = [0, 0];
    const store = {
      ...world.store,
      get: async (...request: Parameters<typeof world.store.get>) => {
        reading += 1;
        most = Math.max(most, reading);
        await new Promise(setImmediate);
        reading -= 1;
        return await world.store.get(...request);
      },
    };
    expect((await collect(world, { store })).collected).toHaveLength(19);
    expect(most).toBe(16);
  });

  it("change nothing in a dry run, and foretell exactly what is done", async () => {
    const { world, first } = await twoGenerations();
    const before = JSON.stringify([...world.store.objects]);
    const planned = await retain(world, KEEP_ONE, { apply: false });
    expect(planned.plan.expire).toEqual([idOf(first)]);
    expect(JSON.stringify([...world.store.objects])).toBe(before);

    await retain(world);
    world.now += 7 * DAY;
    const still = JSON.stringify([...world.store.objects]);
    const foretold = await collect(world, { apply: false });
    expect(JSON.stringify([...world.store.objects])).toBe(still);
    const done = await collect(world);
    const strip = (dead: typeof done.dead) => dead.map(({ name }) => name).filter((name) => !name.includes(".fate."));
    expect(strip(foretold.dead)).toEqual(strip(done.dead));
  });

  it("go by the vault's clock, not by that of the machine", async () => {
    const { world } = await twoGenerations();
    await retain(world);
    expect((await collect(world, { now: world.now + 100 * DAY })).collected).toEqual([]);
    world.now += 7 * DAY;
    expect((await collect(world, { now: 0 })).collected).toHaveLength(1);
  });

  it("stop where the vault's clock is far ahead of the newest run, or behind it", async () => {
    const { world } = await twoGenerations();
    await retain(world);
    world.now += 30 * DAY;
    const held = await collect(world, { despite: new Set() });
    expect([held.collected, held.held.map(({ kind }) => kind)]).toEqual([[], ["clock"]]);
    expect((await collect(world, { despite: CLOCK })).collected).toHaveLength(1);
  });

  it("are done by the next run where one dies", async () => {
    const { world, first } = await twoGenerations();
    await retain(world);
    world.now += 7 * DAY;
    const dying = {
      ...world.store,
      delete: () => {
        throw new Error("killed");
      },
    };
    await expect(collect(world, { store: dying })).rejects.toThrow("killed");
    expect((await collect(world)).collected).toEqual([idOf(first)]);
    expect(names_(world).filter((name) => name.includes(`${idOf(first)}.`))).toEqual([]);
  });

  it("keep the records of a snapshot whose data the vault has locked", async () => {
    const { world, first } = await twoGenerations();
    await retain(world);
    world.now += 7 * DAY;
    const pack = names.pack(world.node, idOf(first), 0);
    const locking = {
      ...world.store,
      delete: async function* (plan: Parameters<typeof world.store.delete>[0]) {
        for (const object of plan.objects) {
          if (object.name === pack) yield { name: pack, outcome: "locked" as const };
          else yield* world.store.delete({ ...plan, objects: [object] });
        }
      },
    };
    const done = await collect(world, { store: locking });
    expect(done.locked).toEqual([pack]);
    expect(world.store.objects.has(names.card(world.node, idOf(first)))).toBe(true);
    await collect(world);
    expect(names_(world).filter((name) => name.includes(`${idOf(first)}.`))).toEqual([]);
    expect(world.store.objects.has(pack)).toBe(false);
  });
});

describe("what keeps a snapshot", () => {
  it("a pin, put by an operator, until it is taken away; marks are added, never changed", async () => {
    const { world, first } = await twoGenerations();
    const pin = (pinned: boolean) =>
      markSnapshot({
        store: world.store,
        node: world.node,
        snapshot: idOf(first),
        change: (mark) => ({ ...mark, pinned }),
      });
    expect((await pin(true))?.round).toBe(1);
    expect(await pin(true)).toBeNull();
    expect((await retain(world)).expired).toEqual([]);
    expect((await pin(false))?.round).toBe(2);
    expect((await retain(world)).expired).toEqual([idOf(first)]);
    expect((await pin(true))?.round).toBe(3);
    world.now += 7 * DAY;
    // Pinned in its grace: the collector leaves it alone, and retention takes it back.
    expect((await collect(world)).collected).toEqual([]);
    expect((await retain(world)).rescued).toEqual([idOf(first)]);
    const [, entry] = await entriesOf(world);
    expect(entry).toMatchObject({ state: "good", pinned: true });
    expect(await world.store.head(names.fate(world.node, idOf(first), 1))).not.toBeNull();
    await pin(false);
    await retain(world);
    expect(await world.store.head(names.expired(world.node, idOf(first), 2))).not.toBeNull();
  });

  it("a mark that cannot be read counts as a pin, and says so", async () => {
    const { world, first } = await twoGenerations();
    world.store.plant(names.mark(world.node, idOf(first), 1), Buffer.from("rubbish"));
    expect((await retain(world)).expired).toEqual([]);
    await index(world, first);
    const [, entry] = await entriesOf(world);
    expect(entry?.remarks[0]).toContain("pinned, as its mark cannot be read");
  });

  it("a running restore's pin, as long as it holds", async () => {
    const { world, first } = await twoGenerations();
    await retain(world);
    const until = world.now + 7 * DAY + 1000;
    const pin = encodePin({ format: 1, ...scopeOf(world), snapshot: idOf(first), until });
    world.now += 2 * DAY;
    world.store.plant(names.pin(world.node, idOf(first), "00ff"), pin);
    world.now += 5 * DAY;
    const waiting = await collect(world);
    expect([waiting.collected, waiting.postponed]).toEqual([[], [idOf(first)]]);
    world.now += 1001;
    expect((await collect(world, { despite: CLOCK })).collected).toEqual([idOf(first)]);
  });

  it("a running restore's pin holds back its end, not its grace: it is expired as always, and restored to the end", async () => {
    const { world, first } = await twoGenerations();
    const until = world.now + 9 * DAY;
    for (const [name, day] of [
      ["00aa", 0],
      ["00bb", 2],
    ] as const) {
      world.now += day * DAY;
      const pin = encodePin({ format: 1, ...scopeOf(world), snapshot: idOf(first), until });
      world.store.plant(names.pin(world.node, idOf(first), name), pin);
      if (day === 0) expect((await retain(world)).expired).toEqual([idOf(first)]);
    }
    world.now += 6 * DAY;
    // Its grace is over, its restore is not: all of it is there.
    expect((await collect(world)).postponed).toEqual([idOf(first)]);
    for (let n = 0; n < 2; n += 1) {
      expect(world.store.objects.has(names.pack(world.node, idOf(first), n))).toBe(true);
    }
    expect((await retain(world)).rescued).toEqual([]);
    world.now = until + 1;
    expect((await collect(world)).collected).toEqual([idOf(first)]);
  });

  it("rules that changed while its grace ran: it is good again", async () => {
    const { world, first } = await twoGenerations();
    await retain(world);
    const again = await retain(world, { ...KEEP_ONE, keep: { last: 2 } });
    expect(again.rescued).toEqual([idOf(first)]);
    world.now += 8 * DAY;
    expect((await collect(world, { despite: CLOCK })).collected).toEqual([]);
  });

  it("not once it is being collected: then it is too late, and that is told", async () => {
    const { world } = await twoGenerations();
    await retain(world);
    world.now += 7 * DAY;
    const dying = {
      ...world.store,
      delete: () => {
        throw new Error("killed");
      },
    };
    await expect(collect(world, { store: dying })).rejects.toThrow("killed");
    expect((await retain(world, { ...KEEP_ONE, keep: { last: 2 } })).rescued).toEqual([]);
    expect((await collect(world)).collected).toHaveLength(1);
  });
});

describe("runs that did not end", () => {
  it("are given up after a grace without a new pack, and their data goes", async () => {
    const world = await cardWorld();
    const { id } = await world.deadRun();
    const card = await letGraceEnd(world);
    const done = await collect(world);
    expect(done.abandoned).toEqual([id]);
    const left = names_(world).filter((name) => name.includes(id));
    expect(left).toEqual([names.begin(world.node, id), names.card(world.node, id)]);
    // Long after, when no late card can come any more, its last traces go.
    await index(world, await world.snapshot({ at: world.now + 10 * DAY }));
    world.now += 5 * DAY;
    await collect(world);
    expect(names_(world).filter((name) => name.includes(id))).toEqual([]);
    expect(names_(world).some((name) => name.includes(idOf(card)))).toBe(true);
  });

  it("are left alone as long as they may still commit", async () => {
    const world = await cardWorld();
    const { id } = await world.deadRun();
    world.now = START + 7 * DAY;
    const done = await collect(world, { despite: CLOCK });
    expect([done.abandoned, done.dead]).toEqual([[], []]);
    world.store.plant(names.pack(world.node, id, 2), Buffer.from("a late pack"), START + 7 * DAY);
    world.now = START + 9 * DAY;
    expect((await collect(world, { despite: CLOCK })).abandoned).toEqual([]);
  });

  it("leaves an adopter alone whose begin is still on its way, and gives it up a grace later", async () => {
    const world = await cardWorld();
    const { id: run } = await world.deadRun();
    const adopter = world.nextId(world.now);
    await world.adopt(run, adopter);
    expect((await collect(world)).abandoned).toEqual([]);
    world.now += 8 * DAY;
    expect((await collect(world)).abandoned).toEqual([adopter]);
  });

  it("whose packs were taken over keep them, and the lists that tell of them, as long as they are used", async () => {
    const world = await cardWorld();
    const { id: run, rows } = await world.deadRun();
    const fromRun = [{ snapshot: run, ranges: [[0, 1] as const] }];
    const adopter = await world.snapshot({ adopts: [run], inherited: fromRun, adoptedRows: rows });
    await world.adopt(run, idOf(adopter));
    const heir = await world.snapshot({ parent: idOf(adopter), inherited: [{ snapshot: run, ranges: [[1, 1]] }] });
    await index(world, adopter, heir);
    expect((await retain(world)).expired).toEqual([idOf(adopter)]);
    world.now += 7 * DAY;
    await collect(world);
    const { node } = world;
    expect(await world.store.head(names.pack(node, run, 0))).toBeNull();
    for (const name of [names.pack(node, run, 1), names.card(node, run), names.packList(node, idOf(adopter), 0)]) {
      expect(await world.store.head(name), name).not.toBeNull();
    }
    const used = await findUsedPacks(makePackRecords(world.store, scopeOf(world)), heir.core);
    expect(used.find(run, 1)?.sha256).toBe(rows[1]?.sha256);
    expect(used.damages).toEqual([]);

    const last = await world.snapshot({ at: world.now });
    await index(world, last);
    await retain(world);
    world.now += 7 * DAY;
    await collect(world);
    // The adopter's list had outlived it for the run's sake, and goes with it.
    const left = names_(world).filter((name) => !name.includes(idOf(last)));
    expect(left).toEqual([]);
  });
});

describe("what stops a collection", () => {
  async function due() {
    const { world, first, second } = await twoGenerations();
    await retain(world);
    world.now += 7 * DAY;
    return { world, first, second };
  }

  it("a card of a newer format: nothing goes, and it is said", async () => {
    const { world, second } = await due();
    const name = names.card(world.node, idOf(second));
    const newer = Buffer.from(JSON.stringify({ core: { format: 2 } }));
    world.store.plant(name, newer);
    const before = names_(world);
    const error = await collect(world).catch((thrown) => thrown);
    expect(isColdkeepError(error, "refused")).toBe(true);
    expect(error.message).toContain("format 2");
    expect(names_(world).filter((left) => !left.includes(".fate."))).toEqual(before);
  });

  it("a damaged card: what it uses cannot be told; an operator may give it up", async () => {
    const { world, first, second } = await due();
    world.store.plant(names.card(world.node, idOf(second)), Buffer.from("{rubbish"));
    const error = await collect(world).catch((thrown) => thrown);
    expect(isColdkeepError(error, "integrity")).toBe(true);
    expect(error.message).toContain(
      `nothing is deleted while a card cannot be read: ${names.card(world.node, idOf(second))}`,
    );
    expect((await collect(world, { despite: new Set(["damage", "clock"]) })).collected).toEqual([idOf(first)]);
    // Its own folder stays, so that it can be mended from a copy.
    expect(await world.store.head(names.pack(world.node, idOf(second), 0))).not.toBeNull();
  });

  it("a fate that cannot be read", async () => {
    const { world, first } = await due();
    world.store.plant(names.fate(world.node, idOf(first), 1), Buffer.from("rubbish"));
    for (const job of [collect, retain]) {
      const error = await job(world).catch((thrown: unknown) => thrown);
      expect(isColdkeepError(error, "integrity")).toBe(true);
    }
  });
});

describe("what is not ours", () => {
  it("lies where it lay, and is told of", async () => {
    const { world, first } = await twoGenerations();
    const foreign = [
      names.dataObject(world.node, idOf(first), "notes.txt"),
      `${world.node}/snapshots/README`,
      `${world.node}/begins/x.json`,
      `${world.node}/data/loose`,
    ];
    for (const name of foreign) world.store.plant(name, Buffer.from("mine"));
    await retain(world);
    world.now += 7 * DAY;
    const done = await collect(world, { strays: true });
    expect(done.collected).toHaveLength(1);
    expect([...done.foreign].sort()).toEqual([...foreign].sort());
    for (const name of foreign) expect(await world.store.head(name)).not.toBeNull();
  });

  it("data that no begin and no card tells of goes after a grace, but for what is in use", async () => {
    const { world } = await twoGenerations();
    const stray = world.nextId(world.now);
    for (const index of [0, 1]) world.store.plant(names.pack(world.node, stray, index), Buffer.from("x"));
    expect((await collect(world, { strays: true })).dead).toEqual([]);
    world.now += 7 * DAY + 1;
    const despite = new Set(["clock"] as const);
    expect((await collect(world, { despite })).dead).toEqual([]);
    expect((await collect(world, { despite, strays: true })).dead).toHaveLength(2);
  });
});

describe("an index that was deleted or damaged by hand", () => {
  it("changes nothing in what expires: the cards are read instead", async () => {
    for (const harm of ["delete", "rubbish", "empty"] as const) {
      const { world, first, second } = await twoGenerations();
      for (const name of [names.indexJson(world.node), names.backupList(world.node), names.headJson(world.node)]) {
        if (harm === "delete") world.store.objects.delete(name);
        else world.store.plant(name, Buffer.from(harm === "empty" ? "" : "{rubbish"));
      }
      expect((await retain(world, KEEP_ONE, { apply: false })).plan.expire).toEqual([idOf(first)]);
      expect((await retain(world)).expired).toEqual([idOf(first)]);
      const entries = await entriesOf(world);
      expect(entries.map(({ snapshot, state }): [SnapshotId, string] => [snapshot, state])).toEqual([
        [idOf(second), "good"],
        [idOf(first), "expired"],
      ]);
    }
  });
});
