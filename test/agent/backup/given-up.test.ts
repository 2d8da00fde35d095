import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chooseGivenUp, type GiveUpOptions } from "../../../agent/backup/given-up.ts";
import type { LocalPack, LocalTables } from "../../../agent/backup/run-files.ts";
import { toSnapshotId } from "../../../vault/names/index.ts";
import { backupHost } from "../../support/backup-host.ts";
import { countingStore } from "../../support/counting-store.ts";
import { memoryStore } from "../../support/memory-store.ts";
import { tempDir } from "../../support/tmp.ts";
import { partBytes } from "../../support/trees.ts";

const MIB = 1 << 20;
const PACK = 24;
const anyhow: GiveUpOptions = { maxOrigins: 256, beside: 0, mayCopy: true };

type Part = Omit<LocalPack, "salt" | "commit" | "secret">;

function tablesOf(origins: number, packs: readonly Part[]): LocalTables {
  return {
    origins: Array.from({ length: origins }, (_, n) => ({
      snapshot: toSnapshotId(`20260101T000000Z-${String(n).padStart(16, "0")}`),
      suite: "aes-256-gcm",
      commit: "",
    })),
    packs: packs.map((pack) => ({ ...pack, salt: "", commit: "", secret: false })),
  };
}

function chosen(packs: readonly Part[], o: Partial<GiveUpOptions> = {}): string[] {
  const origins = Math.max(...packs.map(({ origin }) => origin)) + 1;
  const { has } = chooseGivenUp(tablesOf(origins, packs), { ...anyhow, ...o });
  return packs.filter(({ origin, index }) => has(origin, index)).map(({ origin, index }) => `${origin}/${index}`);
}

/** Forty packs in full use, so that what one of them loses is a small share. */
const full = Array.from({ length: 40 }, (_, index) => ({ origin: 0, index, size: PACK * MIB, live: PACK * MIB }));

describe("what a run gives up of its parent", () => {
  it("is nothing where little is dead and origins are few", () => {
    expect(chosen([...full, { origin: 1, index: 0, size: 24 * MIB, live: MIB }])).toEqual([]);
  });

  it("is what is least in use, where much is dead, and no more than brings that below the limit", () => {
    const worn = full.map((pack, n) => ({ ...pack, live: n < 10 ? (n + 1) * MIB : pack.live }));
    expect(chosen(worn)).toEqual(["0/0", "0/1", "0/2"]);
  });

  it("is written anew at a tenth of all a run", () => {
    const worn = full.map((pack) => ({ ...pack, live: 12 * MIB }));
    expect(chosen(worn).length).toBe(8);
  });

  it("is nothing of runs that did not count", () => {
    expect(chosen(full.map(({ live: _, ...pack }) => pack))).toEqual([]);
  });

  it("is nothing that a stopped node would wait for: large mutable files, or many small ones", () => {
    const worn = full.map((pack, n) => ({ ...pack, live: n < 10 ? MIB : pack.live }));
    const held = worn.map((pack, n) => (n < 4 ? { ...pack, copies: n === 3 ? 33 * MIB : -1 } : pack));
    expect(chosen(held, { mayCopy: false })).toEqual(["0/4", "0/5", "0/6", "0/7", "0/8"]);
    expect(chosen(held)).toEqual(["0/0", "0/1", "0/2", "0/3", "0/4"]);
  });

  it("is the oldest origins whatever they cost, where the snapshot would name too many", () => {
    const packs = Array.from({ length: 6 }, (_, origin) => ({ origin, index: 0, size: 99 * MIB, live: 99 * MIB }));
    expect(chosen(packs, { maxOrigins: 6, beside: 1 })).toEqual(["0/0", "1/0"]);
  });

  it("is the smallest origins down to half of what a restore may ask for", () => {
    const days = Array.from({ length: 28 }, (_, n) => ({ origin: n + 1, index: 0, size: MIB, live: (n + 1) * 1000 }));
    expect(chosen([...full, ...days])).toHaveLength(0);
    const more = [
      ...days,
      ...Array.from({ length: 4 }, (_, n) => ({ origin: n + 29, index: 0, size: MIB, live: 500 })),
    ];
    expect(chosen([...full, ...more]).length).toBe(33 - Math.floor((40 * 24) / 32 / 2));
    expect(chosen([...full, ...more])).not.toContain("0/0");
  });

  it("keeps dead space and origins small for ever, within its bounds, whatever happens to the data", () => {
    const day = fc.record({ dies: fc.integer({ min: 0, max: 3 }), from: fc.integer({ min: 0, max: 1 << 30 }) });
    fc.assert(
      fc.property(
        fc.array(day, { minLength: 40, maxLength: 150 }),
        fc.integer({ min: 1, max: 60 }),
        fc.boolean(),
        (days, packs, young) => {
          const vault = madeUp(packs * PACK);
          for (const { dies, from } of days) {
            vault.age(dies / 100, from, young);
            const { anew, given } = vault.run();
            expect(anew).toBeLessThanOrEqual(Math.max(32, given.before * 0.1));
            expect(vault.origins()).toBeLessThanOrEqual(33);
          }
          // What a run does shows in the next; where all packs wear evenly a tenth a run takes some.
          for (let n = 0; n < 5; n += 1) vault.run();
          expect(vault.dead()).toBeLessThanOrEqual(Math.max(4, vault.size() * 0.2));
        },
      ),
      { numRuns: 25 },
    );
  });
});

