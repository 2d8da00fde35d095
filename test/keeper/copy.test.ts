import { describe, expect, it } from "vitest";
import { type CopyOptions, collectGarbage, copySnapshots, rebuildIndex, verifySnapshots } from "../../keeper/index.ts";
import {
  canonicalBytes,
  encodeNodeJson,
  encodeOriginRecord,
  encodeVaultJson,
  parseCanonical,
  publicKeyOf,
} from "../../vault/card/index.ts";
import { names, type SnapshotId } from "../../vault/names/index.ts";
import type { Store } from "../../vault/store/index.ts";
import { type CardWorld, cardWorld, putObject, START, signingKey, usesOf } from "../support/cards.ts";
import { faultyStore } from "../support/faulty-store.ts";
import { type MemoryStore, memoryStore } from "../support/memory-store.ts";

const DAY = 86_400_000;
/** When the copies are made, by the target's clock: long enough after that every id would look odd. */
const LATER = START + 60 * DAY;

/** Nothing was received for months: that is meant. */
const DESPITE_CLOCK = new Set(["clock"] as const);

async function world(): Promise<CardWorld> {
  const made = await cardWorld();
  await putObject(
    made.store,
    names.VAULT_JSON,
    encodeVaultJson({ format: 1, created: START, min_agent: "0.1.0", min_keeper: "0.1.0" }),
  );
  return made;
}

/** Three snapshots, each on top of the one before, the last on top of two dead runs as well. */
async function history() {
  const w = await world();
  const first = await w.snapshot();
  const second = await w.snapshot({ parent: first.core.snapshot, inherited: usesOf(first) });
  const dead = await w.deadRun({ parent: second.core.snapshot });
  const later = await w.deadRun({ parent: second.core.snapshot, adopts: [dead.id] });
  await w.adopt(dead.id, later.id);
  const third = await w.snapshot({
    parent: second.core.snapshot,
    adopts: [dead.id, later.id],
    inherited: [
      { snapshot: second.core.snapshot, ranges: [[0, 0]] },
      { snapshot: dead.id, ranges: [[0, 1]] },
      { snapshot: later.id, ranges: [[1, 1]] },
    ],
    adoptedRows: [...dead.rows, ...later.rows],
  });
  await w.adopt(later.id, third.core.snapshot);
  for (const id of [dead.id, later.id]) {
    const key = await w.store.get(names.keyJson(w.node, second.core.snapshot));
    const file = parseCanonical(key?.bytes ?? new Uint8Array(), "key") as object;
    await putObject(w.store, names.keyJson(w.node, id), canonicalBytes({ ...file, snapshot: id }));
  }
  return { w, first, second, third, ids: [first, second, third].map(({ core }) => core.snapshot) };
}

type Made = Awaited<ReturnType<typeof history>>;

async function copy(w: CardWorld, to: Store, ids: readonly SnapshotId[], more: Partial<CopyOptions> = {}) {
  const verdicts = [];
  for await (const verdict of copySnapshots({ from: w.store, to, node: w.node, ids, ...more })) verdicts.push(verdict);
  return verdicts;
}

async function problems(store: Store, w: CardWorld) {
  const found: unknown[] = [];
  for await (const verdict of verifySnapshots({ store, node: w.node, readData: true })) found.push(...verdict.damages);
  return found;
}

async function entriesOf(store: Store, w: CardWorld) {
  return (await rebuildIndex({ store, node: w.node })).index.snapshots;
}

/** The data of a node: what is not a cache. */
function dataOf({ objects }: MemoryStore): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, { bytes }] of objects) {
    if (/(index|head)\.json$|backup_list$/.test(name)) continue;
    found.set(name, Buffer.from(bytes).toString("base64"));
  }
  return found;
}

