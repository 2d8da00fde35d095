import { describe, expect, it } from "vitest";
import { makeIndexMemory } from "../../keeper/index.ts";
import type { WrittenNode } from "../../lambdas/common/contract.ts";
import { settingsOf } from "../../lambdas/common/settings.ts";
import { messageOf } from "../../lambdas/indexer/cards.ts";
import { INDEXER_METRICS } from "../../lambdas/indexer/contract.ts";
import { indexBatch } from "../../lambdas/indexer/index-batch.ts";
import { verifyNode } from "../../lambdas/verifier/verify-node.ts";
import { type Card, encodeCard, parseBackupList, parseIndex, publicKeyOf } from "../../vault/card/index.ts";
import { ColdkeepError, names } from "../../vault/names/index.ts";
import type { Store } from "../../vault/store/facets.ts";
import { type CardWorld, cardWorld, signingKey, usesOf } from "../support/cards.ts";
import { countingStore } from "../support/counting-store.ts";
import { keepingTeller, recordOf, textRecord } from "./events.ts";

const BUCKET = "vault-bucket";
const NODE: WrittenNode = { name: "icon", at: "00:00", stale_after: "26h", reread_days: 30 };

const eventOf = ({ core }: Card) => recordOf(BUCKET, `nodes/${names.card(core.node, core.snapshot)}`);

async function setUp(node: Partial<WrittenNode> = {}) {
  const world = await cardWorld();
  const tell = keepingTeller();
  const sent: string[] = [];
  const on = {
    store: { ...world.store, url: `s3://${BUCKET}/nodes` },
    settings: settingsOf({ format: 1, nodes: [{ ...NODE, ...node }] }),
    tell,
    send: async (body: string) => void sent.push(body),
  };
  return { world, tell, on, sent };
}

const listed = ({ store, node }: CardWorld) =>
  parseBackupList(store.objects.get(names.backupList(node))?.bytes ?? new Uint8Array(0));
const statesOf = ({ store, node }: CardWorld) =>
  parseIndex(store.objects.get(names.indexJson(node))?.bytes ?? new Uint8Array(0)).snapshots.map(({ state }) => state);

