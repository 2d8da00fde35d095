import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { timeOfId } from "../../../agent/backup/id-time.ts";
import { makeSnapshotId, type SnapshotId } from "../../../vault/names/index.ts";

const NOON = Date.UTC(2026, 5, 1, 12);
const idAt = (time: number, random = 0) => makeSnapshotId(time, new Uint8Array(8).fill(random), random);

describe("the time in a snapshot's id", () => {
  it("is the beginning's where no run is of that second or later", () => {
    expect(timeOfId(NOON + 250, [])).toBe(NOON + 250);
    expect(timeOfId(NOON + 250, [idAt(NOON - 1)])).toBe(NOON + 250);
  });

  it("is the next second where a run is of the same one, or where the clock went back a little", () => {
    expect(timeOfId(NOON + 250, [idAt(NOON)])).toBe(NOON + 1000);
    expect(timeOfId(NOON + 250, [idAt(NOON), idAt(NOON + 5000)])).toBe(NOON + 6000);
  });

  it("follows no run of a clock that was far ahead", () => {
    expect(timeOfId(NOON, [idAt(NOON + 60_000)])).toBe(NOON);
    expect(timeOfId(NOON, [idAt(NOON), idAt(NOON + 3_600_000)])).toBe(NOON + 1000);
  });

  it("makes ids that sort as the backups were made, however fast they follow each other", () => {
    const steps = fc.array(fc.record({ wait: fc.nat(1500), random: fc.nat(255) }), { maxLength: 40 });
    fc.assert(
      fc.property(steps, (all) => {
        const runs: SnapshotId[] = [];
        let now = NOON;
        for (const { wait, random } of all) {
          now += wait;
          runs.push(idAt(timeOfId(now, runs), random));
        }
        expect([...runs].sort()).toEqual(runs);
      }),
    );
  });
});
