import { type Card, type CardCore, isCommitted, type NodeJson, verifyCardSignature } from "../vault/card/index.ts";
import { ColdkeepError, messageOf, type NodeName, names, type SnapshotId, type VaultId } from "../vault/names/index.ts";
import type { ListedObject, Lister, LockTeller, Reader } from "../vault/store/facets.ts";
import { checkPacks, makeSeenDamages, type PackChecks, type PackJob } from "./check-packs.ts";
import { makeIdentify } from "./identify.ts";
import { keyFileDamage } from "./key-outside.ts";
import { type FirstToEnd, type WatchedLocks, watchLocks } from "./lock/watch-locks.ts";
import { objectDamage } from "./object-damage.ts";
import { missing, type ObjectDamage } from "./pack-lists.ts";
import { makePackRecords, type PackRecords } from "./pack-records.ts";
import { packIndex } from "./packs-present.ts";
import { firstNotCovered, rangesOf } from "./ranges.ts";
import { isMismatch, type NodeScope, readNode } from "./read.ts";
import { makeRecent, type Recent } from "./recent.ts";
import { cardIds } from "./scan-names.ts";
import { findUsedPacks, type UsedPacks } from "./uses.ts";

export interface KeylessVerifyOptions extends Omit<PackChecks, "store"> {
  readonly store: Reader & Lister & LockTeller;
  readonly vault?: VaultId;
  readonly node: NodeName;
  /** Default: every committed card there is, oldest first. */
  readonly ids?: readonly SnapshotId[];
  /** Looks at what comes after this id only: where an earlier call had to leave off. */
  readonly after?: SnapshotId;
  /** Begins with this id: where an earlier call had to leave off in the midst of it. */
  readonly from?: SnapshotId;
}

export interface KeylessVerdict {
  readonly snapshot: SnapshotId;
  /** True where nothing is damaged. */
  readonly ok: boolean;
  readonly damages: readonly ObjectDamage[];
  /** Things that are odd and harm nothing: files no list names, origins whose card is gone. */
  readonly notes: readonly string[];
  /** Packs looked at, and bytes read for them. */
  readonly packs: number;
  readonly read: number;
  /** Which of its objects ceases to be locked first. Null where the place locks nothing. */
  readonly lock: FirstToEnd | null;
}

/**
 * Checks snapshots without any key: card and signature, key.json from outside, manifest and pack lists by digest, every
 * pack by size, or by digest too. Says of each damaged object what is wrong with it. Verdicts come one by one, and none is
 * kept: what is known of objects that several snapshots use is bounded, whatever there is of them.
 * @throws ColdkeepError `not-found` for an id without a card; `refused`, `integrity` as for the index; and what the store
 * throws: only what is proven counts as damage.
 */
export async function* verifySnapshots(asked: KeylessVerifyOptions): AsyncGenerator<KeylessVerdict> {
  const terms = await asked.store.lockTerms();
  const locks = terms === null ? null : watchLocks(asked.store, asked.node);
  const options = { ...asked, store: locks?.store ?? asked.store };
  const { store } = options;
  const node = await readNode(store, options.node, options.vault);
  const scope: NodeScope = { vault: node.vault, node: node.node };
  const job: Job = {
    ...{ options, node, locks, scope },
    records: makePackRecords(store, scope),
    keys: makeRecent(MOST_KEYS),
    seen: makeSeenDamages(),
    identify: makeIdentify(store, scope, options.signal),
  };
  for (const id of options.ids ?? (await cardIds(store, scope.node))) {
    options.signal?.throwIfAborted();
    if (options.after !== undefined && id <= options.after) continue;
    if (options.from !== undefined && id < options.from) continue;
    const verdict = await verifyOne(job, id);
    if (verdict !== null) yield verdict;
    else if (options.ids !== undefined) throw noSnapshot(scope, id);
  }
}

/** Key files of which it is known whether they are as they should be. No snapshot has so many origins. */
const MOST_KEYS = 20_000;

/** What is known already of what several snapshots use, so that it is looked at once a job. */
interface Job extends PackJob {
  readonly options: KeylessVerifyOptions;
  readonly node: NodeJson;
  readonly locks: WatchedLocks<unknown> | null;
  readonly records: PackRecords;
  /** Of the key.json of an origin. */
  readonly keys: Recent<SnapshotId, ObjectDamage | null>;
}

