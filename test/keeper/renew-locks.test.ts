import { describe, expect, it } from "vitest";
import { changeStanding, indexSnapshots, renewLocks, retainSnapshots, verifySnapshots } from "../../keeper/index.ts";
import { type Card, encodeExpired, encodeFate } from "../../vault/card/index.ts";
import { names } from "../../vault/names/index.ts";
import { type CardWorld, cardWorld, putObject, START, usesOf } from "../support/cards.ts";

const DAY = 86_400_000;
const MONTH = { mode: "governance", ms: 30 * DAY } as const;
const GRACE = 7 * DAY;

async function lockingWorld() {
  const world = await cardWorld();
  world.store.locking = MONTH;
  const calls: string[] = [];
  const store: CardWorld["store"] = {
    ...world.store,
    lock: (name, until, mode) => {
      calls.push(name);
      return world.store.lock(name, until, mode);
    },
  };
  const night = (more: object = {}) => renewLocks({ store, node: world.node, grace: GRACE, ...more });
  return { world, calls, night };
}

const lockOf = ({ store }: CardWorld, name: string) => store.objects.get(name)?.info.lockedUntil ?? 0;
const objectsOf = async (world: CardWorld, { core }: Card) => {
  const found = [names.card(world.node, core.snapshot), names.begin(world.node, core.snapshot)];
  for await (const { name } of world.store.list(names.dataFolder(world.node, core.snapshot))) found.push(name);
  return found;
};
const expire = ({ store, vault, node }: CardWorld, { core: { snapshot } }: Card) => {
  const marker = encodeExpired({ format: 1, vault, node, snapshot, round: 1 });
  return putObject(store, names.expired(node, snapshot, 1), marker);
};

