import { encodeCard } from "../../vault/card/index.ts";
import { names, type SnapshotId } from "../../vault/names/index.ts";
import type { Creator, Lister } from "../../vault/store/facets.ts";
import { createRecord } from "../create.ts";
import type { NodeScope } from "../read.ts";
import { hasCard, isOpenRun, type Scan } from "../retain/scan.ts";
import { endOf } from "./closings.ts";
import type { Marked } from "./mark.ts";

/** Runs that began and never ended, and that put nothing since `before`. */
export async function findOrphans(
  store: Lister,
  scope: NodeScope,
  scan: Scan,
  before: number,
  collecting: ReadonlySet<SnapshotId>,
): Promise<SnapshotId[]> {
  const orphans: SnapshotId[] = [];
  for (const [id, { receivedAt }] of scan.begins) {
    if (receivedAt >= before || collecting.has(id) || !isOpenRun(scan, id)) continue;
    if (await isStill(store, names.dataFolder(scope.node, id), before)) orphans.push(id);
  }
  return orphans;
}

/** Adopters that closed others in their name and never began; what they closed is kept for them until they are, too. */
export function lostAdopters(
  scan: Scan,
  { closings, neededClosings, served }: Marked,
  before: number,
): readonly SnapshotId[] {
  const lost = new Set<SnapshotId>();
  for (const id of closings.keys()) {
    const { end, abandoned } = endOf(closings, id);
    if (abandoned || scan.begins.has(end) || hasCard(scan, end)) continue;
    // Packs in use, now or until now, tell that the adopter did commit, and was collected since.
    if (neededClosings.has(id) || served.has(id)) continue;
    // Its begin may still be on its way: the host closes what it takes over before it begins.
    if ((scan.snapshots.get(id)?.card?.receivedAt ?? before) < before) lost.add(end);
  }
  return [...lost];
}

/** Closes runs for good: from now on none can commit or be taken over. Gives those that really are closed so. */
export async function abandon(
  store: Creator,
  scope: NodeScope,
  ids: readonly SnapshotId[],
): Promise<readonly SnapshotId[]> {
  const closed: SnapshotId[] = [];
  for (const snapshot of ids) {
    const card = encodeCard({ format: 1, ...scope, snapshot, state: "abandoned" });
    const outcome = await createRecord(store, names.card(scope.node, snapshot), card);
    if (outcome.created || outcome.same) closed.push(snapshot);
  }
  return closed;
}

async function isStill(store: Lister, folder: string, before: number): Promise<boolean> {
  for await (const { info } of store.list(folder)) if (info.receivedAt >= before) return false;
  return true;
}