describe("a copy", () => {
  it("is the same vault: same objects, same index with the times of the first receipt, nothing damaged", async () => {
    const { w, ids } = await history();
    const to = memoryStore(() => LATER);
    const verdicts = await copy(w, to, ids);
    expect(verdicts.map(({ outcome, damages }) => [outcome, damages])).toEqual(ids.map(() => ["copied", []]));
    const copied = dataOf(to);
    const origins = [...copied.keys()].filter((name) => name.endsWith(".origin.json"));
    expect(origins).toHaveLength(3);
    for (const name of origins) copied.delete(name);
    const source = dataOf(w.store);
    // What of dead runs nobody uses stays behind: their begins, and one pack.
    const left = [...source.keys()].filter((name) => !copied.has(name));
    expect(left.map((name) => name.replace(/\d{8}T.*(?=\.json)|\d{8}T[^/]*(?=\/)/, "…")).sort()).toEqual([
      "icon/begins/….json",
      "icon/begins/….json",
      "icon/data/…/00000.pack",
    ]);
    for (const name of left) source.delete(name);
    expect([...copied].sort()).toEqual([...source].sort());
    const index = await entriesOf(to, w);
    expect(index).toEqual(await entriesOf(w.store, w));
    expect(index.map(({ state, remarks }) => [state, remarks])).toEqual(ids.map(() => ["good", []]));
    expect(await problems(to, w)).toEqual([]);
  });

  it("of a copy tells the times of the first receipt, too", async () => {
    const { w, ids } = await history();
    const between = memoryStore(() => LATER);
    await copy(w, between, ids);
    const to = memoryStore(() => LATER + DAY);
    await copy({ ...w, store: between }, to, ids);
    expect(await entriesOf(to, w)).toEqual(await entriesOf(w.store, w));
  });

  it("of the newest alone brings what it uses of older ones, and none of their cards", async () => {
    const { w, first, second, third } = await history();
    const to = memoryStore(() => LATER);
    await copy(w, to, [third.core.snapshot]);
    expect(await problems(to, w)).toEqual([]);
    expect((await entriesOf(to, w)).map(({ snapshot, state, remarks }) => [snapshot, state, remarks])).toEqual([
      [third.core.snapshot, "good", []],
    ]);
    for (const { core } of [first, second]) expect(to.objects.has(names.card(w.node, core.snapshot))).toBe(false);
    expect(to.objects.has(names.pack(w.node, second.core.snapshot, 0))).toBe(true);
    expect(to.objects.has(names.pack(w.node, second.core.snapshot, 1))).toBe(false);
    // The older ones follow, and find what is there.
    const verdicts = await copy(w, to, [first.core.snapshot, second.core.snapshot]);
    expect(verdicts.map(({ outcome }) => outcome)).toEqual(["copied", "copied"]);
    expect(await entriesOf(to, w)).toEqual(await entriesOf(w.store, w));
  });

  it("of one that stands on a dead run another took over is whole, and stays so when the target collects", async () => {
    const { w, third } = await history();
    const [, dead, later] = third.core.origins;
    if (dead === undefined || later === undefined) throw new Error("the third uses two dead runs");
    const fourth = await w.snapshot({ parent: third.core.snapshot, inherited: [dead, later] });
    const clock = { now: LATER };
    const to = memoryStore(() => clock.now);
    expect(await copy(w, to, [fourth.core.snapshot])).toMatchObject([{ outcome: "copied", damages: [] }]);
    expect(await problems(to, w)).toEqual([]);
    // Grace on grace later, with everything listed that nobody tells of.
    clock.now += 60 * DAY;
    const before = dataOf(to);
    const grace = 7 * DAY;
    const job = { store: to, node: w.node, grace, apply: true, now: clock.now, strays: true, despite: DESPITE_CLOCK };
    const { dead: gone } = await collectGarbage(job);
    expect(gone.map(({ name }) => name)).toEqual([]);
    const after = dataOf(to);
    for (const name of after.keys()) if (!before.has(name)) after.delete(name);
    expect(after).toEqual(before);
    expect(await problems(to, w)).toEqual([]);
    expect(await entriesOf(to, w)).toMatchObject([{ snapshot: fourth.core.snapshot, state: "good", remarks: [] }]);
  });

  it("made again sends nothing and fetches no data", async () => {
    const { w, ids } = await history();
    const to = memoryStore(() => LATER);
    await copy(w, to, ids);
    const from = faultyStore(w.store, () => null);
    const into = faultyStore(to, () => null);
    const verdicts = await copy({ ...w, store: from as unknown as MemoryStore }, into, ids);
    expect(verdicts.map(({ outcome, sent }) => [outcome, sent.objects])).toEqual(ids.map(() => ["there", 0]));
    expect(into.calls.filter(({ call }) => call === "create" || call === "replace")).toEqual([]);
    expect(from.calls.filter(({ name }) => name.endsWith(".pack") || name.endsWith("manifest"))).toEqual([]);
  });

  it("only looked at changes nothing, and tells the very amounts", async () => {
    const { w, ids } = await history();
    const to = memoryStore(() => LATER);
    const looked = await copy(w, to, ids, { dryRun: true });
    expect(to.objects.size).toBe(0);
    const done = await copy(w, to, ids);
    // The begin and the card of each come on top.
    expect(looked.map(({ sent }) => sent.objects + 2)).toEqual(done.map(({ sent }) => sent.objects));
  });

  it("never holds more than a few objects at once, and each pack is fetched once", async () => {
    const { w, ids } = await history();
    let open = 0;
    let most = 0;
    const from: Store = {
      ...w.store,
      get: async (name, options) => {
        if (!name.endsWith(".pack")) return w.store.get(name, options);
        open += 1;
        most = Math.max(most, open);
        await new Promise(setImmediate);
        open -= 1;
        return w.store.get(name, options);
      },
    };
    const counted = faultyStore(from, () => null);
    await copy(
      { ...w, store: counted as unknown as MemoryStore },
      memoryStore(() => LATER),
      ids,
    );
    const packs = counted.calls.filter(({ call, name }) => call === "get" && name.endsWith(".pack"));
    expect(new Set(packs.map(({ name }) => name)).size).toBe(packs.length);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(4);
  });
});

