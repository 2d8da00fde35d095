import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { confirmParent, makeVaultSet } from "../../../agent/backup/index.ts";
import { indexSnapshots, rebuildIndex, verifySnapshots } from "../../../keeper/index.ts";
import { type ColdkeepError, isColdkeepError, names, type SnapshotId } from "../../../vault/names/index.ts";
import type { Store } from "../../../vault/store/facets.ts";
import { hashed } from "../../../vault/store/index.ts";
import { backupHost, NODE, VAULT } from "../../support/backup-host.ts";
import { type FaultyCall, faultyStore } from "../../support/faulty-store.ts";
import { type MemoryStore, memoryStore } from "../../support/memory-store.ts";
import { tempDir } from "../../support/tmp.ts";
import { partBytes } from "../../support/trees.ts";

const MIB = 1 << 20;

/** A host that feeds vaults a and b; b fails where `plan` says so. */
function twoVaults() {
  const clock = () => Date.UTC(2026, 0, 15);
  const a = memoryStore(clock);
  const b = memoryStore(clock);
  const plan = { fails: (_call: FaultyCall): boolean => false };
  const faulty = faultyStore(b, (call) => (plan.fails(call) ? "permission" : null));
  const host = backupHost(tempDir(), a);
  writeFileSync(join(host.root, "1.ldb"), partBytes({ seed: 1, length: 3 * MIB }));
  writeFileSync(join(host.root, "CURRENT"), "MANIFEST-000001\n");

  async function backup() {
    const vaults = makeVaultSet([
      { name: "a", store: a },
      { name: "b", store: faulty },
    ]);
    const done = await host.backup({ isImmutable: (path) => path.endsWith(".ldb") }, { vaults });
    const stores = [a, ...(vaults.live.length === 2 ? [b] : [])];
    for (const store of stores) await indexSnapshots({ store, vault: VAULT, node: NODE, ids: [done.snapshot] });
    await confirmParent({ stateDir: host.stateDir, node: NODE, snapshot: done.snapshot, stores, vault: VAULT });
    return { ...done, lost: vaults.lost };
  }
  return { ...host, a, b, plan, backup };
}

const bytesOf = (store: MemoryStore, part: string) =>
  new Map([...store.objects].filter(([name]) => name.includes(part)).map(([name, { bytes }]) => [name, bytes]));

/** True where all that is listed is good and whole; a vault that never heard of the node lists nothing. */
async function isWhole(store: Store): Promise<boolean> {
  if ((await store.head(names.nodeJson(NODE))) === null) return true;
  const { index } = await rebuildIndex({ store, vault: VAULT, node: NODE });
  let whole = index.snapshots.every(({ state }) => state === "good");
  for await (const { damages } of verifySnapshots({ store, vault: VAULT, node: NODE, readData: true }))
    whole &&= damages.length === 0;
  return whole;
}

describe("a backup into two vaults", () => {
  it("seals once and puts the same bytes to each", async () => {
    const host = twoVaults();
    const first = await host.backup();
    writeFileSync(join(host.root, "2.ldb"), partBytes({ seed: 2, length: MIB }));
    const second = await host.backup();
    expect(second.parent).toBe(first.snapshot);
    for (const part of ["/data/", "/begins/", "/snapshots/"]) {
      expect(bytesOf(host.b, part).size).toBeGreaterThan(0);
      expect(bytesOf(host.b, part)).toEqual(bytesOf(host.a, part));
    }
    expect([await isWhole(host.a), await isWhole(host.b)]).toEqual([true, true]);
  });

  it("goes on with one when the other fails, at whatever call, and shows nothing half there", async () => {
    const parts = ["node.json", "/begins/", "key.json", ".pack", "packs-0000.json", "manifest", "card.json"];
    for (const part of parts) {
      const host = twoVaults();
      host.plan.fails = ({ call, name }) => call === "create" && name.includes(part);
      const { lost, snapshot } = await host.backup();
      expect(lost.map(({ name }) => name)).toEqual(["b"]);
      expect(isColdkeepError(lost[0]?.error, "permission")).toBe(true);
      expect(await isWhole(host.a)).toBe(true);
      expect([...host.b.objects.keys()].some((name) => name.endsWith(`${snapshot}.card.json`))).toBe(false);
      expect(await isWhole(host.b)).toBe(true);
    }
  });

  it("leaves out a vault that missed a snapshot, since what it would build on is not there", async () => {
    const host = twoVaults();
    await host.backup();
    host.plan.fails = ({ call }) => call === "create";
    const second = await host.backup();
    host.plan.fails = () => false;
    const third = await host.backup();
    expect(third.parent).toBe(second.snapshot);
    expect(third.lost.map(({ name, error }) => [name, (error as ColdkeepError).kind])).toEqual([["b", "behind"]]);
    expect([await isWhole(host.a), await isWhole(host.b)]).toEqual([true, true]);
  });

  it("takes over the packs of an interrupted run only where all its vaults have them", async () => {
    const host = twoVaults();
    // b is lost at the first pack; then a fails at the manifest, and the run dies with packs that a alone has.
    host.plan.fails = ({ call, name }) => call === "create" && name.endsWith(".pack");
    const cut = faultyStore(host.a, ({ call, name }) =>
      call === "create" && name.endsWith("/manifest") ? "permission" : null,
    );
    const vaults = makeVaultSet([
      { name: "a", store: cut },
      { name: "b", store: faultyStore(host.b, (call) => (host.plan.fails(call) ? "permission" : null)) },
    ]);
    const run = host.options({ vaults });
    await expect(backupHost(join(host.stateDir, "../.."), host.a, "host", host.keys).backup({}, run)).rejects.toThrow(
      /made to fail/,
    );
    host.plan.fails = () => false;
    const next = await host.backup();
    expect(next.lost).toEqual([]);
    expect([await isWhole(host.a), await isWhole(host.b)]).toEqual([true, true]);
    expect(next.card.core.origins.map(({ snapshot }) => snapshot)).toEqual([next.snapshot]);
  });

  it("ends with the error of the last vault where both fail", async () => {
    const set = makeVaultSet([
      {
        name: "a",
        store: faultyStore(
          memoryStore(() => 0),
          () => "permission",
        ),
      },
      {
        name: "b",
        store: faultyStore(
          memoryStore(() => 0),
          () => "no-space",
        ),
      },
    ]);
    const body = hashed(Buffer.from("x"));
    await expect(set.put("n/x", body, {})).rejects.toSatisfy((e) => isColdkeepError(e, "no-space"));
  });

  it("in any order of failures commits good snapshots only, each where all it needs is", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 12 }), { minLength: 1, maxLength: 4 }), async (failAt) => {
        const host = twoVaults();
        let seed = 10;
        const done: SnapshotId[] = [];
        for (const at of failAt) {
          let calls = 0;
          host.plan.fails = ({ call }) => call === "create" && ++calls > at;
          seed += 1;
          writeFileSync(join(host.root, `${seed}.ldb`), partBytes({ seed, length: MIB / 4 }));
          done.push((await host.backup()).snapshot);
        }
        expect([await isWhole(host.a), await isWhole(host.b)]).toEqual([true, true]);
        const { index } = await rebuildIndex({ store: host.a, vault: VAULT, node: NODE });
        expect(index.snapshots.map(({ snapshot }) => snapshot).sort()).toEqual([...done].sort());
      }),
      { numRuns: 5 },
    );
  });
});
