import { isSnapshotId, type NodeName, names, type SnapshotId } from "../../vault/names/index.ts";
import type { Lister, ObjectInfo } from "../../vault/store/facets.ts";

/** What lies beside a snapshot's name in `snapshots/`, by what LIST alone tells. */
export interface SnapshotFiles {
  card: ObjectInfo | null;
  /** By round: receipt of the marker. */
  readonly expired: Map<number, ObjectInfo>;
  readonly fates: Map<number, ObjectInfo>;
  readonly marks: Map<number, ObjectInfo>;
  /** The receipts that a copy brought along. */
  origin: ObjectInfo | null;
}

/** All that is known of a node's snapshots and runs without reading one object. */
export interface Scan {
  readonly snapshots: ReadonlyMap<SnapshotId, SnapshotFiles>;
  readonly begins: ReadonlyMap<SnapshotId, ObjectInfo>;
  readonly pins: ReadonlyMap<SnapshotId, ReadonlyMap<string, ObjectInfo>>;
  /** When an operator last cleared what was odd. */
  readonly cleared: number | null;
  /** Names that nobody of us gives. */
  readonly foreign: readonly string[];
}

const ORIGIN = ".origin.json";
const RECORD = /^(.+)\.(expired|fate|mark)\.([1-9]\d{0,8})\.json$/;

/** Lists a node's small objects. Strongly consistent, so it also finds what no event told of. */
export async function scanNode(store: Lister, node: NodeName): Promise<Scan> {
  const begins = new Map<SnapshotId, ObjectInfo>();
  const pins = new Map<SnapshotId, Map<string, ObjectInfo>>();
  const foreign: string[] = [];
  let cleared: number | null = null;
  const snapshots = await scanSnapshots(store, node, (name) => void foreign.push(name));
  await each(store, names.beginsFolder(node), (rest, info, name) => {
    const id = rest.slice(0, -".json".length);
    if (rest.endsWith(".json") && isSnapshotId(id)) begins.set(id, info);
    else foreign.push(name);
  });
  await each(store, names.pinsFolder(node), (rest, info, name) => {
    const [id = "", file, ...more] = rest.split("/");
    if (!isSnapshotId(id) || file === undefined || more.length > 0) return foreign.push(name);
    const ofSnapshot = pins.get(id) ?? new Map<string, ObjectInfo>();
    pins.set(id, ofSnapshot.set(name, info));
  });
  await each(store, names.clearancesFolder(node), (_, { receivedAt }) => {
    cleared = Math.max(cleared ?? receivedAt, receivedAt);
  });
  return { snapshots, begins, pins, cleared, foreign };
}

/** What lies in `snapshots/` alone. */
export async function scanSnapshots(
  store: Lister,
  node: NodeName,
  onForeign: (name: string) => void = () => {},
): Promise<ReadonlyMap<SnapshotId, SnapshotFiles>> {
  const snapshots = new Map<SnapshotId, SnapshotFiles>();
  await each(store, names.snapshotsFolder(node), (rest, info, name) => {
    if (!takeRecord(snapshots, rest, info)) onForeign(name);
  });
  return snapshots;
}

async function each(
  store: Lister,
  folder: string,
  take: (rest: string, info: ObjectInfo, name: string) => unknown,
): Promise<void> {
  for await (const { name, info } of store.list(folder)) take(name.slice(folder.length), info, name);
}

function takeRecord(snapshots: Map<SnapshotId, SnapshotFiles>, rest: string, info: ObjectInfo): boolean {
  const [, recorded = "", kind, round] = RECORD.exec(rest) ?? [];
  const suffix = [names.CARD_SUFFIX, ORIGIN].find((end) => rest.endsWith(end));
  const id = suffix === undefined ? recorded : rest.slice(0, -suffix.length);
  if (!isSnapshotId(id)) return false;
  const files = snapshots.get(id) ?? none();
  snapshots.set(id, files);
  if (suffix === ORIGIN) files.origin = info;
  else if (kind === undefined) files.card = info;
  else if (kind === "expired") files.expired.set(Number(round), info);
  else if (kind === "fate") files.fates.set(Number(round), info);
  else files.marks.set(Number(round), info);
  return true;
}

function none(): SnapshotFiles {
  return { card: null, expired: new Map(), fates: new Map(), marks: new Map(), origin: null };
}

export function hasCard(scan: Scan, id: SnapshotId): boolean {
  return (scan.snapshots.get(id)?.card ?? null) !== null;
}

/** A run that began and has no card: it may still commit. */
export function isOpenRun(scan: Scan, id: SnapshotId): boolean {
  return scan.begins.has(id) && !hasCard(scan, id);
}
