import type { SnapshotId } from "../../vault/names/index.ts";
import type { Reader } from "../../vault/store/facets.ts";
import { isPinned, readMarkOf } from "../marks.ts";
import type { NodeScope } from "../read.ts";
import { graceOf } from "../retain/grace.ts";
import type { Scan } from "../retain/scan.ts";
import { pinnedAt, readPins } from "./pins.ts";

export interface Due {
  /** Whose grace is over: by round. Those of a run that died in the middle included. */
  readonly rounds: ReadonlyMap<SnapshotId, number>;
  /** Said to go, but a running restore, or an operator who was faster, holds it. */
  readonly postponed: readonly SnapshotId[];
  /** When the last of these graces was over. Milliseconds since the epoch. */
  readonly since: number;
  readonly pinEnds: ReadonlyMap<string, number>;
}

/** Which snapshots may go. Reads what the listing found: fates, marks of operators, pins of restores. */
export async function findDue(store: Reader, scope: NodeScope, scan: Scan, now: number, grace: number): Promise<Due> {
  const pinEnds = await readPins(store, scope, scan);
  const pinned = pinnedAt(scan, pinEnds, now);
  const rounds = new Map<SnapshotId, number>();
  const postponed: SnapshotId[] = [];
  let since = 0;
  for (const [id, files] of scan.snapshots) {
    const found = await graceOf(store, scope, id, files);
    if (found.state === "live" || (found.state === "expired" && found.since + grace > now)) continue;
    const mark = Math.max(0, ...files.marks.keys());
    const isMarked = mark > 0 && isPinned(await readMarkOf(store, scope, id, mark));
    // Pinned after it expired: the next retention takes it back. Where the fate came just after the pin it waits.
    if (isMarked && found.state === "expired") continue;
    if (isMarked || pinned.has(id)) {
      postponed.push(id);
      continue;
    }
    rounds.set(id, found.round);
    if (found.state === "expired") since = Math.max(since, found.since + grace);
  }
  return { rounds, postponed, since, pinEnds };
}
