import { describe, expect, it } from "vitest";
import { type IndexMemory, indexSnapshots, makeIndexMemory, markSnapshot } from "../../keeper/index.ts";
import {
  type Card,
  encodeNodeJson,
  parseBackupList,
  parseHead,
  parseIndex,
  publicKeyOf,
} from "../../vault/card/index.ts";
import { names } from "../../vault/names/index.ts";
import { type CardWorld, cardWorld, START, signingKey, usesOf } from "../support/cards.ts";
import { countingStore } from "../support/counting-store.ts";

const none = new Uint8Array(0);

async function warm() {
  const world = await cardWorld();
  const clock = { now: 0, monotonic: () => clock.now };
  const memory = makeIndexMemory(clock);
  const calls: string[] = [];
  const store = countingStore(world.store, (call) => calls.push(call));
  const index = (cards: readonly Card[], by: IndexMemory | null = memory) =>
    indexSnapshots({
      ...{ store, node: world.node, ids: cards.map(({ core }) => core.snapshot), justCame: true },
      ...(by === null ? {} : { memory: by }),
    });
  const child = async (parent: Card) =>
    world.snapshot({ parent: parent.core.snapshot, inherited: usesOf(parent), packs: 1 });
  const first = await world.snapshot();
  await index([first]);
  return { world, clock, memory, calls, index, child, first };
}

const indexOf = ({ store, node }: CardWorld) => parseIndex(store.objects.get(names.indexJson(node))?.bytes ?? none);
const listOf = ({ store, node }: CardWorld) =>
  parseBackupList(store.objects.get(names.backupList(node))?.bytes ?? none);
const headOf = ({ store, node }: CardWorld) => parseHead(store.objects.get(names.headJson(node))?.bytes ?? none);

/** Whether the three caches tell the same snapshots, newest first. */
function expectAll(world: CardWorld, cards: readonly Card[]) {
  const ids = cards.map(({ core }) => core.snapshot).reverse();
  expect(indexOf(world).snapshots.map(({ snapshot }) => snapshot)).toEqual(ids);
  expect(listOf(world)).toEqual(ids);
  expect(headOf(world)).toMatchObject({ newest: ids[0], generation: indexOf(world).generation });
}

describe("an indexer that remembers", () => {
  it("asks for nothing that it wrote itself", async () => {
    const { world, calls, index, child, first } = await warm();
    const second = await child(first);
    calls.length = 0;
    await index([second]);
    const { snapshot } = second.core;
    const { node } = world;
    expect(calls).toEqual([
      `GET ${names.card(node, snapshot)}`,
      `GET ${names.begin(node, snapshot)}`,
      `GET ${names.packList(node, snapshot, 0)}`,
      `HEAD ${names.pack(node, snapshot, 0)}`,
      `HEAD ${names.manifest(node, snapshot)}`,
      `HEAD ${names.keyJson(node, snapshot)}`,
      `PUT ${names.indexJson(node)}`,
      `PUT ${names.backupList(node)}`,
      `PUT ${names.headJson(node)}`,
    ]);
    expectAll(world, [first, second]);
  });

  it("loses nothing that others wrote meanwhile: index, list or head", async () => {
    const { world, index, child, first } = await warm();
    const second = await child(first);
    await index([second], null);
    const third = await child(second);
    await index([third]);
    expectAll(world, [first, second, third]);
    for (const name of [names.backupList(world.node), names.headJson(world.node)]) {
      world.store.plant(name, Buffer.from("by hand"));
      const next = await child(third);
      await index([next]);
      expect(listOf(world)[0]).toBe(next.core.snapshot);
      expect(headOf(world).newest).toBe(next.core.snapshot);
    }
  });

  it("makes anew what a hand deleted, also where nothing is new", async () => {
    const { world, index, child, first } = await warm();
    world.store.objects.delete(names.indexJson(world.node));
    await index([first]);
    expectAll(world, [first]);
    for (const name of [names.indexJson, names.backupList, names.headJson]) {
      world.store.objects.delete(name(world.node));
      await index([await child(first)]);
    }
    const cards = indexOf(world).snapshots.map(({ snapshot }) => snapshot);
    expect(cards).toHaveLength(4);
    expect(listOf(world)).toEqual(cards);
    expect(headOf(world).newest).toBe(cards[0]);
  });

  it("calls no card broken before it has asked the vault whose node it is", async () => {
    const { world, index } = await warm();
    // The host lost its key, and an operator put the node's record anew.
    const key = signingKey(5);
    const { vault, node } = world;
    const record = { format: 1, vault, node, profile: "leveldb", key: publicKeyOf(key), created: START } as const;
    world.store.plant(names.nodeJson(node), encodeNodeJson(record));
    const card = await world.snapshot({ key });
    const { entries } = await index([card]);
    expect(entries).toMatchObject([{ snapshot: card.core.snapshot, state: "good" }]);
  });

  it("asks again after five minutes what never changes", async () => {
    const { world, clock, calls, index, child, first } = await warm();
    clock.now += 200_000;
    await index([await child(first)]);
    clock.now += 200_000;
    calls.length = 0;
    await index([await child(first)]);
    expect(calls).toContain(`GET ${names.nodeJson(world.node)}`);
    expect(calls).toContain(`GET ${names.VAULT_JSON}`);
  });

  it("looks for marks of a card that the index knows, and of one whose event did not just come", async () => {
    const { world, index, first, child } = await warm();
    const pin = { pinned: true, tags: [] };
    await markSnapshot({ store: world.store, node: world.node, snapshot: first.core.snapshot, change: () => pin });
    expect((await index([first])).entries).toMatchObject([{ pinned: true }]);
    const second = await child(first);
    await markSnapshot({ store: world.store, node: world.node, snapshot: second.core.snapshot, change: () => pin });
    const { entries } = await indexSnapshots({ store: world.store, node: world.node, ids: [second.core.snapshot] });
    expect(entries).toMatchObject([{ pinned: true }]);
  });
});
