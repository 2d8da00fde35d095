import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isOpen, nextOpening, parseConfig } from "../../../agent/config/index.ts";
import { parseWindow } from "../../../agent/config/windows.ts";

const windows = (...texts: string[]) => texts.map((text) => parseWindow(text) ?? expect.fail(text));
/** 2026-01-12 is a Monday. */
const at = (day: number, hour: number, minute = 0) => Date.UTC(2026, 0, 11 + day, hour, minute);
const [SUN, MON, TUE, SAT] = [0, 1, 2, 6];

describe("a window", () => {
  it.each([
    ["01:00-04:30", [0, 1, 2, 3, 4, 5, 6], 60, 270],
    ["mon-fri 02:00-05:00", [1, 2, 3, 4, 5], 120, 300],
    ["Sat,Sun 22:00-06:00", [0, 6], 1320, 360],
    ["fri-mon 00:00-24:00", [0, 1, 5, 6], 0, 1440],
    ["wed 09:00-09:01", [3], 540, 541],
  ])("%s", (text, days, from, to) => {
    expect(parseWindow(text)).toEqual({ days, from, to });
  });

  it.each([
    "",
    "mon",
    "24:00-25:00",
    "1:00-2:00",
    "01:60-02:00",
    "02:00-02:00",
    "day 01:00-02:00",
    "mon-tue-wed 01:00-02:00",
    "mon fri 01:00-02:00",
  ])("%j is none", (text) => {
    expect(parseWindow(text)).toBeNull();
  });
});

describe("windows", () => {
  it("are open from their first minute to before their last, on their days", () => {
    const nights = windows("mon-fri 02:00-05:00");
    const open = (time: number) => isOpen(nights, "UTC", time);
    expect([at(MON, 1, 59), at(MON, 2), at(MON, 4, 59), at(MON, 5), at(SUN, 3)].map(open)).toEqual([
      false,
      true,
      true,
      false,
      false,
    ]);
  });

  it("past midnight belong to the day on which they begin", () => {
    const late = windows("sat 22:00-06:00");
    const open = (time: number) => isOpen(late, "UTC", time);
    expect([at(SAT, 21, 59), at(SAT, 23), at(7, 5, 59), at(7, 6), at(SAT, 3)].map(open)).toEqual([
      false,
      true,
      true,
      false,
      false,
    ]);
  });

  it("go by the clocks of the zone", () => {
    const nights = windows("tue 02:00-05:00");
    expect(isOpen(nights, "Asia/Seoul", at(MON, 17))).toBe(true);
    expect(isOpen(nights, "UTC", at(MON, 17))).toBe(false);
    expect(nextOpening(nights, "Asia/Seoul", at(SUN, 12))).toBe(at(MON, 17));
  });

  it("none at all are always open, and never open next", () => {
    expect(isOpen([], "UTC", at(TUE, 3))).toBe(true);
    expect(nextOpening([], "UTC", 0)).toBeNull();
  });

  it("what opens next is open, and not a minute before it", () => {
    const texts = ["mon-fri 02:00-05:00", "sat,sun 22:00-06:00", "wed 12:30-12:31", "00:00-00:05"];
    fc.assert(
      fc.property(
        fc.subarray(texts, { minLength: 1 }),
        fc.integer({ min: at(0, 0), max: at(300, 0) }),
        fc.constantFrom("UTC", "Asia/Kolkata", "America/New_York"),
        (some, time, zone) => {
          const all = windows(...some);
          const next = nextOpening(all, zone, time) ?? Number.NaN;
          expect(isOpen(all, zone, next)).toBe(true);
          if (next - 60_000 >= time) expect(isOpen(all, zone, next - 60_000)).toBe(false);
        },
      ),
      { numRuns: 40 },
    );
  });
});

const written = (rest: string) => `version: 1
vault: file:///v
encrypt_key: /k
tiers: { keep_last: 3, timezone: Asia/Seoul }
nodes:
  demo:
    profile: files
    roots: { data: /srv }
    service: { manager: none }
${rest}
`;

describe("in the configuration", () => {
  const stopOf = (rest: string) => parseConfig(written(rest), "c", []).nodes[0]?.stop;

  it("nothing written means at any time, and alone; clocks are the tiers'", () => {
    expect(stopOf("")).toEqual({ windows: [], timezone: "Asia/Seoul" });
  });

  it("all of it", () => {
    const rest = `    windows: ["sun 01:00-02:00"]
    timezone: Europe/Berlin
    skip_if_syncing: { url: "http://127.0.0.1:1/status", field: result.catching_up }
    skip_if_leader: { command: is-leader, field: state, is: [leader, 7] }
    group: validators
    max_down_in_group: 2
    group_wait: 30m`;
    expect(stopOf(rest)).toEqual({
      windows: [{ days: [0], from: 60, to: 120 }],
      timezone: "Europe/Berlin",
      skipIfSyncing: { url: "http://127.0.0.1:1/status", field: "result.catching_up", is: ["true"] },
      skipIfLeader: { command: "is-leader", field: "state", is: ["leader", "7"] },
      group: { name: "validators", most: 2, waitMs: 1_800_000 },
    });
  });

  it.each([
    ["    windows: [monday]", /windows.*mon-fri 02:00-05:00/],
    ["    windows: '02:00-05:00'", /windows.*a list of/],
    ["    timezone: Mars", /timezone.*IANA/],
    ["    max_down_in_group: 1", /of which group/],
    ["    group: a/b", /a group's name/],
    ["    skip_if_leader: { url: 'http://h/' }", /field/],
  ])("%s is refused with its place", (rest, words) => {
    expect(() => stopOf(rest)).toThrow(words);
  });
});