describe("locks of what is in use", () => {
  it("never have less than a quarter left, by at most one call an object in 23 nights", async () => {
    const { world, calls, night } = await lockingWorld();
    const cards: Card[] = [];
    const calledOn = new Map<string, number>();
    for (let day = 0; day < 70; day += 1) {
      const parent = cards.at(-1);
      const on = parent === undefined ? {} : { parent: parent.core.snapshot, inherited: usesOf(parent), packs: 1 };
      cards.push(await world.snapshot({ at: START + day * DAY, ...on }));
      world.now = START + day * DAY + DAY / 2;
      calls.length = 0;
      await night();
      for (const name of calls) {
        if (name === names.nodeJson(world.node)) continue;
        expect(day - (calledOn.get(name) ?? Number.NEGATIVE_INFINITY), name).toBeGreaterThanOrEqual(23);
        calledOn.set(name, day);
      }
      for (const card of cards) {
        for (const name of await objectsOf(world, card)) {
          expect(lockOf(world, name) - world.now, `${name} on day ${day}`).toBeGreaterThanOrEqual(6.5 * DAY);
        }
      }
    }
    expect(lockOf(world, names.nodeJson(world.node)) - world.now).toBeGreaterThan(6.5 * DAY);
  });

  it("are made anew for a node that is retired, and run out for one that is being deleted", async () => {
    const { world, calls, night } = await lockingWorld();
    await world.snapshot();
    await night();
    const say = (state: "retired" | "deleting") =>
      changeStanding(world.store, { node: world.node, vault: world.vault }, () => ({ state }));
    await say("retired");
    world.now = START + 25 * DAY;
    await night();
    expect(calls.length).toBeGreaterThan(0);
    calls.length = 0;
    await say("deleting");
    world.now = START + 50 * DAY;
    await night();
    expect(calls).toEqual([]);
  });

  it("run out for what expired, but for the packs that others use", async () => {
    const { world, night } = await lockingWorld();
    const first = await world.snapshot();
    const ranges = [[0, 0]] as const;
    const second = await world.snapshot({
      parent: first.core.snapshot,
      inherited: [{ snapshot: first.core.snapshot, ranges }],
    });
    await night();
    const before = lockOf(world, names.pack(world.node, first.core.snapshot, 1));
    world.now = START + 20 * DAY;
    await expire(world, first);
    world.now = START + 25 * DAY;
    const { renewed } = await night();
    expect(renewed).toBeGreaterThan(0);
    const of = (name: string) => lockOf(world, name) - world.now;
    const { snapshot } = first.core;
    for (const name of [names.pack(world.node, snapshot, 0), names.keyJson(world.node, snapshot)]) {
      expect(of(name), name).toBe(30 * DAY);
    }
    for (const name of await objectsOf(world, second)) expect(of(name), name).toBe(30 * DAY);
    for (const name of [names.pack(world.node, snapshot, 1), names.card(world.node, snapshot)]) {
      expect(lockOf(world, name), name).toBeLessThanOrEqual(before);
    }
  });

  it("are renewed for what was rescued, when retention says that it rescued something", async () => {
    const { world, calls, night } = await lockingWorld();
    const first = await world.snapshot();
    await world.snapshot({
      parent: first.core.snapshot,
      inherited: [{ snapshot: first.core.snapshot, ranges: [[0, 0]] }],
    });
    await night();
    await expire(world, first);
    world.now = START + 25 * DAY;
    await night();
    const { vault, node } = world;
    const { snapshot } = first.core;
    const fate = encodeFate({ format: 1, vault, node, snapshot, round: 1, fate: "rescued" });
    await putObject(world.store, names.fate(node, snapshot, 1), fate);
    calls.length = 0;
    await night();
    expect(calls).toEqual([]);
    await night({ thorough: true });
    for (const name of await objectsOf(world, first)) {
      expect(lockOf(world, name) - world.now, name).toBe(30 * DAY);
    }
    expect(calls).not.toContain(names.pack(node, snapshot, 0));
  });

  it("are made anew where their file is gone or damaged, or the bucket locks for another time", async () => {
    const { world, calls, night } = await lockingWorld();
    const card = await world.snapshot();
    await night();
    const name = names.locksJson(world.node);
    const changes = [
      () => world.store.objects.delete(name),
      () => world.store.plant(name, Buffer.from("{}")),
      () => {
        world.store.locking = { mode: "compliance", ms: 60 * DAY };
      },
    ];
    calls.length = 0;
    await night({ anew: true });
    expect(calls).toEqual(expect.arrayContaining(await objectsOf(world, card)));
    for (const change of changes) {
      calls.length = 0;
      expect((await night()).renewed).toBe(0);
      change();
      await night();
      expect(calls).toEqual(expect.arrayContaining(await objectsOf(world, card)));
    }
    expect(lockOf(world, names.card(world.node, card.core.snapshot)) - world.now).toBe(60 * DAY);
  });

  it("are nobody's business where the bucket locks nothing by itself", async () => {
    const { world, calls, night } = await lockingWorld();
    world.store.locking = null;
    await world.snapshot();
    expect(await night()).toEqual({ terms: null, renewed: 0, finished: true });
    expect(calls).toEqual([]);
    expect(world.store.objects.has(names.locksJson(world.node))).toBe(false);
  });

  it("are finished the night after, where time ran out", async () => {
    const { world, calls, night } = await lockingWorld();
    const cards = [await world.snapshot(), await world.snapshot(), await world.snapshot()];
    const out = new AbortController();
    const first = cards[0] as Card;
    const lock = world.store.lock;
    world.store.lock = async (name, until, mode) => {
      if (name === names.pack(world.node, first.core.snapshot, 1)) out.abort();
      return lock(name, until, mode);
    };
    expect(await night({ signal: out.signal })).toMatchObject({ finished: false });
    world.store.lock = lock;
    calls.length = 0;
    expect(await night()).toMatchObject({ finished: true });
    expect(calls).not.toContain(names.pack(world.node, first.core.snapshot, 0));
    expect(calls).toEqual(expect.arrayContaining(await objectsOf(world, cards[2] as Card)));
  });

  it("are seen by who looks at everything: which of a snapshot's objects ceases first to be locked", async () => {
    const { world } = await lockingWorld();
    const { core } = await world.snapshot();
    const pack = names.pack(world.node, core.snapshot, 1);
    const there = world.store.objects.get(pack);
    if (there === undefined) throw new Error("it was put");
    const until = world.now + DAY;
    there.info = { ...there.info, lockedUntil: until };
    const look = async () => {
      for await (const { lock } of verifySnapshots({ store: world.store, node: world.node, readData: false }))
        return lock;
      return undefined;
    };
    expect(await look()).toEqual({ object: pack, until });
    world.store.locking = null;
    expect(await look()).toBeNull();
  });
});

describe("markers that nobody told the index of", () => {
  it("are told it by the next night", async () => {
    const world = await cardWorld();
    const cards = [await world.snapshot(), await world.snapshot()];
    const index = () =>
      indexSnapshots({ store: world.store, node: world.node, ids: cards.map(({ core }) => core.snapshot) });
    await index();
    await expire(world, cards[0] as Card);
    const tiers = { keep_last: 1 } as never;
    const { tiersOf } = await import("../../vault/retain/index.ts");
    const options = { store: world.store, node: world.node, tiers: tiersOf(tiers), apply: true, now: world.now };
    const { found } = await retainSnapshots(options);
    expect(found.behind).toEqual([cards[0]?.core.snapshot]);
    const again = await retainSnapshots(options);
    expect(again.found.behind).toEqual([]);
  });
});
