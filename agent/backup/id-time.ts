import { parseSnapshotId, type SnapshotId } from "../../vault/names/index.ts";

/** How far ids may run ahead of the clock, in seconds: nobody makes so many backups in one second. */
const AHEAD = 60;

/**
 * The moment that a new snapshot's id tells, in milliseconds since the epoch: that of its beginning, or the second after
 * the newest run's where the two would share one. Receipts have whole seconds in S3, so between two ids of one second
 * chance would say which is the latest. A run of a clock that was far ahead is not followed.
 */
export function timeOfId(started: number, runs: readonly SnapshotId[]): number {
  const limit = Math.floor(started / 1000) + AHEAD;
  let next = 0;
  for (const run of runs) {
    const second = Math.floor((parseSnapshotId(run)?.time ?? 0) / 1000);
    if (second < limit) next = Math.max(next, second + 1);
  }
  return Math.max(started, next * 1000);
}
