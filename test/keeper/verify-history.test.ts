import { setImmediate as nextTurn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { type KeylessVerdict, type KeylessVerifyOptions, verifySnapshots } from "../../keeper/index.ts";
import { makePackRecords } from "../../keeper/pack-records.ts";
import { packRowsOf } from "../../keeper/pack-rows.ts";
import { findUsedPacks } from "../../keeper/uses.ts";
import { type Card, type CardOrigin, sumOf } from "../../vault/card/index.ts";
import { names, type SnapshotId } from "../../vault/names/index.ts";
import { type CardWorld, cardWorld, keyJson } from "../support/cards.ts";
import { countingStore } from "../support/counting-store.ts";
import { type NaiveVerdict, verifyNaively } from "../support/naive-verify.ts";

type Options = Omit<KeylessVerifyOptions, "store" | "node"> & Partial<Pick<KeylessVerifyOptions, "store">>;

async function verify({ store, vault, node }: CardWorld, options: Options): Promise<KeylessVerdict[]> {
  const verdicts: KeylessVerdict[] = [];
  for await (const verdict of verifySnapshots({ store, vault, node, ...options })) verdicts.push(verdict);
  return verdicts;
}

/** Each uses its own two packs and those of all before it, as a node does whose data mostly stays. */
async function history(count: number): Promise<{ readonly world: CardWorld; readonly cards: readonly Card[] }> {
  const world = await cardWorld();
  const cards: Card[] = [];
  for (let n = 0; n < count; n += 1) {
    const parent = cards.at(-1);
    const more = parent === undefined ? {} : { parent: parent.core.snapshot, inherited: parent.core.origins };
    cards.push(await world.snapshot(more));
  }
  return { world, cards };
}

const newestFirst = (cards: readonly Card[]) => cards.map(({ core }) => core.snapshot).reverse();

describe("a long history", () => {
  it.each(["oldest", "newest"] as const)(
    "%s first: every record is read once, every pack looked at once",
    async (order) => {
      const { world, cards } = await history(12);
      const calls: string[] = [];
      const store = countingStore(world.store, (call) => calls.push(call));
      const ids = newestFirst(cards);
      await verify(world, { store, readData: false, ids: order === "newest" ? ids : ids.reverse() });
      const of = (kind: RegExp) => calls.filter((call) => kind.test(call));
      for (const kind of [/^GET .*card\.json$/, /^GET .*packs-0000\.json$/, /^GET .*key\.json$/, /^HEAD .*begins/]) {
        expect(new Set(of(kind)).size, String(kind)).toBe(12);
        expect(of(kind), String(kind)).toHaveLength(12);
      }
      expect(new Set(of(/^HEAD .*\.pack$/)).size).toBe(24);
      expect(of(/^HEAD .*\.pack$/)).toHaveLength(24);
    },
  );

  it("what cards and lists say is taken apart once, however many snapshots use it", async () => {
    const parses = async (count: number) => {
      const { world } = await history(count);
      const parse = vi.spyOn(JSON, "parse");
      try {
        await verify(world, { readData: false });
        return parse.mock.calls.length;
      } finally {
        parse.mockRestore();
      }
    };
    const [few, many] = [await parses(4), await parses(16)];
    // Card, key file, list of each, and the node's record.
    expect([few, many]).toEqual([4 * 3 + 1, 16 * 3 + 1]);
  });

  it("where many objects are not what they were, all cards are looked through once to find out what they are", async () => {
    const { world, cards } = await history(8);
    for (const name of [...world.store.objects.keys()].filter((one) => one.endsWith(".pack"))) {
      if (name.endsWith("0.pack")) world.store.objects.delete(name);
      else world.store.plant(name, Buffer.from(`not what ${name} was`));
    }
    const calls: string[] = [];
    const store = countingStore(world.store, (call) => calls.push(call));
    const verdicts = await verify(world, { store, readData: true });
    expect(verdicts.map(({ damages }) => damages.length)).toEqual(cards.map((_, n) => 2 * (n + 1)));
    expect(calls.filter((call) => /^HEAD .*\.pack$/.test(call))).toHaveLength(16);
    expect(calls.filter((call) => call === `LIST ${names.snapshotsFolder(world.node)}`)).toHaveLength(2);
    expect(calls.filter((call) => /^GET .*card\.json$/.test(call))).toHaveLength(16);
  });

  it("keeps no verdict", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const { world } = await history(6);
    for (const name of world.store.objects.keys()) if (name.endsWith(".pack")) world.store.objects.delete(name);
    const { store, vault, node } = world;
    const told: WeakRef<KeylessVerdict["damages"]>[] = [];
    let kept = 0;
    for await (const { damages } of verifySnapshots({ store, vault, node, readData: false })) {
      await nextTurn();
      collect();
      kept = Math.max(kept, told.filter((one) => one.deref() !== undefined).length);
      told.push(new WeakRef(damages));
    }
    expect(told).toHaveLength(6);
    // The one before may still lie on the stack.
    expect(kept).toBeLessThanOrEqual(1);
  });

  it("what was forgotten is found out again, and is the same", async () => {
    const { world, cards } = await history(6);
    const scope = { vault: world.vault, node: world.node };
    const [all, none] = [makePackRecords(world.store, scope), makePackRecords(world.store, scope, 0)];
    for (const { core } of cards) {
      const [a, b] = [await findUsedPacks(all, core), await findUsedPacks(none, core)];
      for (const { snapshot } of core.origins) {
        const rows = [0, 1, 2].map((index) => a.find(snapshot, index));
        expect(rows.map((row) => row?.index)).toEqual([0, 1, undefined]);
        expect([0, 1, 2].map((index) => b.find(snapshot, index))).toEqual(rows);
      }
    }
  });
});

