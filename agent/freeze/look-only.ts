import { statfsSync } from "node:fs";
import type { Clock } from "../../posix/clock.ts";
import { toBytes } from "./bytes.ts";
import { hasHonestTimes } from "./fingerprint.ts";
import { type FrozenPlace, nearestFolder, type PlannedPlace } from "./frozen-place.ts";

/** A place in which nothing is made: for a walk that only looks. Its time is this machine's clock. */
export function lookOnly(planned: PlannedPlace, reflinks: boolean, clock: Clock): FrozenPlace {
  const nothing = (): never => {
    throw new Error("where one only looks, nothing is made");
  };
  const there = toBytes(nearestFolder(planned.base));
  return {
    ...planned,
    reflinks,
    honestTimes: hasHonestTimes(planned.path),
    now: () => BigInt(Math.floor(clock.now())) * 1_000_000n,
    free() {
      const { bavail, bsize } = statfsSync(there);
      return bavail * bsize;
    },
    link: nothing,
    copy: nothing,
    flush: nothing,
    tellCopies: nothing,
    pathOf: nothing,
    isShared: nothing,
  };
}
