import fc from "fast-check";
import { type Span, type Tiers, UNITS, type Unit } from "../../vault/retain/index.ts";

const NO_SPAN: Span = { years: 0, months: 0, days: 0, hours: 0 };
const LATEST = Date.UTC(2026, 3, 2, 10);
const HOUR = 3_600_000;

/** Gaps as they are in life: retries within minutes, hourly, nightly, weeks of silence. */
const gap = fc.oneof(
  fc.integer({ min: 1, max: 90 * 60 }),
  fc.integer({ min: 20 * 3600, max: 28 * 3600 }),
  fc.integer({ min: 86_400, max: 40 * 86_400 }),
);

/** Times in whole seconds, newest first, no two alike. */
export const times = (minLength: number): fc.Arbitrary<readonly number[]> =>
  fc.tuple(fc.integer({ min: 0, max: 365 * 24 }), fc.array(gap, { minLength, maxLength: 40 })).map(([back, gaps]) => {
    let time = LATEST - back * HOUR;
    return gaps.map((seconds) => {
      time -= seconds * 1000;
      return time;
    });
  });

export const tags = fc.subarray(["t0", "t1", "t2"]);

const span: fc.Arbitrary<Span> = fc.oneof(
  fc.integer({ min: 1, max: 60 }).map((days) => ({ ...NO_SPAN, days })),
  fc.integer({ min: 1, max: 72 }).map((hours) => ({ ...NO_SPAN, hours })),
  fc.record({
    years: fc.integer({ min: 0, max: 1 }),
    months: fc.integer({ min: 0, max: 7 }),
    days: fc.integer({ min: 1, max: 20 }),
    hours: fc.integer({ min: 0, max: 30 }),
  }),
);

const rules = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<Partial<Record<Unit, T>>> =>
  fc.dictionary(fc.constantFrom(...UNITS), value, { maxKeys: 3 }) as fc.Arbitrary<Partial<Record<Unit, T>>>;

/** Rules of which at least one keeps something. */
export const tiers: fc.Arbitrary<Tiers> = fc
  .record({
    keep: rules(fc.integer({ min: 1, max: 12 })),
    within: rules(span),
    tags: fc.array(fc.subarray(["t0", "t1", "t2"], { minLength: 1 }), { maxLength: 1 }),
  })
  .filter(({ keep, within, tags: sets }) => Object.keys(keep).length + Object.keys(within).length + sets.length > 0)
  .map((found) => ({ ...found, timezone: "UTC", floor: 0, grace: 7 * 24 * HOUR }));
