import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeSnapshotId } from "../../../vault/names/index.ts";
import { type Candidate, planRetention, type RetentionPlan, type Tiers } from "../../../vault/retain/index.ts";
import { tags, tiers, times } from "../../support/histories.ts";

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 3, 10, 12);
const WEEK: Tiers = {
  keep: {},
  within: { last: { years: 0, months: 0, days: 7, hours: 0 } },
  tags: [],
  timezone: "UTC",
  floor: 0,
  grace: 7 * DAY,
};

let count = 0;
function candidate(received: number, more: Partial<Candidate> = {}): Candidate {
  count += 1;
  const random = Buffer.alloc(8);
  random.writeUInt32BE(count, 4);
  return {
    snapshot: makeSnapshotId(received, random),
    writer: "one",
    good: true,
    odd: false,
    received,
    tags: [],
    bytes: { total: 1000, stored: 100 },
    pinned: false,
    expired: null,
    ...more,
  };
}

/** One a day, newest first, the newest an hour before NOW. */
const nightly = (days: number, more: (age: number) => Partial<Candidate> = () => ({})) =>
  Array.from({ length: days }, (_, age) => candidate(NOW - 3_600_000 - age * DAY, more(age)));

const plan = (candidates: readonly Candidate[], rules: Tiers = WEEK, now = NOW) =>
  planRetention({ candidates, tiers: rules, now });

const reasonsOf = (found: RetentionPlan, of: Candidate | undefined) =>
  found.decisions.find(({ snapshot }) => snapshot === of?.snapshot)?.reasons;

const histories = fc
  .tuple(times(1), fc.infiniteStream(fc.tuple(tags, fc.constantFrom("one", "two"), fc.nat(9))))
  .map(([received, rest]) =>
    received.map((time) => {
      const [found, writer, kind] = rest.next().value ?? [[], "one", 0];
      const expired = kind === 1 ? time + 3_600_000 : null;
      return candidate(time, {
        tags: found,
        writer,
        pinned: kind === 2,
        good: kind !== 3,
        odd: kind === 4,
        expired,
      });
    }),
  );

describe("a plan", () => {
  it("is the same whatever the order of the snapshots", () => {
    fc.assert(
      fc.property(histories, tiers, fc.nat(), (found, rules, turn) => {
        const at = turn % found.length;
        const turned = [...found.slice(at), ...found.slice(0, at)].reverse();
        expect(plan(turned, rules)).toEqual(plan(found, rules));
      }),
    );
  });

  it("never expires the newest good one of a writer, a pinned, a permanent or a young one", () => {
    fc.assert(
      fc.property(histories, tiers, fc.nat(20), (found, rules, floorDays) => {
        const expired = new Set(plan(found, { ...rules, permanent: 0, floor: floorDays * DAY }).expire);
        const good = found.filter((one) => one.good);
        for (const writer of ["one", "two"]) {
          const newest = good.find((one) => one.writer === writer);
          if (newest !== undefined) expect(expired.has(newest.snapshot)).toBe(false);
        }
        for (const one of found) if (one.pinned) expect(expired.has(one.snapshot)).toBe(false);
        for (const one of good) {
          if ((good[0]?.received ?? 0) - one.received < floorDays * DAY) expect(expired.has(one.snapshot)).toBe(false);
        }
        const latest = good.find((one) => !one.odd);
        if (latest !== undefined) expect(expired.has(latest.snapshot)).toBe(false);
        const days = new Map(good.map((one) => [Math.floor(one.received / DAY), one.snapshot]));
        for (const first of days.values()) expect(expired.has(first)).toBe(false);
      }),
    );
  });

  it("keeps no less where a rule is added", () => {
    fc.assert(
      fc.property(histories, tiers, tiers, (found, rules, more) => {
        const both = {
          ...rules,
          keep: { ...more.keep, ...rules.keep },
          within: { ...more.within, ...rules.within },
          tags: [...rules.tags, ...more.tags],
        };
        const before = new Set(plan(found, rules).expire);
        for (const snapshot of plan(found, both).expire) expect(before.has(snapshot)).toBe(true);
      }),
    );
  });

  it("says why, by the names of the rules", () => {
    const found = nightly(10, (age) => (age === 8 ? { pinned: true } : {}));
    const rules: Tiers = { ...WEEK, keep: { weekly: 2 }, permanent: 0 };
    const made = plan(found, { ...rules, within: { last: { years: 0, months: 0, days: 2, hours: 0 } } });
    expect(reasonsOf(made, found[0])).toEqual(["newest good", "permanent", "within 2d", "weekly"]);
    expect(reasonsOf(made, found[8])).toEqual(["pinned", "permanent"]);
    expect(made.permanent).toHaveLength(6);
  });

  it("expires in the end what is not kept, broken ones after 30 days, and gives back what is kept again", () => {
    const found = nightly(40, (age) => (age === 3 || age === 35 ? { good: false } : {}));
    const made = plan(found);
    expect(made.expire).toEqual(
      found
        .slice(7)
        .filter((one, at) => at + 7 === 35 || one.good)
        .map((one) => one.snapshot),
    );
    expect(reasonsOf(made, found[3])).toEqual(["broken, shown for 30d"]);
    const again = plan(nightly(9, (age) => (age === 6 ? { expired: NOW - DAY } : {})));
    expect(again.rescue).toHaveLength(1);
    expect(again.expire).toHaveLength(2);
  });

  it("counts days by the zone, and permanent ones from the time of day on", () => {
    const at = (text: string) => candidate(Date.parse(text));
    const found = [
      at("2026-01-02T20:00:00Z"),
      at("2026-01-02T15:30:00Z"),
      at("2026-01-02T14:30:00Z"),
      at("2026-01-01T15:30:00Z"),
    ];
    const rules: Tiers = { ...WEEK, within: {}, keep: { daily: 1 }, permanent: 0 };
    // 15:00 UTC is midnight in Tokyo.
    expect(plan(found, { ...rules, timezone: "Asia/Tokyo" }).decisions.map((d) => d.reasons)).toEqual([
      ["newest good", "daily"],
      ["permanent"],
      [],
      ["permanent"],
    ]);
    expect(plan(found, { ...rules, permanent: 30, timezone: "Asia/Tokyo" }).decisions[1]?.reasons).toEqual([
      "permanent",
    ]);
    const later = plan(found, { ...rules, permanent: 31, timezone: "Asia/Tokyo" });
    expect(later.decisions.slice(1).map((d) => d.reasons)).toEqual([[], ["permanent"], ["permanent"]]);
  });
});