describe("a copy that is cut off", () => {
  it.each(["crashes-before", "crashes-after"] as const)(
    "%s any call: goes on, sends and fetches nothing twice",
    async (fault) => {
      const { w, ids } = await history();
      const whole = faultyStore(
        memoryStore(() => LATER),
        () => null,
      );
      await copy(w, whole, ids);
      for (let cut = 1; cut <= whole.calls.length; cut += 1) {
        const to = memoryStore(() => LATER);
        const dying = faultyStore(to, ({ ordinal }) => (ordinal === cut ? fault : null));
        await expect(copy(w, dying, ids)).rejects.toThrow();
        // Nothing that is visible is damaged.
        if (to.objects.has(names.nodeJson(w.node))) expect(await problems(to, w)).toEqual([]);
        const before = new Set(to.objects.keys());
        const source = faultyStore(w.store, () => null);
        const second = faultyStore(to, () => null);
        const verdicts = await copy({ ...w, store: source as unknown as MemoryStore }, second, ids);
        expect(verdicts.every(({ outcome }) => outcome !== "damaged")).toBe(true);
        const again = second.calls.filter(({ call, name }) => call === "create" && before.has(name));
        // The very last things of a snapshot, begin and card, are small and come together.
        expect(again.filter(({ name }) => !/begins|origin/.test(name))).toEqual([]);
        const fetched = source.calls.filter(({ call, name }) => call === "get" && /pack$|manifest$/.test(name));
        expect(fetched.filter(({ name }) => before.has(name))).toEqual([]);
        expect(await entriesOf(to, w)).toEqual(await entriesOf(w.store, w));
      }
    },
  );

  it("by an interrupt ends, and shows no card", async () => {
    const { w, ids } = await history();
    const to = memoryStore(() => LATER);
    const abort = new AbortController();
    const from: Store = {
      ...w.store,
      get: async (name, options) => {
        if (name.endsWith(".pack")) abort.abort(new DOMException("SIGINT", "AbortError"));
        return w.store.get(name, options);
      },
    };
    await expect(
      copy({ ...w, store: from as unknown as MemoryStore }, to, ids, { signal: abort.signal }),
    ).rejects.toThrow("SIGINT");
    expect([...to.objects.keys()].filter((name) => name.endsWith(".card.json"))).toEqual([]);
  });
});