async function verifyOne(job: Job, id: SnapshotId): Promise<KeylessVerdict | null> {
  const { options, scope, records, locks } = job;
  const { store } = options;
  const object = names.card(scope.node, id);
  const read = await records.card(id);
  if (read.found === "nothing") return null;
  if (read.found === "malformed") {
    const problem = read.why.includes("belongs to another") ? "swapped" : "malformed";
    const damages: ObjectDamage[] = [{ object, problem, detail: read.why }];
    return { snapshot: id, ok: false, damages, notes: [], packs: 0, read: 0, lock: null };
  }
  if (!isCommitted(read.value)) return null;
  const { core } = read.value;
  const damages = [...signatureDamage(job.node, read.value)];
  if ((await store.head(names.begin(scope.node, id))) === null) damages.push(missing(names.begin(scope.node, id)));
  damages.push(...(await keyDamages(job, core)));
  const used = await findUsedPacks(records, core);
  damages.push(...(await manifestDamage(job, core)), ...used.damages);
  const folder = await listAll(store, names.dataFolder(scope.node, core.snapshot));
  const packs = await checkPacks(options, job, { core, received: read.info.receivedAt, folder }, used);
  // One by one: there may be more than fit into one call's arguments.
  for (const damage of packs.damages) damages.push(damage);
  const notes = [...used.notes, ...extraFiles(folder, scope, core, used)];
  const lock = locks?.firstToEnd(core) ?? null;
  locks?.forget(core);
  return { snapshot: id, ok: damages.length === 0, damages, notes, packs: packs.count, read: packs.read, lock };
}

function* signatureDamage(node: NodeJson, card: Card): Generator<ObjectDamage> {
  try {
    verifyCardSignature(card, node.key);
  } catch (error) {
    if (!isMismatch(error)) throw error;
    yield { object: names.card(card.core.node, card.core.snapshot), problem: "forged", detail: messageOf(error) };
  }
}

/** The key.json of every origin: without it that origin's packs stay closed for ever. */
async function keyDamages({ options, scope, records, keys }: Job, core: CardCore): Promise<ObjectDamage[]> {
  const damages: ObjectDamage[] = [];
  for (const id of new Set([core.snapshot, ...core.origins.map(({ snapshot }) => snapshot)])) {
    let damage = keys.get(id);
    if (damage === undefined) {
      const read = await records.card(id);
      const of = read.found === "it" && isCommitted(read.value) ? read.value.core : null;
      damage = await keyFileDamage(options.store, scope, id, of);
      keys.set(id, damage, 1);
    }
    if (damage !== null) damages.push(damage);
  }
  return damages;
}

async function manifestDamage({ options, scope, identify }: Job, core: CardCore): Promise<ObjectDamage[]> {
  const name = names.manifest(scope.node, core.snapshot);
  const damage = await objectDamage(options, { name, ...core.manifest }, true, identify);
  return damage === null ? [] : [damage];
}

/** Files in the snapshot's folder that nothing names: a pack put under another name, a number that was burned. */
function extraFiles(
  listed: readonly ListedObject[],
  scope: NodeScope,
  core: CardCore,
  used: UsedPacks,
): readonly string[] {
  const folder = names.dataFolder(scope.node, core.snapshot);
  const named = new Set<string>([names.KEY_NAME, names.MANIFEST_NAME, ...core.pack_lists.map(({ name }) => name)]);
  const ranges = rangesOf(core.origins, core.snapshot);
  const isUsed = (index: number) => firstNotCovered([[index, index]], ranges) === null;
  const extra: string[] = [];
  for (const { name } of listed) {
    const short = name.slice(folder.length);
    const index = packIndex(short);
    if (named.has(short) || (index !== null && isUsed(index) && used.find(core.snapshot, index))) continue;
    extra.push(`${name}: nothing of this snapshot names it`);
  }
  return extra;
}

async function listAll(store: Lister, folder: string): Promise<readonly ListedObject[]> {
  const listed: ListedObject[] = [];
  for await (const one of store.list(folder)) listed.push(one);
  return listed;
}

function noSnapshot(scope: NodeScope, id: SnapshotId): ColdkeepError {
  return new ColdkeepError("not-found", {
    what: "there is no such snapshot",
    on: names.card(scope.node, id),
    todo: "`coldkeep list` shows the ids there are",
  });
}
