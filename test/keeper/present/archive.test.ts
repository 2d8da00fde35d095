import { describe, expect, it } from "vitest";
import { waitForArchive } from "../../../agent/commands/from-archive.ts";
import { bringBackSnapshot, indexSnapshots, makePresenter } from "../../../keeper/index.ts";
import { names } from "../../../vault/names/index.ts";
import type { ArchiveSpeed } from "../../../vault/store/archive.ts";
import { cardWorld, usesOf } from "../../support/cards.ts";
import { type SlowArchive, slowArchive } from "../../support/slow-archive.ts";

/** A snapshot on top of one whose packs lie in an archive. */
async function frozenParent(looks = 2) {
  const world = await cardWorld();
  const { core: old } = await world.snapshot({ packs: 3 });
  const card = await world.snapshot({ parent: old.snapshot, inherited: usesOf({ core: old } as never) });
  await indexSnapshots({ store: world.store, node: world.node, ids: [old.snapshot, card.core.snapshot] });
  const archive = slowArchive(looks);
  for (const index of [0, 1]) archive.freeze(names.pack(world.node, old.snapshot, index), 5e9);
  const look = (speed: ArchiveSpeed | null) =>
    bringBackSnapshot({ store: world.store, archive, node: world.node, snapshot: card.core.snapshot, speed });
  return { world, old: old.snapshot, snapshot: card.core.snapshot, archive, look };
}

function call(flags: { fromArchive?: ArchiveSpeed; dryRun?: boolean }, signal = new AbortController().signal) {
  const said: string[] = [];
  const say = (text: string) => void said.push(text);
  const progress = { stage: say, advance: () => {}, note: say, warn: say, close: () => {} };
  return { said, call: { flags, io: { signal }, progress } as unknown as Parameters<typeof waitForArchive>[0] };
}