describe("rows of a list", () => {
  it("are found by the pack's number, whatever numbers there are and in whatever order", () => {
    const origins = ["20260101T000000Z-0000000000000001", "20260101T000000Z-0000000000000002"] as SnapshotId[];
    const numbers = fc.uniqueArray(fc.nat(40), { maxLength: 20 });
    fc.assert(
      fc.property(numbers, numbers, (...lists) => {
        const rows = lists.flatMap((list, n) =>
          list.map((index) => ({ origin: origins[n] as SnapshotId, index, ...sumOf(Buffer.from(`${n} ${index}`)) })),
        );
        const found = packRowsOf(rows);
        for (const one of found) {
          for (let index = 0; index < 45; index += 1) {
            const slot = one.slotOf(index);
            const row = rows.find((it) => it.origin === one.origin && it.index === index);
            expect(slot < 0 ? undefined : one.rowAt(slot)).toEqual(row);
          }
        }
        expect(found.reduce((sum, { length }) => sum + length, 0)).toBe(rows.length);
      }),
    );
  });
});

interface Plan {
  /**
   * Of each snapshot: how many packs it writes, which snapshot before it it builds on, whether it takes over a dead run, and
   * whether its list tells of a pack of others something else than theirs.
   */
  readonly snapshots: readonly {
    readonly packs: number;
    readonly parent: number;
    readonly dead: boolean;
    readonly lies: boolean;
  }[];
  /** Nth cards that were collected. */
  readonly collected: readonly number[];
  readonly harms: readonly (readonly ["lose" | "cut" | "flip" | "swap" | "lengthen", number, number])[];
}

const plans: fc.Arbitrary<Plan> = fc.record({
  snapshots: fc.array(fc.record({ packs: fc.nat(3), parent: fc.nat(5), dead: fc.boolean(), lies: fc.boolean() }), {
    minLength: 1,
    maxLength: 6,
  }),
  collected: fc.array(fc.nat(5), { maxLength: 2 }),
  harms: fc.array(fc.tuple(fc.constantFrom("lose", "cut", "flip", "swap", "lengthen"), fc.nat(999), fc.nat(999)), {
    maxLength: 8,
  }),
});

