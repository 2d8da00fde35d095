import { isSnapshotId, type NodeName, names, type SnapshotId } from "../vault/names/index.ts";
import type { Lister, ObjectInfo, Reader } from "../vault/store/facets.ts";

const PROOF = /^(.+)-(\d{8}T\d{6}Z)\.proof\.json$/;

/** The ids of all cards there are, committed or closing. */
export async function cardIds(store: Lister, node: NodeName): Promise<SnapshotId[]> {
  const folder = names.snapshotsFolder(node);
  const found: SnapshotId[] = [];
  for await (const { name } of store.list(folder)) {
    if (!name.endsWith(names.CARD_SUFFIX)) continue;
    const id = name.slice(folder.length, -names.CARD_SUFFIX.length);
    if (isSnapshotId(id)) found.push(id);
  }
  return found;
}

/** By snapshot, the receipt of its newest proof; of all proofs there are, or of those named. */
export async function proofTimes(
  store: Reader & Lister,
  node: NodeName,
  named?: readonly string[],
): Promise<Map<SnapshotId, number>> {
  const times = new Map<SnapshotId, number>();
  const take = (name: string, info: ObjectInfo | null) => {
    const id = provenSnapshot(node, name);
    if (id !== null && info !== null) times.set(id, Math.max(times.get(id) ?? 0, info.receivedAt));
  };
  if (named !== undefined) for (const name of named) take(name, await store.head(name));
  else for await (const { name, info } of store.list(`${node}/proofs/`)) take(name, info);
  return times;
}

function provenSnapshot(node: NodeName, name: string): SnapshotId | null {
  const folder = `${node}/proofs/`;
  if (!name.startsWith(folder)) return null;
  const [, id = "", stamp = ""] = PROOF.exec(name.slice(folder.length)) ?? [];
  return isSnapshotId(id) && names.proof(node, id, stamp) === name ? id : null;
}