/** A vault of pieces of 1 MiB: each lies in a pack, and the snapshot uses those that live. */
function madeUp(units: number) {
  let origins: { packs: Map<number, { size: number; live: number }> }[] = [];
  put(units);

  function put(count: number) {
    const packs = new Map<number, { size: number; live: number }>();
    for (let left = count; left > 0; left -= PACK) {
      packs.set(packs.size, { size: Math.min(left, PACK), live: Math.min(left, PACK) });
    }
    if (packs.size > 0) origins.push({ packs });
  }
  const all = () => origins.flatMap(({ packs }) => [...packs.values()]);
  const size = () => all().reduce((sum, pack) => sum + pack.size, 0);
  const live = () => all().reduce((sum, pack) => sum + pack.live, 0);
  let fresh = 0;
  return {
    size,
    dead: () => size() - live(),
    origins: () => origins.length,
    /** So much dies, in this or that corner or evenly, and as much is new in the next run. */
    age(share: number, from: number, evenly: boolean) {
      let left = Math.floor(live() * share);
      fresh += left;
      const packs = all();
      for (let n = 0; left > 0 && n < packs.length * PACK; n += 1) {
        const pack = packs[(from + (evenly ? n : Math.floor(n / PACK))) % packs.length];
        if (pack === undefined || pack.live === 0) continue;
        pack.live -= 1;
        left -= 1;
      }
    },
    run() {
      const parts = origins.flatMap(({ packs }, origin) =>
        [...packs].map(([index, pack]) => ({ origin, index, size: pack.size * MIB, live: pack.live * MIB })),
      );
      const before = size();
      const givenUp = chooseGivenUp(tablesOf(origins.length, parts), anyhow);
      let anew = 0;
      for (const [origin, { packs }] of origins.entries()) {
        for (const [index, pack] of packs) {
          if (givenUp.has(origin, index)) anew += pack.live;
          if (givenUp.has(origin, index) || pack.live === 0) packs.delete(index);
        }
      }
      origins = origins.filter(({ packs }) => packs.size > 0);
      put(anew + fresh);
      fresh = 0;
      return { anew, given: { before } };
    },
  };
}

describe("packs of which little is in use", () => {
  it("are written anew from the node's own files: nothing is fetched, and the snapshot reads back", async () => {
    const calls: string[] = [];
    const host = backupHost(
      tempDir(),
      countingStore(memoryStore(), (call) => calls.push(call)),
    );
    const isImmutable = (path: string) => path.endsWith(".ldb");
    const noise = (n: number) => partBytes({ seed: n * 3 + 1, length: MIB });
    for (let n = 0; n < 20; n += 1) writeFileSync(join(host.root, `${n}.ldb`), noise(n));
    const first = await host.backup({ isImmutable });
    await host.confirm(first.snapshot);
    for (let n = 0; n < 20; n += 1) if (n % 4 !== 0) rmSync(join(host.root, `${n}.ldb`));
    const second = await host.backup({ isImmutable });
    await host.confirm(second.snapshot);
    expect(second.figures.read).toBe(0);
    expect(second.card.core.origins.map(({ snapshot }) => snapshot)).toContain(first.snapshot);

    calls.length = 0;
    const third = await host.backup({ isImmutable });
    expect(third.figures.read).toBe(5 * MIB);
    expect(third.card.core.origins.map(({ snapshot }) => snapshot)).toEqual([third.snapshot]);
    expect(calls.filter((call) => call.startsWith("GET") && call.includes("/data/"))).toEqual([]);
    await host.confirm(third.snapshot);
    const { entries } = await host.read(third.snapshot);
    expect(entries.filter(({ type }) => type === "file")).toHaveLength(5);
    for (const { path, type, content } of entries) {
      if (type === "file")
        expect(content.equals(noise(Number.parseInt(Buffer.from(path).toString().slice(5), 10)))).toBe(true);
    }
    // Once that is done nothing is left to do.
    const fourth = await host.backup({ isImmutable });
    expect(fourth.figures).toMatchObject({ read: 0, packs: 0 });
  });
});