describe("a snapshot whose packs lie in an archive (a fake one, named so, which takes its time)", () => {
  it("is refused with time and cost, and nothing is asked for, unless that is allowed", async () => {
    const { archive, look } = await frozenParent();
    for (const flags of [{}, { dryRun: true, fromArchive: "bulk" as const }]) {
      const failed = waitForArchive(call(flags).call, look);
      await expect(failed).rejects.toMatchObject({ kind: "refused", on: "2 objects, 10.0 GB, in DEEP_ARCHIVE" });
      await expect(failed).rejects.toThrow(
        /up to (2d 0h \(bulk|12h 00m \(standard)\), and some 0\.\d\d USD by the list prices of/,
      );
    }
    expect(archive.asked).toEqual([]);
  });

  it("is brought back and waited for: the old packs under a new snapshot, each asked for once", async () => {
    const { archive, look, world, old } = await frozenParent();
    const { said, call: one } = call({ fromArchive: "bulk" });
    let pauses = 0;
    await waitForArchive(one, look, async () => {
      pauses += 1;
    });
    expect(archive.asked).toEqual([0, 1].map((index) => [names.pack(world.node, old, index), "bulk"]));
    expect(pauses).toBe(2);
    expect(said[0]).toMatch(/^2 objects, 10\.0 GB, in DEEP_ARCHIVE: up to 2d 0h \(bulk\)/);
    expect((await look(null)).objects).toBe(0);
  });

  it("is waited for by the next run where the first was stopped, and nothing is asked for or paid twice", async () => {
    const { archive, look } = await frozenParent(3);
    const abort = new AbortController();
    const first = call({ fromArchive: "standard" }, abort.signal);
    const stopped = waitForArchive(first.call, look, async () => {
      abort.abort();
      abort.signal.throwIfAborted();
    });
    await expect(stopped).rejects.toMatchObject({ kind: "interrupted", todo: expect.stringContaining("run the same") });
    // All of it is on its way: the next run needs no leave to wait.
    await waitForArchive(call({}).call, look, async () => {});
    expect(archive.asked).toHaveLength(2);
  });
});

describe("a look into archives", () => {
  async function large() {
    const world = await cardWorld();
    const old = await world.snapshot({ packs: 40 });
    const ranges = [
      [0, 29],
      [35, 36],
    ] as const;
    const { core } = await world.snapshot({
      parent: old.core.snapshot,
      inherited: [{ snapshot: old.core.snapshot, ranges }],
    });
    const archive = slowArchive(1);
    const look = (speed: ArchiveSpeed | null) =>
      bringBackSnapshot({ store: world.store, archive, node: world.node, snapshot: core.snapshot, speed });
    const packs = () => archive.calls.filter((call) => call.startsWith("HEAD ") && call.endsWith(".pack")).length;
    return {
      archive,
      look,
      packs,
      nameOf: (index: number) => names.pack(world.node, old.core.snapshot, index),
    };
  }

  it("costs no call for a pack of which a listing tells that it lies in none", async () => {
    const { archive, look, packs } = await large();
    expect(await look(null)).toMatchObject({ objects: 0 });
    expect(archive.calls.filter((call) => call.startsWith("LIST "))).toHaveLength(1);
    // Two packs of its own: a listing would be no cheaper.
    expect(packs()).toBe(2);
  });

  it("finds those that do, and asks of them alone whether they are on their way", async () => {
    const { archive, look, packs, nameOf } = await large();
    for (const index of [3, 29, 31, 36]) archive.freeze(nameOf(index), 1e9);
    // 31 is not used.
    expect(await look(null)).toMatchObject({ objects: 3, bytes: 3e9, classes: ["DEEP_ARCHIVE"] });
    expect(packs()).toBe(3 + 2);
  });

  it("of who may not list looks at each where it is to be brought back, and else leaves it to who reads", async () => {
    const { archive, look, packs, nameOf } = await large();
    archive.freeze(nameOf(3), 1e9);
    archive.lists = false;
    expect(await look(null)).toMatchObject({ objects: 0 });
    expect(packs()).toBe(2);
    expect(await look("bulk")).toMatchObject({ objects: 1, coming: 1 });
    expect(archive.asked).toEqual([[nameOf(3), "bulk"]]);
  });
});

describe("the presenter before an archive", () => {
  const ask = async (
    archive: SlowArchive,
    speed: "bulk" | null,
    query: string,
    world: Awaited<ReturnType<typeof frozenParent>>,
  ) => {
    const present = makePresenter({
      store: world.world.store,
      nodes: async () => [],
      sign: (name) => ({ url: `https://x/${name}`, expires: world.world.now + 1000 }),
      tickets: null,
      archive: { of: archive, speed },
      clock: { now: () => world.world.now },
      audit: () => {},
    });
    const path = `/nodes/${world.world.node}/snapshots/${world.snapshot}/plan`;
    const { status, body } = await present({ method: "GET", path, query, caller: "arn:aws:iam::1:role/r" });
    expect(status, String(body)).toBe(200);
    return (JSON.parse(String(body)) as { archived?: object }).archived;
  };

  it("tells of it, brings back for who asks and where its owner pays, and is silent once all is there", async () => {
    const world = await frozenParent(1);
    const { archive } = world;
    const sum = { objects: 2, bytes: 10e9, classes: ["DEEP_ARCHIVE"] };
    expect(await ask(archive, "bulk", "", world)).toEqual({ ...sum, coming: 0, speed: "bulk" });
    expect(await ask(archive, null, "bring=yes", world)).toEqual({ ...sum, coming: 0 });
    expect(archive.asked).toEqual([]);
    expect(await ask(archive, "bulk", "bring=yes", world)).toEqual({ ...sum, coming: 2, speed: "bulk" });
    expect(archive.asked).toHaveLength(2);
    expect(await ask(archive, "bulk", "", world)).toEqual({ ...sum, coming: 2, speed: "bulk" });
    expect(await ask(archive, "bulk", "", world)).toBeUndefined();
  });
});
