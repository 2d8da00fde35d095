import type { IndexEntry } from "../vault/card/index.ts";
import { parseSnapshotId } from "../vault/names/index.ts";
import { ID_AHEAD, ID_BEHIND } from "./rules.ts";

/** Newest first, by receipt of the begin, then by id: never by the time in the id, which the host chooses. */
export function newestFirst(a: Pick<IndexEntry, "received" | "snapshot">, b: typeof a): number {
  if (a.received !== b.received) return b.received - a.received;
  return a.snapshot < b.snapshot ? 1 : a.snapshot > b.snapshot ? -1 : 0;
}

/**
 * Why an id's time cannot be believed, or null. A host whose clock is wrong, or that lies, is listed but never latest.
 */
export function oddity(entry: Pick<IndexEntry, "received" | "snapshot">): string | null {
  const time = parseSnapshotId(entry.snapshot)?.time;
  if (time === undefined) return "its id names no time";
  const told = new Date(time).toISOString();
  const received = new Date(entry.received).toISOString();
  if (time > entry.received + ID_AHEAD) return `odd: its id says ${told}, it was received earlier, at ${received}`;
  if (time < entry.received - ID_BEHIND) return `odd: its id says ${told}, it was received long after, at ${received}`;
  return null;
}

/** Whether it may be the answer to "latest": good, and its time is believable. */
export function isLatestMaterial(entry: IndexEntry): boolean {
  return entry.state === "good" && oddity(entry) === null;
}
