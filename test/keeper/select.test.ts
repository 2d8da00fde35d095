import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { indexSnapshots, listSnapshots, type Selection, selectSnapshot } from "../../keeper/index.ts";
import type { Card } from "../../vault/card/index.ts";
import { isColdkeepError, names, type SnapshotId } from "../../vault/names/index.ts";
import { type CardWorld, cardWorld, START } from "../support/cards.ts";

const HOUR = 3_600_000;
const idOf = (card: Card) => card.core.snapshot;
const select = (world: CardWorld, selection: Selection) =>
  selectSnapshot({ store: world.store, vault: world.vault, node: world.node, selection });

async function messageOf(failing: Promise<unknown>): Promise<string> {
  return failing.then(
    () => "it did not fail",
    (error: unknown) => (isColdkeepError(error) ? `${error.kind}: ${error.message}` : `defect: ${error}`),
  );
}

/** Heights 10, 20, 30 an hour apart; then one broken, then one from the future. */
async function world(): Promise<{ w: CardWorld; good: SnapshotId[]; broken: SnapshotId; odd: SnapshotId }> {
  const w = await cardWorld();
  const good: SnapshotId[] = [];
  for (const height of [10, 20, 30]) good.push(idOf(await w.snapshot({ heights: { "": height } })));
  const broken = idOf(await w.snapshot({ without: ["manifest"], heights: { "": 35 } }));
  const odd = idOf(await w.snapshot({ idTime: START + 900 * HOUR, heights: { "": 36 } }));
  await indexSnapshots({ store: w.store, node: w.node, ids: [] });
  return { w, good, broken, odd };
}

describe("selecting a snapshot", () => {
  it("latest is the newest good one, never broken or odd", async () => {
    const { w, good } = await world();
    expect((await select(w, { by: "latest" })).snapshot).toBe(good[2]);
  });

  it("by id, whole or by a unique beginning, in any state", async () => {
    const { w, good, broken, odd } = await world();
    for (const id of [...good, broken, odd]) {
      expect((await select(w, { by: "id", id })).snapshot).toBe(id);
      expect((await select(w, { by: "id", id: id.slice(0, -1) })).snapshot).toBe(id);
    }
    expect(await messageOf(select(w, { by: "id", id: "20260101T0" }))).toMatch(
      /^usage: .*4 snapshots begin with it: 2026/,
    );
    expect(await messageOf(select(w, { by: "id", id: "" }))).toMatch(/^not-found/);
    const missing = await messageOf(select(w, { by: "id", id: "2027" }));
    expect(missing).toMatch(
      /^not-found: .*3 good ones, from .* to .*, height 30\), and 2 broken, damaged, expired or odd/,
    );
  });

  it("by time: the newest received then or before", async () => {
    const { w, good } = await world();
    expect((await select(w, { by: "at", time: START + 2 * HOUR })).snapshot).toBe(good[1]);
    expect((await select(w, { by: "at", time: START + 2 * HOUR - 1 })).snapshot).toBe(good[0]);
    expect(await messageOf(select(w, { by: "at", time: START }))).toMatch(
      /^not-found: .*received at 2026-01-01T00:00:00.000Z/,
    );
    expect(await messageOf(select(w, { by: "at", time: Number.NaN }))).toMatch(/^not-found/);
  });

  it("by height: the newest at this height or lower", async () => {
    const { w, good } = await world();
    expect((await select(w, { by: "height", height: 29 })).snapshot).toBe(good[1]);
    expect((await select(w, { by: "height", height: 1000 })).snapshot).toBe(good[2]);
    expect(await messageOf(select(w, { by: "height", height: 9 }))).toMatch(/height 9 or lower/);
    expect(await messageOf(select(w, { by: "height", height: 9, channel: "a" }))).toMatch(/in channel a/);
  });

  it("by height in a channel, and asks for it where there are several", async () => {
    const w = await cardWorld();
    const a = idOf(await w.snapshot({ heights: { one: 5, two: 50 } }));
    const b = idOf(await w.snapshot({ heights: { one: 6, two: 60 } }));
    await indexSnapshots({ store: w.store, node: w.node, ids: [a, b] });
    expect((await select(w, { by: "height", height: 59, channel: "two" })).snapshot).toBe(a);
    expect(await messageOf(select(w, { by: "height", height: 59 }))).toMatch(/^usage: .*its channels are one, two/);
    expect(await messageOf(select(w, { by: "height", height: 59, channel: "__proto__" }))).toMatch(/^not-found/);
  });

  it("goes on into closed months", async () => {
    const w = await cardWorld();
    const ids: SnapshotId[] = [];
    for (let i = 0; i < 503; i += 1) {
      ids.push(idOf(await w.snapshot({ packs: 0, at: START + i * 24 * HOUR, heights: { "": i } })));
    }
    await indexSnapshots({ store: w.store, node: w.node, ids: [] });
    expect((await select(w, { by: "height", height: 1 })).snapshot).toBe(ids[1]);
    expect((await select(w, { by: "id", id: ids[0] as SnapshotId })).snapshot).toBe(ids[0]);
    const listed: SnapshotId[] = [];
    for await (const entry of listSnapshots({ store: w.store, node: w.node })) listed.push(entry.snapshot);
    expect(listed).toEqual([...ids].reverse());
  });

  it("says what to do where the index is missing, behind or damaged", async () => {
    const { w } = await world();
    const late = idOf(await w.snapshot());
    expect(await messageOf(select(w, { by: "id", id: late }))).toMatch(/not in the index.*rebuild/s);
    w.store.plant(names.indexJson(w.node), Buffer.from("{}"));
    expect(await messageOf(select(w, { by: "latest" }))).toMatch(/no readable index.*rebuild/s);
    w.store.objects.delete(names.indexJson(w.node));
    expect(await messageOf(select(w, { by: "latest" }))).toMatch(/no readable index.*rebuild/s);
  });

  it("at and height answer as a plain search over the good ones does", async () => {
    const { w, good } = await world();
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: -1, max: 40 }), async (n) => {
        const byHeight = good.filter((_, i) => (i + 1) * 10 <= n).at(-1);
        const byTime = good.filter((_, i) => i + 1 <= n / 10).at(-1);
        const got = await select(w, { by: "height", height: n }).catch(() => undefined);
        const then = await select(w, { by: "at", time: START + (n / 10) * HOUR }).catch(() => undefined);
        expect([got?.snapshot, then?.snapshot]).toEqual([byHeight, byTime]);
      }),
      { numRuns: 50 },
    );
  });
});
