import { describe, expect, it } from "vitest";
import { names, type SnapshotId, toNodeName } from "../../vault/names/index.ts";
import { finish } from "../support/protocol-story.ts";
import { type Actor, DAY, ProtocolWorld } from "../support/protocol-world.ts";

/**
 * Meetings that stories by chance hardly ever come to: two jobs over one vault, the one stopped between any two of its
 * calls while the other runs through, or dying there. Where stories go far, these go everywhere nearby. All pairs take
 * minutes: `COLDKEEP_PROTOCOL_MEETINGS=all npx vitest run test/keeper/protocol-meetings.test.ts`.
 */
const EVERYTHING = process.env.COLDKEEP_PROTOCOL_MEETINGS === "all";
const ALL = Number.POSITIVE_INFINITY;
const node = toNodeName("icon");

/** A host's snapshots by the order of their cards. */
function ids(world: ProtocolWorld): SnapshotId[] {
  return [...world.seen.cards.keys()];
}

async function run(world: ProtocolWorld, actor: Actor | undefined): Promise<void> {
  await world.step(actor, ALL);
}

async function backup(world: ProtocolWorld, host: number, options: { full?: boolean; listed?: boolean } = {}) {
  await run(world, world.backup(host, options.full ?? false, 2, 255, options.listed ?? true));
  world.now += DAY;
}

/** Three snapshots on top of one another, of which the first expired, and its grace is over. */
async function expiredFirst(): Promise<ProtocolWorld> {
  const world = new ProtocolWorld();
  for (let count = 0; count < 3; count += 1) await backup(world, 0);
  await run(world, world.retain(2, 0));
  world.now += 8 * DAY;
  return world;
}

const JOBS: Record<string, (world: ProtocolWorld) => Actor | undefined> = {
  collect: (world) => world.collect(true, 0),
  retain: (world) => world.retain(1, 0),
  "retain, which keeps all": (world) => world.retain(5, 0),
  pin: (world) => world.pin(ids(world)[0] as SnapshotId, true),
  restore: (world) => world.restore(ids(world)[0] as SnapshotId),
  backup: (world) => world.backup(0, false, 1, 255, true),
  "backup by an image of the host": (world) => world.backup(1, false, 1, 255, true),
  index: (world) => world.index(ids(world)),
  rebuild: (world) => world.rebuild(),
};

describe("two jobs that meet between any two calls", () => {
  const names = Object.keys(JOBS);
  const all = names.flatMap((one) => names.map((other) => [one, other] as const));
  const few = [
    ["collect", "pin"],
    ["collect", "restore"],
    ["collect", "backup"],
    ["collect", "collect"],
    ["retain", "pin"],
    ["pin", "collect"],
  ] as const;

  it.each(EVERYTHING ? all : few)("%s, and %s", { timeout: 120_000 }, async (one, other) => {
    for (const dies of EVERYTHING ? ([null, "before", "after"] as const) : [null]) {
      for (let calls = 0, over = false; !over; calls += 1) {
        const world = await expiredFirst();
        world.clone();
        const first = JOBS[one]?.(world);
        await world.step(first, calls);
        over = first?.done ?? true;
        await run(world, JOBS[other]?.(world));
        if (dies !== null) await first?.gate.kill(dies === "after");
        const where = `after ${calls} calls${dies === null ? "" : `, dying ${dies} the next takes effect`}`;
        expect(await finish(world, new Map()), where).toEqual([]);
      }
    }
  });
});

