import { createHash } from "node:crypto";
import type { CardCore } from "../vault/card/index.ts";
import { isColdkeepError, names, type Progress, type SnapshotId, silent, toHex } from "../vault/names/index.ts";
import type { ListedObject, Lister, ObjectInfo, Reader } from "../vault/store/facets.ts";
import type { Identify } from "./identify.ts";
import { objectDamage } from "./object-damage.ts";
import { missing, type ObjectDamage, sizeDamage, unlisted } from "./pack-lists.ts";
import { indexesOf } from "./ranges.ts";
import type { NodeScope } from "./read.ts";
import { makeRecent, type Recent } from "./recent.ts";
import { tellingOf, type UsedPacks } from "./uses.ts";

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

/** What is wrong with packs that several snapshots use, by name and digest: each is looked at once a job. */
export type SeenDamages = Recent<string, ObjectDamage>;

/** More than a snapshot of 10 TB has packs; those that are merely missing do not count. */
const MOST_DAMAGES = 100_000;

export function makeSeenDamages(): SeenDamages {
  return makeRecent(MOST_DAMAGES);
}

/** What `looked` of a list's rows says of a pack; 0 where nobody looked. What is damaged `SeenDamages` tells more of. */
const WHOLE = 1;
const MISSING = 2;
const DAMAGED = 3;

/** What one job has of all its snapshots. */
export interface PackJob {
  readonly scope: NodeScope;
  readonly identify: Identify;
  readonly seen: SeenDamages;
}

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
  job: PackJob,
  card: CheckedCard,
  used: UsedPacks,
): Promise<CheckedPacks> {
  const { progress = silent, signal } = options;
  const { core } = card;
  const damages: ObjectDamage[] = [];
  let count = 0;
  let read = 0;
  progress.stage(`verify ${core.snapshot}`, sizeOf(core, used));
  for (const { snapshot, ranges } of core.origins) {
    // Listed when the first pack comes that is not known: of older origins mostly none does.
    let listed: ReadonlyMap<string, ObjectInfo> | null = null;
    const list = async () => (listed ??= await infosOf(options, job.scope, card, snapshot));
    const rows = used.rowsOf(snapshot);
    for (const index of indexesOf(ranges)) {
      signal?.throwIfAborted();
      count += 1;
      const told = tellingOf(rows, index);
      if (told === undefined) {
        damages.push(unlisted(names.pack(job.scope.node, snapshot, index)));
        continue;
      }
      const slot = told.slotOf(index);
      const size = told.sizeAt(slot);
      if (told.looked[slot] !== WHOLE) {
        const expected = { ...told.rowAt(slot), name: names.pack(job.scope.node, snapshot, index) };
        let damage = recall(job.seen, told.looked[slot], expected);
        if (damage === null) {
          const found = await lookAt(options, job, card, expected, list);
          damage = found.damage;
          read += found.read;
          told.looked[slot] = keep(job.seen, expected, damage);
        }
        if (damage !== null) damages.push(damage);
      }
      progress.advance(size);
    }
  }
  return { damages, count, read };
}

/** Bytes of all its packs that lists tell of. */
function sizeOf({ origins }: CardCore, used: UsedPacks): number {
  let total = 0;
  for (const { snapshot, ranges } of origins) {
    const rows = used.rowsOf(snapshot);
    for (const index of indexesOf(ranges)) {
      const told = tellingOf(rows, index);
      if (told !== undefined) total += told.sizeAt(told.slotOf(index));
    }
  }
  return total;
}

interface ExpectedPack {
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
}

/** What was found before; null where nobody looked, or where what was found is forgotten. */
function recall(seen: SeenDamages, looked: number | undefined, expected: ExpectedPack): ObjectDamage | null {
  if (looked === MISSING) return missing(expected.name);
  return looked === DAMAGED ? (seen.get(memoOf(expected)) ?? null) : null;
}

function keep(seen: SeenDamages, expected: ExpectedPack, damage: ObjectDamage | null): number {
  if (damage === null) return WHOLE;
  if (damage.problem === "missing") return MISSING;
  seen.set(memoOf(expected), damage, 1);
  return DAMAGED;
}

function memoOf({ name, size, sha256 }: ExpectedPack): string {
  return `${name} ${size} ${sha256}`;
}

async function lookAt(
  options: PackChecks,
  { identify }: PackJob,
  { received }: CheckedCard,
  expected: ExpectedPack,
  list: () => Promise<ReadonlyMap<string, ObjectInfo>>,
): Promise<{ readonly damage: ObjectDamage | null; readonly read: number }> {
  const { store, readData, look } = options;
  const { name, size } = expected;
  const byDigest = typeof readData === "boolean" ? readData : readData(name);
  const info = (await list()).get(name);
  const isThere = info !== undefined && sizeDamage(name, info.size, size) === null;
  const asked = byDigest || !isThere || look === undefined || look({ name, info, committed: received });
  const isWhole = !asked || (byDigest && isThere && info.archived !== true && (await readsAs(store, expected)));
  const damage = isWhole ? null : await objectDamage(options, expected, byDigest, identify);
  return { damage, read: byDigest && damage === null ? size : 0 };
}

/** By one call. Whatever else it comes to is looked at more closely. */
async function readsAs(store: Reader, { name, size, sha256 }: ExpectedPack): Promise<boolean> {
  try {
    const found = await store.get(name, { maxBytes: size });
    return found !== null && toHex(createHash("sha256").update(found.bytes).digest()) === sha256;
  } catch (error) {
    if (isColdkeepError(error, "integrity")) return false;
    throw error;
  }
}

const NOTHING: ReadonlyMap<string, ObjectInfo> = new Map();

/** What lies in an origin's folder, where packs are not asked for one by one. */
async function infosOf(
  { store, look }: PackChecks,
  { node }: NodeScope,
  { core, folder }: CheckedCard,
  origin: SnapshotId,
): Promise<ReadonlyMap<string, ObjectInfo>> {
  if (look === undefined) return NOTHING;
  if (origin === core.snapshot) return new Map(folder.map(({ name, info }) => [name, info]));
  const infos = new Map<string, ObjectInfo>();
  for await (const { name, info } of store.list(names.dataFolder(node, origin))) infos.set(name, info);
  return infos;
}
