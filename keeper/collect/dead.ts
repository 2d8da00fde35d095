import { isSnapshotId, names, type SnapshotId } from "../../vault/names/index.ts";
import type { ListedObject, Lister } from "../../vault/store/facets.ts";
import { packIndex } from "../packs-present.ts";
import type { NodeScope } from "../read.ts";
import { hasCard, type Scan } from "../retain/scan.ts";
import { endOf } from "./closings.ts";
import type { Marked } from "./mark.ts";
import type { DeadObject } from "./types.ts";

const PACK_LIST = /^packs-\d{4}\.json$/;

/** The folders in which something may have died: of what goes, of what that uses, and of runs nobody goes on with. */
export function touchedFolders(scan: Scan, marked: Marked, collecting: ReadonlySet<SnapshotId>): Set<SnapshotId> {
  const touched = new Set(collecting);
  for (const origins of marked.going.values()) for (const origin of origins) touched.add(origin);
  for (const id of marked.closings.keys()) {
    if (isOver(scan, marked, collecting, id)) touched.add(id);
    // Its packs are in lists of the one that took it over, which may have outlived everything else of that one.
    if (touched.has(id)) touched.add(endOf(marked.closings, id).end);
  }
  return touched;
}

/** Whether a closed run serves nobody any more but by packs in use: given up, or its adopter goes or went. */
function isOver(scan: Scan, marked: Marked, collecting: ReadonlySet<SnapshotId>, id: SnapshotId): boolean {
  const { end, abandoned } = endOf(marked.closings, id);
  if (abandoned || collecting.has(end)) return true;
  // Without packs in use it may as well be an adopter that never began; that one is closed first.
  return !scan.begins.has(end) && !hasCard(scan, end) && marked.live.uses(id);
}

/** What lies in these folders and is in use nowhere. */
export async function deadData(
  store: Lister,
  scope: NodeScope,
  marked: Marked,
  folders: Iterable<SnapshotId>,
): Promise<{ readonly objects: readonly DeadObject[]; readonly foreign: readonly string[] }> {
  const objects: DeadObject[] = [];
  const foreign: string[] = [];
  for (const of of [...folders].sort()) {
    if (marked.live.isWhole(of)) continue;
    const folder = names.dataFolder(scope.node, of);
    for await (const object of store.list(folder)) {
      const fate = fateOf(marked, of, object.name.slice(folder.length));
      if (fate === "foreign") foreign.push(object.name);
      if (fate === "dead") objects.push(deadObject(of, object));
    }
  }
  return { objects, foreign };
}

/** Whether an object of a data folder is ours and in use nowhere. */
export function isDead(marked: Marked, of: SnapshotId, shortName: string): boolean {
  return !marked.live.isWhole(of) && fateOf(marked, of, shortName) === "dead";
}

function fateOf({ live, kept, listHolders }: Marked, of: SnapshotId, shortName: string): "live" | "dead" | "foreign" {
  const index = packIndex(shortName);
  if (index !== null) return live.has(of, index) ? "live" : "dead";
  if (shortName === names.MANIFEST_NAME) return kept.has(of) ? "live" : "dead";
  const used = kept.has(of) || live.uses(of);
  if (shortName === names.KEY_NAME) return used ? "live" : "dead";
  if (PACK_LIST.test(shortName)) return used || listHolders.has(of) ? "live" : "dead";
  return "foreign";
}

export function deadObject(of: SnapshotId | null, { name, info }: ListedObject): DeadObject {
  const { etag, version, size } = info;
  return { of, name, size, etag, ...(version === undefined ? {} : { version }) };
}

/** Folders under data/ that no begin, card or fate tells of, and in which nothing was put for a grace. */
export async function strayFolders(
  store: Lister,
  scope: NodeScope,
  scan: Scan,
  before: number,
): Promise<{ readonly strays: readonly SnapshotId[]; readonly foreign: readonly string[] }> {
  const root = names.dataRoot(scope.node);
  const newest = new Map<SnapshotId, number>();
  const foreign: string[] = [];
  for await (const { name, info } of store.list(root)) {
    const [id = "", ...rest] = name.slice(root.length).split("/");
    if (!isSnapshotId(id) || rest.length !== 1) foreign.push(name);
    else newest.set(id, Math.max(newest.get(id) ?? 0, info.receivedAt));
  }
  const old = [...newest].filter(([id, at]) => at < before && !scan.begins.has(id) && !scan.snapshots.has(id));
  return { strays: old.map(([id]) => id), foreign };
}
