import { describe, expect, it } from "vitest";
import { SLOT_MS, type Turn, takeTurn } from "../../../agent/backup/index.ts";
import { keptProgress } from "../../../agent/report/index.ts";
import { memoryStore } from "../../support/memory-store.ts";

const NOON = Date.UTC(2026, 0, 15, 12);
const MINUTE = 60_000;

/** A vault with its clock, and hosts of one group whose clocks differ from it. */
function fleet(start = NOON) {
  let time = start;
  const store = memoryStore(() => time);
  const progress = keptProgress();
  const take = (node: string, options: { clock?: number; need?: number; most?: number; wait?: number } = {}) =>
    takeTurn({
      store,
      group: "validators",
      most: options.most ?? 1,
      node,
      needMs: options.need ?? 5 * MINUTE,
      waitMs: options.wait ?? 0,
      now: () => time + (options.clock ?? 0),
      monotonic: () => time,
      pauseMs: 0,
      progress,
      signal: new AbortController().signal,
    });
  const pass = (ms: number) => {
    time += ms;
  };
  return { store, progress, take, pass, slots: () => [...store.objects.keys()] };
}

const skipped = { kind: "skipped" };

describe("the turn to be down", () => {
  it("is one node's; the next has it once it is handed on", async () => {
    const { take, slots } = fleet();
    const first = await take("a");
    await expect(take("b")).rejects.toMatchObject({
      ...skipped,
      on: "b",
      why: "one node of group validators may be down at once, and a held the turn after 0 s",
    });
    await first.release();
    expect((await take("b")).until).toBe(NOON + SLOT_MS);
    expect(slots()).toEqual([
      "groups/validators/down/20260115T120000Z-0-0.json",
      "groups/validators/down/20260115T120000Z-0-0.up.json",
      "groups/validators/down/20260115T120000Z-0-1.json",
    ]);
  });

  it("of a host that died ends with its slot, and no earlier", async () => {
    const { take, pass } = fleet();
    await take("a");
    pass(SLOT_MS - 1);
    await expect(take("b", { need: 1 })).rejects.toMatchObject(skipped);
    pass(1);
    expect((await take("b")).until).toBe(NOON + 2 * SLOT_MS);
  });

  it("of the same node, whose last run died, is taken anew", async () => {
    const { take } = fleet();
    await take("a");
    expect((await take("a")).until).toBe(NOON + SLOT_MS);
    await expect(take("b")).rejects.toMatchObject(skipped);
  });

  it("covers every slot that the outage may fall into: all of them, or none is kept", async () => {
    const { take, pass } = fleet(NOON + SLOT_MS - MINUTE);
    const first = await take("a");
    expect(first.until).toBe(NOON + 2 * SLOT_MS);
    pass(2 * MINUTE);
    await expect(take("b")).rejects.toMatchObject(skipped);
    await first.release();
    await take("b", { need: 20 * MINUTE });
    // c gets the first slot of the three that it needs, not the second, and gives it back.
    const later = fleet(NOON);
    later.store.plant("groups/validators/down/20260115T121500Z-0-0.json", Buffer.from('{"node":"x"}'));
    await expect(later.take("c", { need: 20 * MINUTE })).rejects.toMatchObject({
      why: expect.stringContaining("x held"),
    });
    await later.take("d", { need: 1 });
  });

  it("goes by the vault's clock, whatever the hosts' say", async () => {
    for (const clock of [-90 * MINUTE, -10 * MINUTE, 10 * MINUTE, 90 * MINUTE]) {
      const { take } = fleet();
      const first = await take("a", { clock });
      // By the vault's clock it is noon; a clock that is a little fast takes the slot after it as well.
      expect([NOON + SLOT_MS, NOON + 2 * SLOT_MS]).toContain(first.until);
      await expect(take("b")).rejects.toMatchObject(skipped);
      await expect(take("c", { clock: -clock })).rejects.toMatchObject(skipped);
      await first.release();
      await take("c", { clock: -clock });
    }
  });

  it("of slots that are over can be deleted by hand: no clock that is wrong makes a right of what is not there any more", async () => {
    const { store, take, pass } = fleet();
    for (let day = 0; day < 3; day += 1) {
      const turn = await take("a");
      await turn.release();
      pass(24 * 60 * MINUTE);
    }
    store.objects.clear();
    const held = await take("a");
    for (const clock of [-24 * 60 * MINUTE, -48 * 60 * MINUTE]) {
      await expect(take("b", { clock })).rejects.toMatchObject(skipped);
    }
    await held.release();
    expect((await take("b", { clock: -24 * 60 * MINUTE })).until).toBe(NOON + 3 * 24 * 60 * MINUTE + SLOT_MS);
  });

  it("is waited for, and told so once", async () => {
    const { store, take, pass, progress } = fleet();
    const first = await take("a");
    const waiting = take("b", { wait: 10 * MINUTE });
    while (progress.warnings.length === 0) await new Promise(setImmediate);
    await first.release();
    await waiting;
    expect(progress.warnings).toEqual(["b waits for its turn in group validators: a may be down"]);
    pass(MINUTE);
    expect(store.objects.size).toBe(3);
  });

  it("several may have at once where that many may be down, and never one more", async () => {
    const { take } = fleet();
    const nodes = ["a", "b", "c", "d", "e"];
    const outcomes = await Promise.allSettled(nodes.map((node) => take(node, { most: 2 })));
    const turns = outcomes.filter((one): one is PromiseFulfilledResult<Turn> => one.status === "fulfilled");
    expect(turns).toHaveLength(2);
    await turns[0]?.value.release();
    const again = await Promise.allSettled(nodes.map((node) => take(`${node}2`, { most: 2 })));
    expect(again.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  it("many hosts at once, one after the other: no two of them overlap", async () => {
    const { take, pass } = fleet();
    let down = 0;
    let most = 0;
    await Promise.all(
      ["a", "b", "c", "d", "e", "f"].map(async (node) => {
        const turn = await take(node, { wait: 1000 * MINUTE });
        down += 1;
        most = Math.max(most, down);
        await new Promise(setImmediate);
        pass(MINUTE);
        down -= 1;
        await turn.release();
      }),
    );
    expect(most).toBe(1);
  });

  it("damaged words in a slot take nothing from anybody", async () => {
    const { store, take } = fleet();
    for (const bytes of ["", "{", '{"node":7}', `{"node":"${"x".repeat(5000)}"}`, '{"node":"\\u001b[31m"}']) {
      store.plant("groups/validators/down/20260115T120000Z-0-0.json", Buffer.from(bytes));
      await expect(take("b")).rejects.toMatchObject({ why: expect.stringContaining("another held") });
    }
  });
});
