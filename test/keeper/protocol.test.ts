import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { listSnapshots, rebuildIndex, retainSnapshots } from "../../keeper/index.ts";
import { parseBackupList, parseHead, parseIndex } from "../../vault/card/index.ts";
import { makeVaultId, names, type SnapshotId, toNodeName } from "../../vault/names/index.ts";
import { DAY, ProtocolWorld, tiersOf } from "../support/protocol-world.ts";

/**
 * The protocol as a whole: two hosts with one key, a stranger with another, any number of keepers, over one store. What
 * runs is the keeper's real code; the agent is a model that puts the same objects in the same order with the same
 * encoders (test/support/protocol-agent.ts). A story is a list of numbers, so that fast-check can cut it down.
 */
const STORIES = Number(process.env.COLDKEEP_PROTOCOL_STORIES ?? 4);
const LENGTH = Number(process.env.COLDKEEP_PROTOCOL_LENGTH ?? 120);
/** Fixed, so that a change is told from chance; a campaign takes others: `COLDKEEP_PROTOCOL_SEED=$RANDOM`. */
const SEED = Number(process.env.COLDKEEP_PROTOCOL_SEED ?? 7);

const node = toNodeName("icon");
const scope = { vault: makeVaultId(Buffer.alloc(16, 7)), node };

type Op = readonly [kind: number, a: number, b: number, c: number];

const op: fc.Arbitrary<Op> = fc.tuple(fc.nat(99), fc.nat(63), fc.nat(255), fc.nat(7));

async function tell(world: ProtocolWorld, [kind, a, b, c]: Op): Promise<void> {
  const pick = <T>(from: readonly T[]): T | undefined => from[a % Math.max(1, from.length)];
  const skew = (c - 3) * 20 * DAY;
  const actor = pick(world.living());
  if (kind < 40) for (let step = 0; step <= b % 64; step += 1) await actor?.gate.step();
  else if (kind < 46) await actor?.gate.kill(b % 2 === 0);
  else if (kind < 58) world.backup(a % 16 === 0 ? 2 : a % 5 === 0 ? 1 : 0, c === 0, 1 + (c % 3), b | 1, c > 1);
  else if (kind < 66) world.index([pick(world.events)].filter((id): id is SnapshotId => id !== undefined));
  else if (kind < 68) world.rebuild();
  else if (kind < 75) world.retain(1 + (a % 3), skew);
  else if (kind < 83) world.collect(b % 4 === 0, skew);
  else if (kind < 85) {
    const id = pick(world.cardIds());
    if (id !== undefined) world.pin(id, b % 3 > 0);
  } else if (kind < 87) {
    const id = pick([...world.everGood].filter((good) => world.inner.objects.has(names.card(node, good))));
    if (id !== undefined && world.fateOf(id) !== "collect") await world.restore(id, 1 + c);
  } else world.now += [60_000, 3_600_000, DAY / 2, DAY, 2 * DAY, 4 * DAY, 7 * DAY, 8 * DAY][c] ?? 0;
  world.check();
}

async function play(story: readonly Op[], happened: Map<string, number>): Promise<void> {
  const world = new ProtocolWorld();
  for (const one of story) {
    await tell(world, one);
    if (world.violations.length > 0) break;
  }
  expect(world.violations).toEqual([]);
  await world.drain();
  world.check();
  expect(world.violations).toEqual([]);
  await checkQuiet(world);
  for (const [what, count] of world.tally) happened.set(what, (happened.get(what) ?? 0) + count);
  await checkSweptUp(world);
}

/** Once nothing runs any more: caches agree with the cards, and with one another. */
async function checkQuiet(world: ProtocolWorld): Promise<void> {
  const { inner } = world;
  world.index(world.events);
  await world.drain();
  const before = await entriesOf(world);
  // I6: made anew from cards and markers, it says the same; so does a plan made twice.
  await rebuildIndex({ store: inner, node });
  expect(await entriesOf(world)).toEqual(before);
  const planned = () => retainSnapshots({ store: inner, ...scope, tiers: tiersOf(2), apply: false, now: world.now });
  expect((await planned()).plan).toEqual((await planned()).plan);
  // I7
  const read = (name: string) => inner.objects.get(name)?.bytes ?? new Uint8Array();
  const index = parseIndex(read(names.indexJson(node)));
  expect(parseHead(read(names.headJson(node))).generation).toBe(index.generation);
  const listed = parseBackupList(read(names.backupList(node)));
  expect(listed).toEqual(
    index.snapshots.filter(({ state, remarks }) => state === "good" && remarks.length === 0).map((e) => e.snapshot),
  );
  // I5, I12: an honest run that committed in time is good, or was and is expired; the newest of a writer never is.
  const states = new Map(before.map((entry) => [entry.snapshot, entry]));
  for (const core of world.cores()) {
    const entry = states.get(core.snapshot);
    const honest = entry?.writer === before.find(({ state }) => state === "good")?.writer;
    if (honest && entry?.state === "broken")
      expect([core.snapshot, world.tookTooLong(core), entry.remarks]).toEqual([core.snapshot, true, entry.remarks]);
  }
  for (const writer of new Set(before.map((entry) => entry.writer))) {
    const newest = before.find(
      (entry) => entry.writer === writer && (entry.state === "good" || entry.state === "expired"),
    );
    expect([newest?.snapshot, newest?.state]).not.toEqual([newest?.snapshot, "expired"]);
  }
}

/** I11: once faults stop, what nobody uses is gone within a few graces, and nothing else is. */
async function checkSweptUp(world: ProtocolWorld): Promise<void> {
  for (const id of world.cardIds()) world.pin(id, false);
  await world.drain();
  for (let week = 0; week < 5; week += 1) {
    world.now += 8 * DAY;
    if (week === 0) world.backup(0, true, 2, 0);
    await world.drain();
    world.index(world.events.filter((id) => world.inner.objects.has(names.card(node, id))));
    await world.drain();
    world.retain(1, 0);
    await world.drain();
    world.collect(true, 0);
    await world.drain();
    world.check();
  }
  expect(world.violations).toEqual([]);
  const used = new Set<string>();
  for (const core of world.cores()) for (const { snapshot } of core.origins) used.add(snapshot);
  const kept = new Set([...used, ...world.cardIds()]);
  const left = [...world.inner.objects.keys()].filter((name) => name.startsWith(names.dataRoot(node)));
  expect(left.filter((name) => !kept.has(name.split("/")[2] ?? ""))).toEqual([]);
}

async function entriesOf(world: ProtocolWorld) {
  const entries = [];
  for await (const entry of listSnapshots({ store: world.inner, node })) entries.push(entry);
  return entries;
}

describe("the protocol", () => {
  it(`keeps its promises in ${STORIES} stories of hosts and keepers that die, sleep and meet`, {
    timeout: 3_600_000,
  }, async () => {
    const happened = new Map<string, number>();
    const stories = fc.array(op, { minLength: LENGTH / 2, maxLength: LENGTH, size: "max" });
    await fc.assert(
      fc.asyncProperty(stories, (story) => play(story, happened)),
      { numRuns: STORIES, seed: SEED },
    );
    if (STORIES > 50) console.info(`${STORIES} stories: ${JSON.stringify(Object.fromEntries([...happened].sort()))}`);
    // Before the end of a story, where all is swept up: a campaign in which nothing happens proves nothing.
    for (const what of STORIES >= 30
      ? ["committed", "shared", "adopted", "abandoned", "collect", "rescued", "data deleted"]
      : []) {
      expect(happened.get(what), what).toBeGreaterThan(0);
    }
  });
});
