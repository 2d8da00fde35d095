import { type NodeName, names, type SnapshotId, type VaultId } from "../../vault/names/index.ts";
import { parseKeyFile, type SlotStrength, slotStrength } from "../../vault/sealed/index.ts";
import type { Lister, Reader } from "../../vault/store/facets.ts";
import { findSnapshots } from "./key-files.ts";

/** One recipient, and the snapshots that it has a slot of. */
export interface SlotGroup {
  readonly type: string;
  readonly kid: string;
  readonly strength: SlotStrength;
  readonly snapshots: readonly SnapshotId[];
}

/** Who can open a node's snapshots, as their key files say it. Needs no key, and proves nothing. */
export async function listSlots(o: {
  readonly store: Reader & Lister;
  readonly vault?: VaultId;
  readonly node: NodeName;
}): Promise<{ readonly groups: readonly SlotGroup[]; readonly snapshots: number }> {
  const groups = new Map<string, SlotGroup & { readonly snapshots: SnapshotId[] }>();
  const ids = new Set<SnapshotId>();
  for (const { snapshot, origins } of await findSnapshots(o)) for (const id of [snapshot, ...origins]) ids.add(id);
  for (const id of ids) {
    const name = names.keyJson(o.node, id);
    const found = await o.store.get(name, { maxBytes: 64 << 10 });
    if (found === null) continue;
    const { slots, suite } = parseKeyFile(found.bytes, name);
    for (const slot of slots) {
      const { type, kid } = slot;
      const group = groups.get(`${type} ${kid}`) ?? { type, kid, strength: slotStrength(slot, suite), snapshots: [] };
      group.snapshots.push(id);
      groups.set(`${type} ${kid}`, group);
    }
  }
  return { groups: [...groups.values()], snapshots: ids.size };
}