async function build(plan: Plan): Promise<CardWorld> {
  const world = await cardWorld();
  const cards: Card[] = [];
  for (const { packs, parent, dead, lies } of plan.snapshots) {
    const on = cards.at(-1 - parent);
    // Of some origins it uses the first pack only.
    const inherited = (on?.core.origins ?? []).map(
      ({ snapshot, ranges }, n): CardOrigin => ({ snapshot, ranges: n % 2 === packs % 2 ? ranges : [[0, 0]] }),
    );
    const run = dead ? await world.deadRun() : null;
    const adopted: CardOrigin[] = run === null ? [] : [{ snapshot: run.id, ranges: [[0, 1]] }];
    const of = inherited.at(-1)?.snapshot;
    const lie = { index: 0, ...sumOf(Buffer.from("something else")) };
    const rows = [...(run?.rows.toReversed() ?? []), ...(lies && of !== undefined ? [{ origin: of, ...lie }] : [])];
    const card = await world.snapshot({
      packs,
      adoptedRows: rows,
      inherited: [...inherited, ...adopted],
      ...(on === undefined ? {} : { parent: on.core.snapshot }),
      ...(run === null ? {} : { adopts: [run.id] }),
    });
    if (run !== null) {
      await world.adopt(run.id, card.core.snapshot);
      const commit = Buffer.alloc(32).toString("base64url");
      world.store.plant(names.keyJson(world.node, run.id), keyJson(world.vault, world.node, run.id, commit));
    }
    cards.push(card);
  }
  for (const nth of plan.collected) {
    const id = cards[nth]?.core.snapshot;
    if (id !== undefined) world.store.objects.delete(names.card(world.node, id));
  }
  for (const harm of plan.harms) suffer(world, harm);
  return world;
}

function suffer({ store, node }: CardWorld, [kind, nth, other]: Plan["harms"][number]): void {
  const all = [...store.objects.keys()].filter((name) => name !== names.nodeJson(node)).sort();
  const [a, b] = [all[nth % all.length] ?? "", all[other % all.length] ?? ""];
  const [x, y] = [store.objects.get(a)?.bytes, store.objects.get(b)?.bytes];
  if (x === undefined || y === undefined) return;
  if (kind === "lose") store.objects.delete(a);
  else if (kind === "cut") store.plant(a, x.subarray(0, x.length - 1));
  else if (kind === "lengthen") store.plant(a, Buffer.concat([x, Buffer.from([1])]));
  else if (kind === "flip") store.plant(a, x.with(other % x.length, (x[other % x.length] ?? 0) ^ 1));
  else {
    store.plant(a, y);
    store.plant(b, x);
  }
}

const plain = ({ snapshot, ok, damages, notes, packs }: NaiveVerdict): NaiveVerdict => ({
  ...{ snapshot, ok, damages: sorted(damages), notes: notes.toSorted(), packs },
});

function sorted(damages: KeylessVerdict["damages"]): KeylessVerdict["damages"] {
  return damages.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

describe("verdicts of a damaged vault", () => {
  it("are those of who looks at each snapshot by itself", async () => {
    let damaged = 0;
    await fc.assert(
      fc.asyncProperty(plans, fc.constantFrom("all", "none", "some"), fc.boolean(), async (plan, depth, listed) => {
        const world = await build(plan);
        const byDigest = (pack: string) => depth === "all" || (depth === "some" && /[02]\.pack$/.test(pack));
        const readData = depth === "some" ? byDigest : depth === "all";
        const options: Options = { readData, ...(listed ? { look: () => false } : {}) };
        const expected = await verifyNaively(world, byDigest);
        damaged += expected.filter(({ ok }) => !ok).length;
        expect((await verify(world, options)).map(plain)).toEqual(expected.map(plain));
        const ids = expected.map(({ snapshot }) => snapshot).reverse() as SnapshotId[];
        expect((await verify(world, { ...options, ids })).map(plain)).toEqual(expected.map(plain).reverse());
      }),
      { numRuns: 150 },
    );
    expect(damaged).toBeGreaterThan(100);
  });
});
