import { afterAll, describe, expect, it } from "vitest";
import { makeIndexMemory } from "../../keeper/index.ts";
import { settingsOf } from "../../lambdas/common/settings.ts";
import { indexBatch } from "../../lambdas/indexer/index-batch.ts";
import { systemClock } from "../../posix/clock.ts";
import { type Card, parseBackupList, parseHead, parseIndex } from "../../vault/card/index.ts";
import { names } from "../../vault/names/index.ts";
import { hashed, openStore, retrying } from "../../vault/store/index.ts";
import { startLocalStack } from "../e2e/emulator/localstack.ts";
import { startProxy } from "../e2e/proxy.ts";
import { endpointOf, freshVault } from "../e2e/s3.ts";
import { keepingTeller, recordOf } from "../lambdas/events.ts";
import { cardWorld, usesOf } from "../support/cards.ts";

const aws = await startLocalStack();
const missing = "missing" in aws ? ` (${aws.missing})` : "";

const send = async () => {};

describe.skipIf(missing !== "")(`the indexer on S3${missing}`, { timeout: 240_000 }, () => {
  afterAll(() => ("stop" in aws ? aws.stop() : undefined));

  it("loses none of 50 cards of one node that 50 functions take in at once", async () => {
    const vault = await freshVault(endpointOf(aws));
    const store = retrying(await openStore(vault.url, { s3: vault.s3 }), { clock: systemClock });
    const world = await cardWorld();
    const cards: Card[] = [];
    // Their ids tell about now, as S3's clock cannot be moved.
    const at = Math.floor(Date.now() / 1000) * 1000 - 600_000;
    for (let n = 0; n < 50; n += 1) cards.push(await world.snapshot({ at: at + n * 1000, packs: 1 }));
    for (const [name, { bytes }] of world.store.objects) await store.create(name, hashed(bytes));

    const settings = settingsOf({
      format: 1,
      nodes: [{ name: world.node, at: "00:00", stale_after: "26h", reread_days: 30 }],
    });
    const prefix = vault.url.slice(`s3://${vault.bucket}/`.length);
    let records = cards.map(({ core }) => recordOf(vault.bucket, `${prefix}/${names.card(core.node, core.snapshot)}`));
    let rounds = 0;
    // What is not taken in is delivered again, as the queue does it, at most five times.
    while (records.length > 0 && rounds < 5) {
      rounds += 1;
      const answers = await Promise.all(
        records.map((record) => indexBatch({ store, settings, send, tell: keepingTeller() }, [record])),
      );
      const again = new Set(answers.flatMap(({ batchItemFailures }) => batchItemFailures.map((f) => f.itemIdentifier)));
      records = records.filter(({ messageId }) => again.has(messageId));
    }
    expect(records).toEqual([]);
    const read = async (name: string) => (await store.get(name))?.bytes ?? new Uint8Array(0);
    const wanted = cards.map(({ core }) => core.snapshot).sort();
    const index = parseIndex(await read(names.indexJson(world.node)));
    expect(index.snapshots.map(({ snapshot }) => snapshot).sort()).toEqual(wanted);
    expect(index.snapshots.map(({ state }) => state)).toEqual(Array(50).fill("good"));
    const list = parseBackupList(await read(names.backupList(world.node)));
    expect([...list].sort()).toEqual(wanted);
    expect(list).toEqual(index.snapshots.map(({ snapshot }) => snapshot));
    expect(parseHead(await read(names.headJson(world.node))).generation).toBe(index.generation);
  });

  it("asks S3 eight times a card, and once for each new pack; a function that has just started six times more", async () => {
    const vault = await freshVault(endpointOf(aws));
    const proxy = await startProxy(endpointOf(aws));
    const open = (endpoint: string) => openStore(vault.url, { s3: { ...vault.s3, endpoint } });
    const [store, counted] = [await open(endpointOf(aws)), await open(proxy.endpoint)];
    const world = await cardWorld();
    const settings = settingsOf({
      format: 1,
      nodes: [{ name: world.node, at: "00:00", stale_after: "26h", reread_days: 30 }],
    });
    const prefix = vault.url.slice(`s3://${vault.bucket}/`.length);
    const put = new Set<string>();
    const arrive = async (cards: readonly Card[]) => {
      for (const [name, { bytes }] of world.store.objects) {
        if (!put.has(name)) await store.create(name, hashed(bytes));
        put.add(name);
      }
      return cards.map(({ core }) => recordOf(vault.bucket, `${prefix}/${names.card(core.node, core.snapshot)}`));
    };
    // A begin that comes within a minute of its id's time is no copy's.
    const at = Math.floor(Date.now() / 1000) * 1000;
    const cards: Card[] = [await world.snapshot({ at })];
    const add = async (packs: number) => {
      const parent = cards.at(-1) as Card;
      const more = { parent: parent.core.snapshot, inherited: usesOf(parent), packs, at: at + cards.length * 1000 };
      cards.push(await world.snapshot(more));
      return cards.at(-1) as Card;
    };
    await indexBatch({ store, settings, send, tell: keepingTeller() }, await arrive(cards));
    const memory = makeIndexMemory(systemClock);
    /** Calls of each kind, packs apart, for the cards that come in one batch. */
    const callsOf = async (batch: readonly Card[]) => {
      const records = await arrive(batch);
      proxy.calls.length = 0;
      await indexBatch({ store: counted, settings, send, tell: keepingTeller(), memory }, records);
      const packs = proxy.calls.filter(({ kind, key }) => kind === "HEAD" && key.endsWith(".pack"));
      const lists = proxy.calls.filter(({ kind }) => kind === "LIST");
      return { packs: packs.length, lists: lists.length, others: proxy.calls.length - packs.length - lists.length };
    };
    expect(await callsOf([await add(3)])).toEqual({ packs: 3, lists: 0, others: 14 });
    expect(await callsOf([await add(3)])).toEqual({ packs: 3, lists: 0, others: 8 });
    expect(await callsOf([await add(100)])).toEqual({ packs: 100, lists: 0, others: 8 });
    expect(await callsOf([await add(1), await add(1), await add(1)])).toEqual({
      packs: 3,
      lists: 0,
      others: 3 * 5 + 3,
    });
    const states = parseIndex((await store.get(names.indexJson(world.node)))?.bytes ?? new Uint8Array(0)).snapshots;
    expect(states.map(({ state }) => state)).toEqual(Array(7).fill("good"));
    await proxy.stop();
  });
});