describe("what is damaged", () => {
  const pack = ({ w, first }: Made) => names.pack(w.node, first.core.snapshot, 1);
  const calamities: Readonly<Record<string, readonly [problem: string, (made: Made) => void]>> = {
    "a flipped bit in a pack": [
      "changed",
      (made) => {
        const bytes = Uint8Array.from(made.w.store.objects.get(pack(made))?.bytes ?? []);
        bytes[3] = (bytes[3] ?? 0) ^ 1;
        made.w.store.plant(pack(made), bytes);
      },
    ],
    "a truncated pack": ["truncated", (made) => made.w.store.plant(pack(made), new Uint8Array(5))],
    "a pack that grew": ["changed", (made) => made.w.store.plant(pack(made), new Uint8Array(5000))],
    "a missing pack": ["missing", (made) => void made.w.store.objects.delete(pack(made))],
    "a missing begin": [
      "missing",
      ({ w, first }) => void w.store.objects.delete(names.begin(w.node, first.core.snapshot)),
    ],
    "a missing manifest": [
      "missing",
      ({ w, first }) => void w.store.objects.delete(names.manifest(w.node, first.core.snapshot)),
    ],
    "a damaged card": [
      "malformed",
      ({ w, first }) => w.store.plant(names.card(w.node, first.core.snapshot), Buffer.from("{}")),
    ],
  };
  it.each(Object.entries(calamities))(
    "%s keeps its snapshot out; the others are copied and good",
    async (_, [problem, harm]) => {
      const made = await history();
      const { w, ids } = made;
      harm(made);
      const to = memoryStore(() => LATER);
      const verdicts = await copy(w, to, ids);
      expect(verdicts[0]).toMatchObject({ outcome: "damaged", damages: [{ problem }] });
      expect(to.objects.has(names.card(w.node, ids[0] as SnapshotId))).toBe(false);
      // The third does without the first's packs.
      expect(verdicts[2]).toMatchObject({ outcome: "copied", damages: [] });
      const third = (await entriesOf(to, w)).find(({ snapshot }) => snapshot === ids[2]);
      expect(third).toMatchObject({ state: "good", remarks: [] });
      expect(await problems(to, w)).toEqual([]);
    },
  );

  it("a card that another host signed is not copied", async () => {
    const w = await world();
    const forged = await w.snapshot({ key: signingKey(2) });
    const to = memoryStore(() => LATER);
    expect(await copy(w, to, [forged.core.snapshot])).toMatchObject([
      { outcome: "damaged", damages: [{ problem: "forged" }] },
    ]);
  });

  it("in the target is told, never overwritten; --repair brings what is missing there", async () => {
    const { w, first, ids } = await history();
    const name = names.pack(w.node, first.core.snapshot, 0);
    const to = memoryStore(() => LATER);
    to.plant(name, Buffer.from("something else"));
    const [verdict] = await copy(w, to, ids);
    expect(verdict).toMatchObject({ outcome: "damaged", damages: [{ object: name, problem: "swapped" }] });
    expect(Buffer.from(to.objects.get(name)?.bytes ?? []).toString()).toBe("something else");
    to.objects.delete(name);
    await copy(w, to, ids);
    to.objects.delete(name);
    expect((await copy(w, to, ids)).map(({ outcome }) => outcome)).toEqual(["there", "there", "there"]);
    expect((await copy(w, to, ids, { repair: true })).map(({ outcome }) => outcome)).toEqual([
      "copied",
      "there",
      "there",
    ]);
    expect(await problems(to, w)).toEqual([]);
  });

  it("by the target's own collector, just before it could see the card, is brought again", async () => {
    const { w, first, second, ids } = await history();
    const to = memoryStore(() => LATER);
    await copy(w, to, [first.core.snapshot]);
    const taken = names.pack(w.node, first.core.snapshot, 0);
    const racing: Store = {
      ...to,
      create: async (name, body) => {
        if (name === names.card(w.node, second.core.snapshot)) to.objects.delete(taken);
        return to.create(name, body);
      },
    };
    expect(await copy(w, racing, ids)).toMatchObject([{}, { outcome: "copied", damages: [] }, {}]);
    expect(to.objects.has(taken)).toBe(true);
  });
});

