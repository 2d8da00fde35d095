import { type Card, type CardCore, isCommitted, type NodeJson, verifyCardSignature } from "../vault/card/index.ts";
import { ColdkeepError, messageOf, type NodeName, names, type SnapshotId, type VaultId } from "../vault/names/index.ts";
import type { ListedObject, Lister, LockTeller, Reader } from "../vault/store/facets.ts";
import { checkPacks, type PackChecks, type SeenPacks } from "./check-packs.ts";
import { keyFileDamage } from "./key-outside.ts";
import { type FirstToEnd, type WatchedLocks, watchLocks } from "./lock/watch-locks.ts";
import { objectDamage } from "./object-damage.ts";
import { missing, type ObjectDamage } from "./pack-lists.ts";
import { packIndex } from "./packs-present.ts";
import { indexesOf } from "./ranges.ts";
import { isMismatch, type NodeScope, readCard, readCommitted, readNode } from "./read.ts";
import { rememberRecords } from "./remember-records.ts";
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
 * pack by size, or by digest too. Says of each damaged object what is wrong with it. Verdicts come one by one.
 * @throws ColdkeepError `not-found` for an id without a card; `refused`, `integrity` as for the index; and what the store
 * throws: only what is proven counts as damage.
 */
export async function* verifySnapshots(asked: KeylessVerifyOptions): AsyncGenerator<KeylessVerdict> {
  const terms = await asked.store.lockTerms();
  const locks = terms === null ? null : watchLocks(asked.store);
  // Cards, key files and lists of an origin are asked for by every snapshot on top of it.
  const options = { ...asked, store: rememberRecords(locks?.store ?? asked.store) };
  const { store } = options;
  const node = await readNode(store, options.node, options.vault);
  const scope: NodeScope = { vault: node.vault, node: node.node };
  const seen: Seen = { packs: new Map(), keys: new Map() };
  for (const id of options.ids ?? (await cardIds(store, scope.node))) {
    options.signal?.throwIfAborted();
    if (options.after !== undefined && id <= options.after) continue;
    if (options.from !== undefined && id < options.from) continue;
    const verdict = await verifyOne(options, scope, node, id, seen, locks);
    if (verdict !== null) yield verdict;
    else if (options.ids !== undefined) throw noSnapshot(scope, id);
  }
}

/** What is known already of objects that several snapshots use, so that each is looked at once a job. */
interface Seen {
  readonly packs: SeenPacks;
  /** Of the key.json of an origin. */
  readonly keys: Map<SnapshotId, ObjectDamage | null>;
}

async function verifyOne(
  options: KeylessVerifyOptions,
  scope: NodeScope,
  node: NodeJson,
  id: SnapshotId,
  seen: Seen,
  locks: WatchedLocks<unknown> | null,
): Promise<KeylessVerdict | null> {
  const { store } = options;
  const object = names.card(scope.node, id);
  const read = await readCard(store, scope, id);
  if (read.found === "nothing") return null;
  if (read.found === "malformed") {
    const problem = read.why.includes("belongs to another") ? "swapped" : "malformed";
    const damages: ObjectDamage[] = [{ object, problem, detail: read.why }];
    return { snapshot: id, ok: false, damages, notes: [], packs: 0, read: 0, lock: null };
  }
  if (!isCommitted(read.value)) return null;
  const { core } = read.value;
  const damages = [...signatureDamage(node, read.value)];
  if ((await store.head(names.begin(scope.node, id))) === null) damages.push(missing(names.begin(scope.node, id)));
  damages.push(...(await keyDamages(store, scope, core, seen.keys)));
  const used = await findUsedPacks(store, scope, core);
  damages.push(...(await manifestDamage(options, scope, core, used)), ...used.damages);
  const folder = await listAll(store, names.dataFolder(scope.node, core.snapshot));
  const packs = await checkPacks(options, scope, { core, received: read.info.receivedAt, folder }, used, seen.packs);
  damages.push(...packs.damages);
  const notes = [...used.notes, ...extraFiles(folder, scope, core, used)];
  const lock = locks?.firstToEnd(objectsOf(scope, core)) ?? null;
  return { snapshot: id, ok: damages.length === 0, damages, notes, packs: packs.count, read: packs.read, lock };
}

/** All that a snapshot needs. */
function* objectsOf({ node }: NodeScope, { snapshot, origins, pack_lists }: CardCore): Generator<string> {
  yield* [names.card(node, snapshot), names.begin(node, snapshot), names.manifest(node, snapshot)];
  for (const at of pack_lists.keys()) yield names.packList(node, snapshot, at);
  for (const { snapshot: origin, ranges } of origins) {
    yield names.keyJson(node, origin);
    for (const index of indexesOf(ranges)) yield names.pack(node, origin, index);
  }
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
async function keyDamages(
  store: Reader,
  scope: NodeScope,
  core: CardCore,
  seen: Seen["keys"],
): Promise<ObjectDamage[]> {
  const damages: ObjectDamage[] = [];
  for (const id of new Set([core.snapshot, ...core.origins.map(({ snapshot }) => snapshot)])) {
    let damage = seen.get(id);
    if (damage === undefined) {
      const card = id === core.snapshot ? core : ((await readCommitted(store, scope, id))?.core ?? null);
      damage = await keyFileDamage(store, scope, id, card);
      seen.set(id, damage);
    }
    if (damage !== null) damages.push(damage);
  }
  return damages;
}

async function manifestDamage(
  options: KeylessVerifyOptions,
  scope: NodeScope,
  core: CardCore,
  used: UsedPacks,
): Promise<ObjectDamage[]> {
  const name = names.manifest(scope.node, core.snapshot);
  const damage = await objectDamage(options, scope, core, used, { name, ...core.manifest }, true);
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
  const rows = used.rows.get(core.snapshot);
  const extra: string[] = [];
  for (const { name } of listed) {
    const short = name.slice(folder.length);
    const index = packIndex(short);
    if (named.has(short) || (index !== null && rows?.has(index))) continue;
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