describe("the indexer", () => {
  it("takes a batch's cards in, newest first, in one change of the index", async () => {
    const { world, tell, on } = await setUp();
    const cards = [await world.snapshot(), await world.snapshot(), await world.snapshot()];
    // Out of order, and one of them twice.
    const records = [cards[2], cards[0], cards[1], cards[0]].map((card) => eventOf(card as Card));
    expect(await indexBatch(on, records)).toEqual({ batchItemFailures: [] });
    expect(listed(world)).toEqual(cards.map(({ core }) => core.snapshot).reverse());
    const index = parseIndex(world.store.objects.get(names.indexJson(world.node))?.bytes ?? new Uint8Array(0));
    expect(index.generation).toBe(1);
    expect(tell.counts.get(INDEXER_METRICS.cards)).toBe(3);
    // Replayed: nothing changes.
    expect(await indexBatch(on, records)).toEqual({ batchItemFailures: [] });
    const again = parseIndex(world.store.objects.get(names.indexJson(world.node))?.bytes ?? new Uint8Array(0));
    expect(again.generation).toBe(1);
  });

  it("passes over what is no card of its nodes, and goes on with the rest", async () => {
    const { world, tell, on } = await setUp();
    const card = await world.snapshot();
    const at = (key: string) => recordOf(BUCKET, key);
    const records = [
      textRecord("not json"),
      textRecord("null"),
      textRecord('{"Records":[null,{"s3":7},{"s3":{"bucket":{"name":"vault-bucket"},"object":{"key":"%E0%A4%A"}}}]}'),
      textRecord(`{"Records":${"[".repeat(5000)}${"]".repeat(5000)}}`),
      recordOf("another-bucket", `nodes/${names.card(world.node, card.core.snapshot)}`),
      at(names.card(world.node, card.core.snapshot)),
      at(`nodes/other/snapshots/${card.core.snapshot}.card.json`),
      at(`nodes/icon/snapshots/../../other/snapshots/${card.core.snapshot}.card.json`),
      at("nodes/icon/snapshots/nonsense.card.json"),
      at(`nodes/icon/data/${card.core.snapshot}/x.card.json`),
      textRecord('{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"vault-bucket"}'),
      eventOf(card),
    ];
    expect(await indexBatch(on, records)).toEqual({ batchItemFailures: [] });
    expect(listed(world)).toEqual([card.core.snapshot]);
    expect(tell.counts.get(INDEXER_METRICS.ignored)).toBe(12);
    expect([...world.store.objects.keys()].filter((name) => name.startsWith("other"))).toEqual([]);
  });

  it("brings back the records of a node that fails, and of no other", async () => {
    const { world, tell, on } = await setUp();
    const card = await world.snapshot();
    const settings = settingsOf({ format: 1, nodes: [NODE, { ...NODE, name: "gone" }] });
    const lost = recordOf(BUCKET, `nodes/gone/snapshots/${card.core.snapshot}.card.json`);
    expect(await indexBatch({ ...on, settings }, [lost, eventOf(card)])).toEqual({
      batchItemFailures: [{ itemIdentifier: lost.messageId }],
    });
    expect(listed(world)).toEqual([card.core.snapshot]);
    expect(tell.counts.get(INDEXER_METRICS.failed)).toBe(1);
    expect(tell.lines.join("\n")).toContain("the vault has no such node");
  });

  it("loses none of 50 cards that 50 functions take in at once", async () => {
    const { world, on } = await setUp();
    const cards: Card[] = [];
    for (let n = 0; n < 50; n += 1) cards.push(await world.snapshot());
    let records = cards.map(eventOf);
    // What is not taken in is delivered again, as the queue does it, at most five times.
    for (let round = 0; records.length > 0 && round < 5; round += 1) {
      const answers = await Promise.all(records.map((record) => indexBatch(on, [record])));
      const again = new Set(answers.flatMap(({ batchItemFailures }) => batchItemFailures.map((f) => f.itemIdentifier)));
      records = records.filter(({ messageId }) => again.has(messageId));
    }
    expect(records).toEqual([]);
    expect(listed(world)).toEqual(cards.map(({ core }) => core.snapshot).reverse());
  });

  it("finishes what one that was killed between its writes began", async () => {
    const { world, on } = await setUp();
    const card = await world.snapshot();
    const dying: Store = {
      ...on.store,
      replace: async (name, bytes, expected) => {
        if (name.endsWith("backup_list")) throw new ColdkeepError("vault", { what: "killed here" });
        return on.store.replace(name, bytes, expected);
      },
    };
    const record = eventOf(card);
    const { batchItemFailures } = await indexBatch({ ...on, store: dying }, [record]);
    expect(batchItemFailures).toEqual([{ itemIdentifier: record.messageId }]);
    expect(statesOf(world)).toEqual(["good"]);
    expect(listed(world)).toEqual([]);
    expect(await indexBatch(on, [record])).toEqual({ batchItemFailures: [] });
    expect(listed(world)).toEqual([card.core.snapshot]);
  });

  it("lists a card that lies as broken, and counts it", async () => {
    const { world, tell, on } = await setUp();
    const short = await world.snapshot({ without: ["00001.pack"] });
    const forged = await world.snapshot({ key: signingKey(9) });
    const huge = await world.snapshot();
    world.store.plant(names.card(world.node, huge.core.snapshot), Buffer.alloc(10 << 20, 0x20));
    const deep = await world.snapshot();
    world.store.plant(names.card(world.node, deep.core.snapshot), Buffer.from("[".repeat(100_000)));
    const swapped = await world.snapshot();
    world.store.plant(names.card(world.node, swapped.core.snapshot), encodeCard(short));
    await indexBatch(on, [short, forged, huge, deep, swapped].map(eventOf));
    expect(statesOf(world)).toEqual(Array(5).fill("broken"));
    expect(listed(world)).toEqual([]);
    expect(tell.counts.get(INDEXER_METRICS.broken)).toBe(5);
  });

  it("takes nothing from a host whose key is not the one pinned", async () => {
    const pinned = await setUp({ card_key: publicKeyOf(signingKey(1)) });
    const card = await pinned.world.snapshot();
    expect(await indexBatch(pinned.on, [eventOf(card)])).toEqual({ batchItemFailures: [] });
    const other = await setUp({ card_key: publicKeyOf(signingKey(2)) });
    const theirs = eventOf(await other.world.snapshot());
    const { batchItemFailures } = await indexBatch(other.on, [theirs]);
    expect(batchItemFailures).toEqual([{ itemIdentifier: theirs.messageId }]);
    expect(other.tell.lines.join("\n")).toContain("another host claimed the node's name");
    expect(other.world.store.objects.has(names.indexJson(other.world.node))).toBe(false);
  });

  it("goes on by its queue with a card of more packs than one call looks at, and with its child behind it", async () => {
    const { world, on, sent } = await setUp();
    const before = await world.snapshot();
    await indexBatch(on, [eventOf(before)]);
    const card = await world.snapshot({ packs: 7 });
    const child = await world.snapshot({ parent: card.core.snapshot, inherited: usesOf(card) });
    const heads: string[] = [];
    const store = countingStore(on.store, (call) => heads.push(call));
    let records = [eventOf(card), eventOf(child)];
    let calls = 0;
    for (; records.length > 0; calls += 1) {
      expect(await indexBatch({ ...on, store, packs: 3 }, records)).toEqual({ batchItemFailures: [] });
      records = sent.splice(0).map(textRecord);
      if (records.length > 0) expect(listed(world)).toEqual([before.core.snapshot]);
    }
    expect(calls).toBe(3);
    expect(listed(world)).toEqual([child, card, before].map(({ core }) => core.snapshot));
    expect(heads.filter((call) => call.startsWith("LIST"))).toEqual([]);
    for (let index = 0; index < 7; index += 1) {
      expect(heads).toContain(`HEAD ${names.pack(world.node, card.core.snapshot, index)}`);
    }
    // What lacks a pack in a later slice is as broken as any other.
    const short = await world.snapshot({ packs: 7, without: ["00005.pack"] });
    records = [eventOf(short)];
    while (records.length > 0) {
      await indexBatch({ ...on, packs: 3 }, records);
      records = sent.splice(0).map(textRecord);
    }
    expect(statesOf(world)[0]).toBe("broken");
  });

  it("that somebody who may send to its queue told most was looked at: what lacks is listed as damaged that night", async () => {
    const { world, on } = await setUp();
    const card = await world.snapshot({ packs: 3, without: ["00000.pack"] });
    const { snapshot, node } = card.core;
    await indexBatch(on, [textRecord(messageOf({ node, snapshot, looked: 2 }))]);
    expect(statesOf(world)).toEqual(["good"]);
    const verifier = { ...on, people: async () => {}, send: async () => {}, now: () => world.now + 3_600_000 };
    const settings = on.settings.get(node);
    if (settings === undefined) throw new Error("it is the one there is");
    await verifyNode(verifier, settings, new AbortController().signal);
    expect(statesOf(world)).not.toContain("good");
  });

  it("asks S3 a known number of times a card, and lists nothing", async () => {
    const { world, on } = await setUp();
    const calls: string[] = [];
    const note = (call: string) => calls.push(call);
    const counted = countingStore(on.store, note);
    const first = await world.snapshot();
    await indexBatch(on, [eventOf(first)]);
    const cards = [first];
    const add = async () => {
      const parent = cards.at(-1) as Card;
      cards.push(await world.snapshot({ parent: parent.core.snapshot, inherited: usesOf(parent), packs: 3 }));
    };
    await add();
    await indexBatch({ ...on, store: counted }, [eventOf(cards[1] as Card)]);
    const packs = calls.filter((call) => call.endsWith(".pack"));
    expect(packs).toHaveLength(3);
    expect(calls.filter((call) => call.startsWith("LIST"))).toEqual([]);
    expect(calls.length - packs.length).toBe(14);
    calls.length = 0;
    for (let more = 0; more < 10; more += 1) await add();
    await indexBatch({ ...on, store: counted }, cards.slice(2).map(eventOf));
    expect((calls.length - 30) / 10).toBe(5.9);
    // A function that is warm still knows what it wrote.
    const memory = makeIndexMemory({ monotonic: () => 0 });
    for (let more = 0; more < 3; more += 1) {
      await add();
      calls.length = 0;
      await indexBatch({ ...on, store: counted, memory }, [eventOf(cards.at(-1) as Card)]);
    }
    expect(calls.filter((call) => !call.endsWith(".pack"))).toHaveLength(8);
  });
});
