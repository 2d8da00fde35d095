import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseSpan, type Span, type Tiers, UNITS, type Unit } from "../../../vault/retain/index.ts";
import { applyTiers } from "../../../vault/retain/policy.ts";

/** Snapshots of one zone, and what restic kept of histories made of them. */
interface Recorded {
  readonly timezone: string;
  /** Seconds, and tags with a space between; newest first. */
  readonly snapshots: readonly (readonly [time: number, tags: string])[];
  /** Each a list of places in `snapshots`. */
  readonly histories: readonly (readonly number[])[];
  readonly cases: readonly (readonly [history: number, flags: string, kept: readonly number[]])[];
}

/** What restic 0.14 itself kept of random histories; test/systems/restic.test.ts asks the restic of this machine anew. */
const RECORDED = JSON.parse(readFileSync(join(import.meta.dirname, "restic-0.14.json"), "utf8")) as readonly Recorded[];

describe("the rules of restic forget", () => {
  it("keep what restic 0.14 kept, in zones with and without summer time", () => {
    let count = 0;
    for (const { timezone, snapshots, histories, cases } of RECORDED) {
      for (const [history, flags, kept] of cases) {
        const places = histories[history] ?? [];
        const counted = places.map((place) => {
          const [time, tags] = snapshots[place] ?? [0, ""];
          return { received: time * 1000, tags: tags.split(" ") };
        });
        const tiers = { ...rulesOf(flags.split(" ")), timezone, floor: 0, grace: 0 };
        const reasons = applyTiers(counted, tiers, { keepOldest: false });
        const ours = places.filter((_, at) => (reasons[at] ?? []).length > 0);
        expect(ours, `${timezone} ${flags}`).toEqual(kept);
        count += 1;
      }
    }
    expect(count).toBe(400);
  });

  it("from 0.16 on keep the oldest, too, as long as a count is not used up", () => {
    const day = 86_400_000;
    const snapshots = [9, 9.01, 8, 7, 6.9].map((at) => ({ received: at * day, tags: [] }));
    const tiers = { keep: { daily: 4 }, within: {}, tags: [], timezone: "UTC", floor: 0, grace: 0 };
    const sorted = snapshots.sort((a, b) => b.received - a.received);
    expect(applyTiers(sorted, tiers)).toEqual([["daily"], [], ["daily"], ["daily"], ["daily"]]);
    const two = sorted.slice(0, 3).concat({ received: 8 * day - 1, tags: [] }, { received: 7.5 * day, tags: [] });
    expect(applyTiers(two, tiers)).toEqual([["daily"], [], ["daily"], ["daily"], ["oldest daily"]]);
    expect(applyTiers(two, { ...tiers, keep: { daily: 3 } })[4]).toEqual([]);
    expect(applyTiers(two, tiers, { keepOldest: false })[4]).toEqual([]);
  });
});

function rulesOf(flags: readonly string[]): Pick<Tiers, "keep" | "within" | "tags"> {
  const keep: Partial<Record<Unit, number>> = {};
  const within: Partial<Record<Unit, Span>> = {};
  const tags: string[][] = [];
  for (let at = 0; at < flags.length; at += 2) {
    const [flag = "", value = ""] = flags.slice(at, at + 2);
    const span = parseSpan(value);
    const unit = UNITS.find((name) => flag.endsWith(`-${name}`));
    if (flag === "--keep-tag") tags.push(value.split(","));
    else if (flag === "--keep-within" && span !== null) within.last = span;
    else if (flag.startsWith("--keep-within") && unit !== undefined && span !== null) within[unit] = span;
    else if (unit !== undefined) keep[unit] = Number(value);
    else throw new Error(`no rule: ${flag} ${value}`);
  }
  return { keep, within, tags };
}
