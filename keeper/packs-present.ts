import { names, type SnapshotId } from "../vault/names/index.ts";
import type { Lister, Reader } from "../vault/store/facets.ts";
import { changed, missing, type ObjectDamage, sizeDamage } from "./pack-lists.ts";
import type { NodeScope } from "./read.ts";
import { HEAD_LIMIT, LIST_FROM } from "./rules.ts";

/** What a pack list says of a pack: its bytes, and their SHA-256 in hex. */
export interface PackSaid {
  readonly size: number;
  readonly sha256: string;
}

/** Packs by origin, by index. */
export type PacksSaid = ReadonlyMap<SnapshotId, ReadonlyMap<number, PackSaid>>;

/** A pack as it lies there; a listing, and a store that records none, tell no sum. */
interface PackThere {
  readonly size: number;
  readonly sha256?: string;
}

const PACK = /^(\d{5,})\.pack$/;

/**
 * Looks whether packs are there as they were said to be, and tells the first that is not. Few by HEAD, which tells the sum
 * that S3 recorded when the pack came; many by LIST, by size alone.
 */
export async function firstPackDamage(
  store: Reader & Lister,
  scope: NodeScope,
  packs: PacksSaid,
): Promise<ObjectDamage | null> {
  let count = 0;
  for (const said of packs.values()) count += said.size;
  for (const [origin, said] of packs) {
    const found =
      count <= HEAD_LIMIT ? await headPacks(store, scope, origin, said.keys()) : await listPacks(store, scope, origin);
    for (const [index, wanted] of said) {
      const there = found.get(index);
      const damage = packDamage(names.pack(scope.node, origin, index), sized(there), wanted);
      if (damage !== null) return damage;
    }
  }
  return null;
}

function sized(there: PackThere | number | undefined): PackThere | undefined {
  return typeof there === "number" ? { size: there } : there;
}

function packDamage(object: string, there: PackThere | undefined, wanted: PackSaid): ObjectDamage | null {
  if (there === undefined) return missing(object);
  const damage = sizeDamage(object, there.size, wanted.size);
  if (damage !== null || there.sha256 === undefined || there.sha256 === wanted.sha256) return damage;
  return changed(object, there.sha256, wanted.sha256);
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
  if (indexes.length > LIST_FROM) return listPacks(store, scope, origin);
  const found = await headPacks(store, scope, origin, indexes);
  return new Map([...found].map(([index, { size }]) => [index, size]));
}

async function headPacks(
  store: Reader,
  scope: NodeScope,
  origin: SnapshotId,
  indexes: Iterable<number>,
): Promise<Map<number, PackThere>> {
  const found = new Map<number, PackThere>();
  const look = async (index: number) => {
    const info = await store.head(names.pack(scope.node, origin, index));
    if (info !== null) found.set(index, info);
  };
  await Promise.all([...indexes].map(look));
  return found;
}
