import type { SnapshotId } from "../../vault/names/index.ts";
import type { Lister, Reader } from "../../vault/store/facets.ts";
import type { NodeScope } from "../read.ts";
import type { Scan } from "../retain/scan.ts";
import { endOf } from "./closings.ts";
import { deadData, strayFolders, touchedFolders } from "./dead.ts";
import { type Marked, markLive } from "./mark.ts";
import { lostAdopters } from "./orphans.ts";
import { leftRecords, oldNotes, recordsOf, recordsOfClosed } from "./records.ts";
import type { CollectOptions, DeadObject } from "./types.ts";

export type DeadOptions = Pick<CollectOptions, "grace" | "despite" | "strays"> & { readonly store: Reader & Lister };

/** What a run works on. */
export interface Run<Options extends DeadOptions> {
  readonly options: Options;
  readonly scope: NodeScope;
  readonly now: number;
}

/** What a run would delete, or deletes. */
export interface Found {
  readonly objects: readonly DeadObject[];
  readonly records: readonly DeadObject[];
  readonly lost: readonly SnapshotId[];
  /** Of what goes, those that use packs of an origin. */
  readonly usersOf: (origin: SnapshotId) => readonly SnapshotId[];
  readonly foreign: readonly string[];
}

/** Everything that dies with these snapshots, by what all cards say. Changes nothing. */
export async function findDead(
  run: Run<DeadOptions>,
  scan: Scan,
  collecting: ReadonlySet<SnapshotId>,
  pinEnds: ReadonlyMap<string, number>,
): Promise<Found> {
  const { options, scope, now } = run;
  const { store, grace, despite } = options;
  const before = now - grace;
  const despiteDamage = despite?.has("damage") ?? false;
  const marked = await markLive(store, scope, scan, { collecting, now, grace, despiteDamage });
  const touched = touchedFolders(scan, marked, collecting);
  const { strays, foreign } = options.strays
    ? await strayFolders(store, scope, scan, before)
    : { strays: [], foreign: [] };
  const data = await deadData(store, scope, marked, new Set([...touched, ...strays]));
  const records: DeadObject[] = await oldNotes(store, scope, scan, now, pinEnds);
  const gone = new Set(records.map(({ name }) => name));
  const add = (found: readonly DeadObject[]) => {
    for (const record of found) if (!gone.has(record.name)) records.push(record);
  };
  // What was taken over goes before the one that took it over, through which it is found.
  const closed = removableClosings(scan, marked, collecting, now - 2 * grace);
  for (const id of closed) add(await recordsOfClosed(store, scope, scan, id));
  for (const id of collecting) add(await recordsOf(store, scope, scan, id));
  add(await leftRecords(store, scope, scan, before, collecting));
  const lost = lostAdopters(scan, marked, before);
  const usersOf = (origin: SnapshotId) =>
    [...marked.going].filter(([, origins]) => origins.includes(origin)).map(([id]) => id);
  return {
    objects: data.objects,
    records,
    lost,
    usersOf,
    foreign: [...new Set([...scan.foreign, ...foreign, ...data.foreign])],
  };
}

/**
 * Closing cards that serve nothing any more. One by which the keeper gave a run up stays as long as that run might
 * still try to commit; the host itself knows of those that were taken over. None goes that leads to pack lists in use.
 */
function removableClosings(
  scan: Scan,
  { closings, neededClosings, served }: Marked,
  collecting: ReadonlySet<SnapshotId>,
  before: number,
): readonly SnapshotId[] {
  return [...closings.keys()].filter((id) => {
    if (collecting.has(id) || neededClosings.has(id)) return false;
    const { end, abandoned } = endOf(closings, id);
    return (
      collecting.has(end) ||
      served.has(id) ||
      (abandoned && (scan.snapshots.get(id)?.card?.receivedAt ?? before) < before)
    );
  });
}
