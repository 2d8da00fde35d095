import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Amiss, decide, type Told } from "../../../agent/notify/index.ts";

const DAY = 24 * 3_600_000;
const NOTHING: Told = { amiss: {} };
const STALE: Amiss = { stale: { kind: "stale", words: "too old" } };
const state = { each: false, unknown: () => false };

describe("what people are told", () => {
  it("a state once, again after a day, and that it is over", () => {
    const first = decide(NOTHING, STALE, 0, state);
    expect(first.tell.map(({ name }) => name)).toEqual(["stale"]);
    const soon = decide(first.told, STALE, 3_600_000, state);
    expect(soon.tell).toEqual([]);
    const next = decide(soon.told, STALE, DAY, state);
    expect(next.tell).toMatchObject([{ name: "stale", since: 0 }]);
    const over = decide(next.told, {}, DAY + 5, state);
    expect(over).toMatchObject({ tell: [], over: [{ name: "stale", since: 0, times: 3 }], told: { amiss: {} } });
    expect(decide(over.told, {}, 2 * DAY, state).over).toEqual([]);
  });

  it("each run that fails", () => {
    const first = decide(NOTHING, STALE, 0, { ...state, each: true });
    expect(decide(first.told, STALE, 1, { ...state, each: true }).tell).toHaveLength(1);
  });

  it("nothing of what cannot be seen now, and later as if it had been seen all along", () => {
    const first = decide(NOTHING, STALE, 0, state);
    const blind = decide(first.told, {}, 1, { each: false, unknown: () => true });
    expect(blind).toMatchObject({ tell: [], over: [] });
    expect(decide(blind.told, {}, 2, state).over).toHaveLength(1);
  });

  it("by a clock that was set back, rather twice than never", () => {
    const first = decide(NOTHING, STALE, 30 * DAY, state);
    expect(decide(first.told, STALE, 0, state).tell).toHaveLength(1);
  });

  it("for any history: what is over was told before, and what lasts is told within a day", () => {
    const steps = fc.array(fc.record({ after: fc.integer({ min: 1, max: DAY }), amiss: fc.boolean() }));
    fc.assert(
      fc.property(steps, (history) => {
        let told = NOTHING;
        let now = 0;
        let heard: number | null = null;
        for (const { after, amiss } of history) {
          now += after;
          const decision = decide(told, amiss ? STALE : {}, now, state);
          if (decision.tell.length > 0) heard = now;
          if (amiss) expect(now - (heard ?? Number.NEGATIVE_INFINITY)).toBeLessThan(DAY);
          expect(decision.over.length).toBe(!amiss && heard !== null ? 1 : 0);
          if (!amiss) heard = null;
          told = decision.told;
        }
      }),
    );
  });
});