describe("the share brake", () => {
  const kinds = (made: RetentionPlan) => made.brakes.map(({ kind }) => kind);

  it("lets the nightly coming and going through", () => {
    // Fourteen nights of a vault that keeps a week: what expired each night is in its grace.
    const found = nightly(15, (age) => (age >= 8 ? { expired: NOW - (age - 8) * DAY - 1800_000 } : {}));
    const made = plan(found);
    expect(made.expire).toHaveLength(1);
    expect(made.brakes).toEqual([]);
  });

  it("holds where rules were cut down", () => {
    const rules = { ...WEEK, within: {}, keep: { last: 2 } };
    expect(kinds(plan(nightly(30), rules))).toEqual(["share"]);
    expect(plan(nightly(30), rules).brakes[0]?.why).toBe(
      "it would leave 2 good snapshots of 23 that there were 7d ago",
    );
  });

  it("adds up what expired over the window, so that many small steps are one large one", () => {
    const found = nightly(30, (age) => (age >= 22 ? { expired: NOW - 2 * DAY } : {}));
    expect(plan(found, { ...WEEK, within: {}, keep: { last: 22 } }).brakes).toEqual([]);
    expect(kinds(plan(found, { ...WEEK, within: {}, keep: { last: 10 } }))).toEqual(["share"]);
  });

  it("holds where many small snapshots take the place of large ones", () => {
    const found = nightly(30, (age) => (age < 8 ? { bytes: { total: 400, stored: 1 } } : {}));
    const made = plan(found, { ...WEEK, within: {}, keep: { last: 19 } });
    expect(made.brakes.find(({ kind }) => kind === "share")?.why).toContain("% of the bytes");
  });
});

describe("the clock brake", () => {
  it("holds where the vault's clock is behind what it received, or far ahead", () => {
    const found = nightly(10);
    for (const now of [NOW - 2 * 3_600_000, NOW + 8 * DAY]) {
      expect(plan(found, WEEK, now).brakes.map(({ kind }) => kind)).toContain("clock");
    }
    expect(plan(found, WEEK, NOW + 6 * DAY).brakes).toEqual([]);
  });

  it("changes nothing in what the tiers say", () => {
    const found = nightly(20);
    expect(plan(found, WEEK, NOW + 100 * DAY).expire).toEqual(plan(found).expire);
  });
});

describe("anomalies", () => {
  const why = (candidates: readonly Candidate[], rules = WEEK, cleared: number | null = null) =>
    planRetention({ candidates, tiers: rules, now: NOW, cleared })
      .brakes.filter(({ kind }) => kind === "anomaly")
      .map((brake) => brake.why);

  it("are a newest one much smaller than usual, and a height that went back, until an operator cleared them", () => {
    const small = nightly(10, (age) => ({ bytes: { total: age === 0 ? 400 : 1000, stored: 1 } }));
    expect(why(small)).toHaveLength(1);
    expect(why(small)[0]).toContain("holds 400 bytes, those before it about 1000");
    expect(why(small, WEEK, NOW)).toEqual([]);
    const low = nightly(10, (age) => ({ heights: { "": age === 0 ? 5 : 1000 - age } }));
    expect(why(low)[0]).toContain("has height 5, the one before it 999");
    expect(why(nightly(10, (age) => ({ heights: { "": 1000 - age } })))).toEqual([]);
  });

  it("are far more snapshots in a day than planned, where an interval is", () => {
    const flood = [...Array.from({ length: 6 }, (_, at) => candidate(NOW - at * 60_000 - 1)), ...nightly(10)];
    expect(why(flood)).toEqual([]);
    expect(why(flood, { ...WEEK, interval: DAY })[0]).toContain("more than 3 snapshots were received in 24 hours");
    expect(why(nightly(30), { ...WEEK, interval: DAY })).toEqual([]);
  });

  it("do not push real ones out of their places: those close together share one", () => {
    const flood = Array.from({ length: 50 }, (_, at) => candidate(NOW - at * 60_000 - 1));
    const real = nightly(5);
    const rules: Tiers = { ...WEEK, within: {}, keep: { last: 5 }, interval: DAY };
    const kept = plan([...flood, ...real], rules).decisions.filter((d) => d.reasons.length > 0);
    for (const one of real.slice(0, 4)) expect(kept.map((d) => d.snapshot)).toContain(one.snapshot);
  });
});
