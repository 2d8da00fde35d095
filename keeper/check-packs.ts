import { createHash } from "node:crypto";
import type { CardCore } from "../vault/card/index.ts";
import { isColdkeepError, names, type Progress, type SnapshotId, silent, toHex } from "../vault/names/index.ts";
import type { ListedObject, Lister, ObjectInfo, Reader } from "../vault/store/facets.ts";
import { objectDamage } from "./object-damage.ts";
import { type ObjectDamage, sizeDamage } from "./pack-lists.ts";
import { indexesOf } from "./ranges.ts";
import type { NodeScope } from "./read.ts";
import type { UsedPacks } from "./uses.ts";

export interface PackChecks {
  readonly store: Reader & Lister;
  /** Compare the SHA-256 of every pack, or of those named; of others presence, size, and the sum the store keeps. */
  readonly readData: boolean | ((pack: string) => boolean);
  /**
   * Whether a pack is asked for by itself, and so compared with the sum that the store keeps of it. Of others the listing
   * of their folder tells that they are there, with their size: a thousand of them a call. Default: all are asked for.
   */
  readonly look?: (pack: ListedPack) => boolean;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

export interface ListedPack extends ListedObject {
  /** When the card came for which it is looked at: the oldest there is that uses it. Milliseconds since the epoch. */
  readonly committed: number;
}

/** What is known already of packs that several snapshots use, so that each is looked at once a job. */
export type SeenPacks = Map<string, ObjectDamage | null>;

export interface CheckedCard {
  readonly core: CardCore;
  /** When the store received the card; milliseconds since the epoch. */
  readonly received: number;
  /** All that lies in its data folder. */
  readonly folder: readonly ListedObject[];
}

export interface CheckedPacks {
  readonly damages: readonly ObjectDamage[];
  /** Packs the snapshot uses, and bytes read for them. */
  readonly count: number;
  readonly read: number;
}

/** Looks at every pack of a snapshot that no snapshot before it in this job has used. */
export async function checkPacks(
  options: PackChecks,
  scope: NodeScope,
  { core, received, folder }: CheckedCard,
  used: UsedPacks,
  seen: SeenPacks,
): Promise<CheckedPacks> {
  const { store, readData, look, progress = silent, signal } = options;
  const damages: ObjectDamage[] = [];
  let count = 0;
  let read = 0;
  let total = 0;
  for (const rows of used.rows.values()) for (const { size } of rows.values()) total += size;
  progress.stage(`verify ${core.snapshot}`, total);
  for (const { snapshot, ranges } of core.origins) {
    // Listed when the first pack comes that is not known: of older origins mostly none does.
    let listed: ReadonlyMap<string, ObjectInfo> | null = null;
    for (const index of indexesOf(ranges)) {
      signal?.throwIfAborted();
      count += 1;
      const name = names.pack(scope.node, snapshot, index);
      const row = used.rows.get(snapshot)?.get(index);
      if (row === undefined) {
        damages.push({
          object: name,
          problem: "unlisted",
          detail: "no pack list names it, so nothing tells its content",
        });
        continue;
      }
      const memo = `${name} ${row.sha256}`;
      let damage = seen.get(memo);
      if (damage === undefined) {
        const byDigest = typeof readData === "boolean" ? readData : readData(name);
        listed ??= look === undefined ? NOTHING : await infosOf(store, scope, core, folder, snapshot);
        const info = listed.get(name);
        const isThere = info !== undefined && sizeDamage(name, info.size, row.size) === null;
        const asked = byDigest || !isThere || look === undefined || look({ name, info, committed: received });
        const expected = { name, size: row.size, sha256: row.sha256 };
        const isWhole = !asked || (byDigest && isThere && info.archived !== true && (await readsAs(store, expected)));
        damage = isWhole ? null : await objectDamage(options, scope, core, used, expected, byDigest);
        if (byDigest && damage === null) read += row.size;
        seen.set(memo, damage);
      }
      if (damage !== null) damages.push(damage);
      progress.advance(row.size);
    }
  }
  return { damages, count, read };
}

/** By one call. Whatever else it comes to is looked at more closely. */
async function readsAs(
  store: Reader,
  { name, size, sha256 }: { readonly name: string; readonly size: number; readonly sha256: string },
): Promise<boolean> {
  try {
    const found = await store.get(name, { maxBytes: size });
    return found !== null && toHex(createHash("sha256").update(found.bytes).digest()) === sha256;
  } catch (error) {
    if (isColdkeepError(error, "integrity")) return false;
    throw error;
  }
}

const NOTHING: ReadonlyMap<string, ObjectInfo> = new Map();

async function infosOf(
  store: Lister,
  { node }: NodeScope,
  core: CardCore,
  own: readonly ListedObject[],
  origin: SnapshotId,
): Promise<ReadonlyMap<string, ObjectInfo>> {
  if (origin === core.snapshot) return new Map(own.map(({ name, info }) => [name, info]));
  const infos = new Map<string, ObjectInfo>();
  for await (const { name, info } of store.list(names.dataFolder(node, origin))) infos.set(name, info);
  return infos;
}
