import { names, type SnapshotId } from "../vault/names/index.ts";
import type { Lister, Reader } from "../vault/store/facets.ts";
import { missing, type ObjectDamage, sizeDamage } from "./pack-lists.ts";
import type { NodeScope } from "./read.ts";
import { HEAD_LIMIT, LIST_FROM } from "./rules.ts";

/** Packs by origin: index → bytes. */
export type PackSizes = ReadonlyMap<SnapshotId, ReadonlyMap<number, number>>;

const PACK = /^(\d{5,})\.pack$/;

/** Looks whether packs are there with the sizes recorded, and tells the first that is not. Few by HEAD, many by LIST. */
export async function firstPackDamage(
  store: Reader & Lister,
  scope: NodeScope,
  packs: PackSizes,
): Promise<ObjectDamage | null> {
  let count = 0;
  for (const sizes of packs.values()) count += sizes.size;
  for (const [origin, sizes] of packs) {
    const found =
      count <= HEAD_LIMIT ? await headPacks(store, scope, origin, sizes.keys()) : await listPacks(store, scope, origin);
    for (const [index, size] of sizes) {
      const object = names.pack(scope.node, origin, index);
      const there = found.get(index);
      const damage = there === undefined ? missing(object) : sizeDamage(object, there, size);
      if (damage !== null) return damage;
    }
  }
  return null;
}

/** All packs that lie in an origin's folder, with their sizes. */
export async function listPacks(store: Lister, scope: NodeScope, origin: SnapshotId): Promise<Map<number, number>> {
  const folder = names.dataFolder(scope.node, origin);
  const found = new Map<number, number>();
  for await (const { name, info } of store.list(folder)) {
    const index = packIndex(name.slice(folder.length));
    if (index !== null) found.set(index, info.size);
  }
  return found;
}

/** The index in a pack's short name, or null where it names no pack. */
export function packIndex(shortName: string): number | null {
  const digits = PACK.exec(shortName)?.[1];
  if (digits === undefined || names.packName(Number(digits)) !== shortName) return null;
  return Number(digits);
}

/** Sizes of some packs of an origin as they lie there; those that are not are missing. Few by HEAD, many by LIST. */
export async function packSizes(
  store: Reader & Lister,
  scope: NodeScope,
  origin: SnapshotId,
  indexes: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  return indexes.length <= LIST_FROM
    ? await headPacks(store, scope, origin, indexes)
    : await listPacks(store, scope, origin);
}

async function headPacks(
  store: Reader,
  scope: NodeScope,
  origin: SnapshotId,
  indexes: Iterable<number>,
): Promise<Map<number, number>> {
  const found = new Map<number, number>();
  const look = async (index: number) => {
    const info = await store.head(names.pack(scope.node, origin, index));
    if (info !== null) found.set(index, info.size);
  };
  await Promise.all([...indexes].map(look));
  return found;
}
