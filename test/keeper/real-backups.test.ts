import { randomBytes } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { confirmParent } from "../../agent/backup/index.ts";
import { indexSnapshots, rebuildIndex, verifySnapshots } from "../../keeper/index.ts";
import { planPage } from "../../keeper/present/plan.ts";
import { type Card, parseCard } from "../../vault/card/index.ts";
import { names, type SnapshotId } from "../../vault/names/index.ts";
import type { Lister } from "../../vault/store/facets.ts";
import { openStore } from "../../vault/store/index.ts";
import { type BackupHost, backupHost, NODE, VAULT } from "../support/backup-host.ts";
import { faultyStore } from "../support/faulty-store.ts";
import { tempDir } from "../support/tmp.ts";

/** What the command does after a backup. */
async function index(host: BackupHost, id: SnapshotId) {
  const { entries } = await indexSnapshots({ store: host.store, vault: VAULT, node: NODE, ids: [id] });
  const confirmed = await confirmParent({
    stateDir: host.stateDir,
    node: NODE,
    snapshot: id,
    stores: [host.store],
    vault: VAULT,
  });
  return { entry: entries[0], confirmed };
}

async function assertWhole(host: BackupHost): Promise<number> {
  const { store } = host;
  let count = 0;
  for await (const { damages, notes } of verifySnapshots({ store, vault: VAULT, node: NODE, readData: true })) {
    expect([damages, notes]).toEqual([[], []]);
    count += 1;
  }
  expect((await rebuildIndex({ store, vault: VAULT, node: NODE })).changed).toBe(false);
  return count;
}

async function listed(store: Lister, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of store.list(prefix)) found.push(name);
  return found;
}

describe("what a host really writes", () => {
  it("is good: a first snapshot and those on top of it, in the index and read back", async () => {
    const dir = tempDir();
    const host = backupHost(dir, await openStore(join(dir, "vault"), { create: true }));
    mkdirSync(join(host.root, "blocks"));
    writeFileSync(join(host.root, "blocks", "0"), randomBytes(3_000_000));
    for (let round = 1; round <= 3; round += 1) {
      writeFileSync(join(host.root, "blocks", `${round}`), randomBytes(100_000));
      const { snapshot, parent } = await host.backup({}, { now: Date.now });
      expect(parent === null).toBe(round === 1);
      expect(await index(host, snapshot)).toMatchObject({
        entry: { snapshot, state: "good", remarks: [] },
        confirmed: true,
      });
    }
    expect(await assertWhole(host)).toBe(3);
  });

  it("is good when it goes on from a run that was cut off, whose packs it took over", async () => {
    const dir = tempDir();
    const store = await openStore(join(dir, "vault"), { create: true });
    const host = backupHost(dir, store);
    writeFileSync(join(host.root, "base"), randomBytes(500_000));
    await index(host, (await host.backup({}, { now: Date.now })).snapshot);
    writeFileSync(join(host.root, "more"), randomBytes(2_500_000));
    // Twice the vault is lost when the run's own card is to be put: all packs are there by then. The second run goes on
    // from the first, and the third from both.
    for (let cuts = 0; cuts < 2; cuts += 1) {
      const begun = new Set((await listed(store, names.beginsFolder(NODE))).map((name) => basename(name, ".json")));
      const isOwnCard = (name: string) => name.endsWith(".card.json") && !begun.has(basename(name, ".card.json"));
      const cut = faultyStore(store, ({ name }) => (isOwnCard(name) ? "no-space" : null));
      await expect(host.backup({}, { store: cut, now: Date.now })).rejects.toThrow(/made to fail/);
      writeFileSync(join(host.root, `more ${cuts}`), randomBytes(200_000));
    }
    const closed = (await listed(store, names.snapshotsFolder(NODE))).length;
    expect(closed).toBe(2);
    const { snapshot } = await host.backup({}, { now: Date.now });
    const { entry, confirmed } = await index(host, snapshot);
    expect(entry).toMatchObject({ state: "good", remarks: [] });
    expect(confirmed).toBe(true);
    expect(await assertWhole(host)).toBe(2);
    rmSync(join(host.root, "base"));
    const next = (await host.backup({}, { now: Date.now })).snapshot;
    expect((await index(host, next)).entry).toMatchObject({ state: "good", remarks: [] });
    expect(await assertWhole(host)).toBe(3);
    const scope = { vault: VAULT, node: NODE };
    const card = parseCard((await store.get(names.card(NODE, next)))?.bytes ?? new Uint8Array(0)) as Card;
    const page = await planPage({ scope, card, sign: (name) => ({ url: name, expires: 0 }) });
    const absent: string[] = [];
    for (const { name } of page.objects) if ((await store.head(name)) === null) absent.push(name);
    expect(absent).toEqual([names.originRecord(NODE, next)]);
  });
});
