import { afterAll, describe, expect, it } from "vitest";
import { settingsOf } from "../../lambdas/common/settings.ts";
import { indexBatch } from "../../lambdas/indexer/index-batch.ts";
import { systemClock } from "../../posix/clock.ts";
import { type Card, parseBackupList, parseHead, parseIndex } from "../../vault/card/index.ts";
import { names } from "../../vault/names/index.ts";
import { hashed, openStore, retrying } from "../../vault/store/index.ts";
import { startLocalStack } from "../e2e/emulator/localstack.ts";
import { endpointOf, freshVault } from "../e2e/s3.ts";
import { keepingTeller, recordOf } from "../lambdas/events.ts";
import { cardWorld } from "../support/cards.ts";

const aws = await startLocalStack();
const missing = "missing" in aws ? ` (${aws.missing})` : "";

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
        records.map((record) => indexBatch({ store, settings, tell: keepingTeller() }, [record])),
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
});