describe("who is told of late, or not at all", () => {
  it("a card that lies damaged keeps what it uses, though nobody can read what that is", async () => {
    const world = new ProtocolWorld();
    for (const full of [false, false, true]) await backup(world, 0, { full });
    await run(world, world.retain(2, 0));
    world.now += 8 * DAY;
    const [, second] = ids(world);
    world.hurt(second as SnapshotId, false);
    await run(world, world.collect(true, 0));
    expect(world.seen.violations).toEqual([]);
    expect(await finish(world, new Map())).toEqual([]);
  });

  it("a card of which no index tells keeps what it uses", async () => {
    const world = new ProtocolWorld();
    await backup(world, 0);
    world.clone();
    const image = world.backup(1, false, 1, 255);
    await untilThere(world, image, (name) => name.includes("/begins/"), 2);
    await backup(world, 0, { full: true });
    await run(world, world.retain(1, 0));
    world.now += DAY;
    await run(world, image);
    expect(world.seen.cards.size).toBe(3);
    world.now += 7 * DAY;
    await run(world, world.collect(true, 0));
    expect(world.seen.violations).toEqual([]);
    expect(await finish(world, new Map())).toEqual([]);
  });

  it("a collector that died with the card gone and the begin there breaks none on top of it", async () => {
    const world = await expiredFirst();
    const [first] = ids(world);
    const collector = world.collect(true, 0);
    while (world.seen.cards.has(first as SnapshotId)) await world.step(collector, 1);
    await collector.gate.kill(false);
    expect([...world.inner.objects.keys()].filter((name) => name.includes(`/begins/${first}`))).toHaveLength(1);
    expect(await finish(world, new Map())).toEqual([]);
  });

  it("a run on top of a snapshot that had expired long before is none", async () => {
    const world = new ProtocolWorld();
    await backup(world, 0);
    world.clone();
    await backup(world, 0, { full: true, listed: false });
    const dying = world.retain(1, 0);
    await untilThere(world, dying, (name) => name.includes(".expired."), 1);
    await dying.gate.kill(false);
    world.now += 7 * DAY - 3_600_000;
    // The image knows what the head says, and that is a week old.
    const image = world.backup(1, false, 1, 255, true);
    await untilThere(world, image, (name) => name.includes("/begins/"), 3);
    world.now += 2 * 3_600_000;
    const collector = world.collect(true, 0);
    await untilThere(world, collector, (name) => name.includes("/plans/"), 1);
    await run(world, image);
    expect([...world.seen.late]).toHaveLength(1);
    await run(world, collector);
    expect(await finish(world, new Map())).toEqual([]);
  });
});

/** Each gives a key file that no card is beside, and that the newest snapshot needs. */
const WITHOUT_CARD: Record<string, (world: ProtocolWorld) => Promise<SnapshotId>> = {
  "a snapshot that went, and whose packs live on": async (world) => {
    for (let count = 0; count < 2; count += 1) await backup(world, 0);
    const [first] = ids(world) as [SnapshotId];
    await run(world, world.retain(1, 0));
    world.now += 8 * DAY;
    await run(world, world.collect(true, 0));
    return first;
  },
  "a run that died, and whose packs another one took over": async (world) => {
    const dying = world.backup(0, false, 2, 255);
    await untilThere(world, dying, (name) => name.endsWith(".pack"), 2);
    await dying?.gate.kill(false);
    const [dead] = [...world.seen.begins.keys()] as [SnapshotId];
    await backup(world, 0);
    return dead;
  },
};

describe("a rotation that takes the old recipient out", () => {
  it.each(Object.keys(WITHOUT_CARD))("leaves it no slot in the key file of %s", async (what) => {
    const world = new ProtocolWorld();
    const origin = (await WITHOUT_CARD[what]?.(world)) as SnapshotId;
    const newest = ids(world).at(-1) as SnapshotId;
    expect(world.seen.cards.has(origin)).toBe(false);
    expect(world.seen.cards.get(newest)?.wanted.has(names.keyJson(node, origin))).toBe(true);
    expect(world.slots().get(origin)).toEqual(["k"]);
    await run(world, world.rotate("k"));
    // I14: who has but the new key restores the newest. And who has but the old one opens nothing at all.
    expect(world.seen.violations).toEqual([]);
    expect(world.seen.tally.get("rotated")).toBe(1);
    expect(world.slots()).toEqual(new Map([origin, newest].map((id) => [id, ["r1"]])));
    expect(await finish(world, new Map())).toEqual([]);
  });
});

/** Lets a process go on until so many such objects are there. */
async function untilThere(
  world: ProtocolWorld,
  actor: Actor | undefined,
  such: (name: string) => boolean,
  count: number,
): Promise<void> {
  while ([...world.inner.objects.keys()].filter(such).length < count) {
    if (actor?.done !== false) throw new Error("it ended before");
    await world.step(actor, 1);
  }
}
