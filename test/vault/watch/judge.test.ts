import { describe, expect, it } from "vitest";
import type { IndexEntry } from "../../../vault/card/types.ts";
import { makeSnapshotId } from "../../../vault/names/index.ts";
import { judge } from "../../../vault/watch/index.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = Date.UTC(2026, 0, 15);

function entry(age: number, change: Partial<IndexEntry> = {}): IndexEntry {
  const received = NOW - age;
  return {
    snapshot: makeSnapshotId(received, Buffer.alloc(8, age % 251)),
    state: "good",
    remarks: [],
    writer: "w",
    seq: 1,
    received,
    committed: received,
    profile: "files",
    tags: [],
    bytes: { total: 1000, added: 10, stored: 100, files: 1 },
    card: { size: 1, sha256: "" },
    origins: [],
    ...change,
  };
}

const look = (entries: readonly IndexEntry[], limits = {}) =>
  judge({ entries, isGood: ({ state }) => state === "good", now: NOW }, { maxAgeMs: DAY, ...limits });
const kinds = (...of: Parameters<typeof look>) => look(...of).alarms.map(({ kind }) => kind);

describe("what is amiss", () => {
  it("is nothing where the newest good one is young enough", () => {
    expect(look([entry(HOUR), entry(40 * DAY)])).toMatchObject({ ageMs: HOUR, alarms: [] });
  });

  it("is the age of the newest good one, whatever came after it", () => {
    expect(kinds([entry(HOUR, { state: "broken" }), entry(DAY + 1)])).toEqual(["stale"]);
    expect(kinds([entry(DAY)])).toEqual([]);
  });

  it("is that there is none", () => {
    expect(kinds([])).toEqual(["none"]);
    expect(kinds([entry(HOUR, { state: "expired" })])).toEqual(["none"]);
  });

  it("is damage, of whichever one", () => {
    const old = entry(3 * DAY, { state: "damaged", remarks: ["a pack is missing"] });
    expect(look([entry(HOUR), old]).alarms).toEqual([
      { kind: "damaged", snapshot: old.snapshot, why: "a pack is missing" },
    ]);
  });

  it("is that none was proven for too long, once there was time to", () => {
    const limits = { maxUnprovenMs: 7 * DAY };
    expect(kinds([entry(HOUR), entry(9 * DAY)])).toEqual([]);
    expect(kinds([entry(HOUR), entry(9 * DAY)], limits)).toEqual(["unproven"]);
    expect(kinds([entry(HOUR), entry(6 * DAY)], limits)).toEqual([]);
    expect(kinds([entry(HOUR), entry(9 * DAY, { proven: NOW - 6 * DAY })], limits)).toEqual([]);
    // A proof of one that has expired since counts: the way back was shown to work.
    expect(kinds([entry(HOUR), entry(9 * DAY, { proven: NOW - DAY, state: "expired" })], limits)).toEqual([]);
    expect(look([entry(HOUR), entry(20 * DAY, { proven: NOW - 8 * DAY })], limits).alarms).toEqual([
      { kind: "unproven", sinceMs: 8 * DAY, allowedMs: 7 * DAY, ever: true },
    ]);
  });
});

describe("figures", () => {
  it("tell growth over the week before the newest", () => {
    const total = (bytes: number) => ({ bytes: { total: bytes, added: 0, stored: 100, files: 1 } });
    const { growth } = look([
      entry(0, total(3000)),
      entry(DAY, total(2500)),
      entry(2 * DAY, total(1000)),
      entry(9 * DAY),
    ]);
    expect(growth).toEqual({ storedPerDay: 100, contentPerDay: 1000 });
  });

  it("tell none where there is nothing to compare", () => {
    expect(look([entry(0)]).growth).toBeNull();
    expect(look([entry(0), entry(HOUR)]).growth).toBeNull();
    expect(look([entry(0), entry(8 * DAY)]).growth).toBeNull();
  });

  it("count states and stored bytes", () => {
    const { counts, storedBytes } = look([entry(0), entry(1), entry(2, { state: "expired" })]);
    expect(counts).toEqual({ good: 2, broken: 0, damaged: 0, expired: 1 });
    expect(storedBytes).toBe(300);
  });
});
