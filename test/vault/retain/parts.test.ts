import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeSnapshotId } from "../../../vault/names/index.ts";
import {
  faultOfTiers,
  formatPeriod,
  LivePacks,
  parseSpan,
  parseTimeOfDay,
  type Tiers,
} from "../../../vault/retain/index.ts";
import { formatSpan, goBack } from "../../../vault/retain/span.ts";
import { isZone, zoneOf } from "../../../vault/retain/zone.ts";

const DAY = 86_400_000;
const span = (text: string) => parseSpan(text) ?? { years: 0, months: 0, days: 0, hours: 0 };

describe("spans", () => {
  it("are read as restic reads them", () => {
    expect(parseSpan("1y6m7d2h")).toEqual({ years: 1, months: 6, days: 7, hours: 2 });
    for (const text of ["", "7", "d", "0d", "7w", "-7d", "7d ", "2h7d", "1.5d", "7 d"])
      expect(parseSpan(text)).toBeNull();
    for (const text of ["15d", "6m", "2y", "1y6m7d2h"]) expect(formatSpan(span(text))).toBe(text);
  });

  it("go back by the calendar of the zone", () => {
    const berlin = zoneOf("Europe/Berlin");
    const iso = (time: number) => new Date(time).toISOString();
    // Summer time began on 29 March: a day before noon is 23 hours.
    expect(iso(goBack(Date.parse("2026-03-29T10:00:00Z"), span("1d"), berlin))).toBe("2026-03-28T11:00:00.000Z");
    expect(iso(goBack(Date.parse("2026-03-31T12:00:00Z"), span("1m"), zoneOf("UTC")))).toBe("2026-03-03T12:00:00.000Z");
    expect(iso(goBack(Date.parse("2026-03-31T12:00:00Z"), span("24h"), berlin))).toBe("2026-03-30T12:00:00.000Z");
  });

  it("of milliseconds are told in the largest unit that fits", () => {
    expect([7 * DAY, 36 * 3_600_000, 90_000, 5, 60_000].map(formatPeriod)).toEqual(["7d", "36h", "90s", "5ms", "1m"]);
  });
});

describe("zones", () => {
  it("are those of IANA", () => {
    for (const name of ["UTC", "Europe/Berlin", "Asia/Shanghai"]) expect(isZone(name)).toBe(true);
    for (const name of ["", "Berlin", "Mars/Base", "../etc"]) expect(isZone(name)).toBe(false);
  });

  it("turn moments into local times and back", () => {
    for (const name of ["UTC", "Asia/Kolkata", "America/St_Johns", "Australia/Lord_Howe"]) {
      const zone = zoneOf(name);
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 2 ** 41 }), (time) => {
          const again = zone.toTime(time + zone.offset(time));
          // Of an hour that clocks show twice one is chosen.
          expect(Math.abs(again - time)).toBeLessThanOrEqual(3_600_000);
          expect(again + zone.offset(again)).toBe(time + zone.offset(time));
        }),
      );
    }
  });
});

describe("times of day", () => {
  it("are hours and minutes", () => {
    expect([parseTimeOfDay("00:00"), parseTimeOfDay("23:59")]).toEqual([0, 1439]);
    for (const text of ["24:00", "0:00", "12:60", "noon", "", "12:00:00"]) expect(parseTimeOfDay(text)).toBeNull();
  });
});

describe("a set of rules", () => {
  const rules = (more: Partial<Tiers>): Tiers => ({
    keep: {},
    within: {},
    tags: [],
    timezone: "UTC",
    floor: 7 * DAY,
    grace: 7 * DAY,
    ...more,
  });

  it("that keeps something, and no rule for nothing, is fine", () => {
    for (const fine of [
      { within: { last: span("7d") } },
      { within: { last: span("1m") } },
      { keep: { last: Number.POSITIVE_INFINITY } },
      { keep: { daily: 7, weekly: 4 }, within: { last: span("2d") } },
      { within: { last: span("7d"), daily: span("1m") } },
      { permanent: 0 },
      { tags: [["keep"]] },
    ]) {
      expect(faultOfTiers(rules(fine))).toBeNull();
    }
  });

  it.each([
    [{}, "nothing would be kept"],
    [{ keep: { last: Number.POSITIVE_INFINITY, daily: 3 } }, "keeps everything already"],
    [{ within: { last: span("1m"), daily: span("14d") } }, "keep_within_daily: 14d"],
    [{ within: { last: span("3d") } }, "shorter than floor: 7d"],
    [{ keep: { last: 3 }, grace: 4 * DAY }, "at least 5d"],
  ] as const)("that keeps nothing or contradicts itself is told: %j", (wrong, words) => {
    expect(faultOfTiers(rules(wrong))).toContain(words);
  });
});

describe("live packs", () => {
  const id = (n: number) => makeSnapshotId(n * 1000, Buffer.alloc(8, n));

  it("are exactly those that were added", () => {
    const range = fc.tuple(fc.nat(300), fc.nat(20)).map(([first, more]) => [first, first + more] as const);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), range), { maxLength: 8 }), (added) => {
        const live = new LivePacks();
        for (const [origin, one] of added) live.add([{ snapshot: id(origin), ranges: [one] }]);
        for (const origin of [1, 2, 3]) {
          expect(live.uses(id(origin))).toBe(added.some(([of]) => of === origin));
          for (let index = 0; index < 330; index += 1) {
            const wanted = added.some(([of, [first, last]]) => of === origin && first <= index && index <= last);
            expect(live.has(id(origin), index)).toBe(wanted);
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  it("include all of a folder that is protected as a whole", () => {
    const live = new LivePacks();
    live.addWhole(id(1));
    expect([live.has(id(1), 99_999), live.uses(id(1)), live.uses(id(2))]).toEqual([true, true, false]);
  });

  it("refuse numbers no pack can have", () => {
    expect(() => new LivePacks().add([{ snapshot: id(1), ranges: [[0, 100_000]] }])).toThrow(RangeError);
  });
});