describe("a target that holds another node of the same name", () => {
  it.each([
    ["of another archive", { vault: "BBBBBBBBBBBBBBBBBBBBBA" }],
    ["of another host", { key: publicKeyOf(signingKey(2)) }],
  ])("%s is refused, and nothing in it changes", async (_, other) => {
    const { w, ids } = await history();
    const to = memoryStore(() => LATER);
    const claim = { format: 1, vault: w.vault, node: w.node, profile: "leveldb", key: publicKeyOf(w.key), created: 1 };
    to.plant(names.nodeJson(w.node), encodeNodeJson({ ...claim, ...other } as never));
    const before = dataOf(to);
    await expect(copy(w, to, ids, { dryRun: true })).rejects.toMatchObject({ kind: "refused" });
    await expect(copy(w, to, ids)).rejects.toMatchObject({
      kind: "refused",
      what: expect.stringContaining("another node"),
    });
    before.set(names.VAULT_JSON, dataOf(to).get(names.VAULT_JSON) ?? "");
    expect(dataOf(to)).toEqual(before);
  });
});

describe("a key.json that was rotated", () => {
  async function rotated(w: CardWorld, store: MemoryStore, id: SnapshotId, generation: number) {
    const name = names.keyJson(w.node, id);
    const file = parseCanonical(store.objects.get(name)?.bytes ?? new Uint8Array(), name) as object;
    store.plant(name, canonicalBytes({ ...file, generation }));
  }

  it("goes to a target that has the snapshot already; an earlier one never does", async () => {
    const w = await world();
    const id = (await w.snapshot()).core.snapshot;
    const name = names.keyJson(w.node, id);
    const to = memoryStore(() => LATER);
    await copy(w, to, [id]);
    await rotated(w, w.store, id, 5);
    expect(await copy(w, to, [id])).toMatchObject([{ outcome: "copied", sent: { objects: 1 } }]);
    expect(to.objects.get(name)?.bytes).toEqual(w.store.objects.get(name)?.bytes);
    await rotated(w, to, id, 6);
    expect(await copy(w, to, [id])).toMatchObject([{ outcome: "there" }]);
    expect(Buffer.from(to.objects.get(name)?.bytes ?? []).toString()).toContain('"generation":6');
  });
});

describe("an origin record", () => {
  const record = (w: CardWorld, snapshot: SnapshotId, begun: number, committed = begun) => ({
    format: 1 as const,
    vault: w.vault,
    node: w.node,
    snapshot,
    begun,
    committed,
  });

  it.each([
    [
      "of times still to come",
      (w: CardWorld, id: SnapshotId) => encodeOriginRecord(record(w, id, w.now + DAY)),
      /not believed/,
    ],
    ["that is none", () => Buffer.from("{}"), /cannot be read/],
    [
      "of another snapshot",
      (w: CardWorld) => encodeOriginRecord(record(w, w.nextId(START), START)),
      /cannot be read: .*another snapshot/,
    ],
  ])("%s changes no time, and is remarked on", async (_, bytes, remark) => {
    const w = await world();
    // A copy that comes when its snapshot was made has none that is looked for.
    const id = (await w.snapshot({ idTime: START - DAY })).core.snapshot;
    const [before] = await entriesOf(w.store, w);
    w.store.plant(names.originRecord(w.node, id), bytes(w, id));
    const [after] = await entriesOf(w.store, w);
    expect(after).toMatchObject({
      state: "good",
      received: before?.received,
      remarks: [expect.stringMatching(remark)],
    });
  });
});
