import { type Card, type CardCore, isCommitted, type NodeJson, verifyCardSignature } from "../vault/card/index.ts";
import {
  ColdkeepError,
  messageOf,
  type NodeName,
  names,
  type Progress,
  type SnapshotId,
  silent,
  type VaultId,
} from "../vault/names/index.ts";
import type { Lister, LockTeller, Reader } from "../vault/store/facets.ts";
import { hashObject } from "./hash-object.ts";
import { identify } from "./identify.ts";
import { keyFileDamage } from "./key-outside.ts";
import { type FirstToEnd, type WatchedLocks, watchLocks } from "./lock/watch-locks.ts";
import { changed, missing, type ObjectDamage, sizeDamage } from "./pack-lists.ts";
import { packIndex } from "./packs-present.ts";
import { indexesOf } from "./ranges.ts";
import { isMismatch, type NodeScope, readCard, readCommitted, readNode } from "./read.ts";
import { cardIds } from "./scan-names.ts";
import { findUsedPacks, type UsedPacks } from "./uses.ts";

export interface KeylessVerifyOptions {
  readonly store: Reader & Lister & LockTeller;
  readonly vault?: VaultId;
  readonly node: NodeName;
  /** Default: every committed card there is, oldest first. */
  readonly ids?: readonly SnapshotId[];
  /** Looks at what comes after this id only: where an earlier call had to leave off. */
  readonly after?: SnapshotId;
  /** Compare the SHA-256 of every pack, or of those named; of others presence, size, and the sum the store keeps. */
  readonly readData: boolean | ((pack: string) => boolean);
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
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

/** What is known already of packs that several snapshots use, so that each is read once a job. */
type SeenPacks = Map<string, ObjectDamage | null>;

/**
 * Checks snapshots without any key: card and signature, key.json from outside, manifest and pack lists by digest, every
 * pack by size, or by digest too. Says of each damaged object what is wrong with it. Verdicts come one by one.
 * @throws ColdkeepError `not-found` for an id without a card; `refused`, `integrity` as for the index; and what the store
 * throws: only what is proven counts as damage.
 */
export async function* verifySnapshots(asked: KeylessVerifyOptions): AsyncGenerator<KeylessVerdict> {
  const terms = await asked.store.lockTerms();
  const locks = terms === null ? null : watchLocks(asked.store);
  const options = { ...asked, store: locks?.store ?? asked.store };
  const { store } = options;
  const node = await readNode(store, options.node, options.vault);
  const scope: NodeScope = { vault: node.vault, node: node.node };
  const seen: SeenPacks = new Map();
  for (const id of options.ids ?? (await cardIds(store, scope.node))) {
    options.signal?.throwIfAborted();
    if (options.after !== undefined && id <= options.after) continue;
    const verdict = await verifyOne(options, scope, node, id, seen, locks);
    if (verdict !== null) yield verdict;
    else if (options.ids !== undefined) throw noSnapshot(scope, id);
  }
}

async function verifyOne(
  options: KeylessVerifyOptions,
  scope: NodeScope,
  node: NodeJson,
  id: SnapshotId,
  seen: SeenPacks,
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
  damages.push(...(await keyDamages(store, scope, core)));
  const used = await findUsedPacks(store, scope, core);
  damages.push(...(await manifestDamage(options, scope, core, used)), ...used.damages);
  const packs = await checkPacks(options, scope, core, used, seen);
  damages.push(...packs.damages);
  const notes = [...used.notes, ...(await extraFiles(store, scope, core, used))];
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
async function keyDamages(store: Reader, scope: NodeScope, core: CardCore): Promise<ObjectDamage[]> {
  const damages: ObjectDamage[] = [];
  for (const id of new Set([core.snapshot, ...core.origins.map(({ snapshot }) => snapshot)])) {
    const card = id === core.snapshot ? core : ((await readCommitted(store, scope, id))?.core ?? null);
    const damage = await keyFileDamage(store, scope, id, card);
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

async function checkPacks(
  options: KeylessVerifyOptions,
  scope: NodeScope,
  core: CardCore,
  used: UsedPacks,
  seen: SeenPacks,
): Promise<{ readonly damages: ObjectDamage[]; readonly count: number; readonly read: number }> {
  const damages: ObjectDamage[] = [];
  let count = 0;
  let read = 0;
  const progress = options.progress ?? silent;
  let total = 0;
  for (const rows of used.rows.values()) for (const { size } of rows.values()) total += size;
  progress.stage(`verify ${core.snapshot}`, total);
  for (const { snapshot, ranges } of core.origins) {
    for (const index of indexesOf(ranges)) {
      options.signal?.throwIfAborted();
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
      const expected = { name, size: row.size, sha256: row.sha256 };
      const memo = `${name} ${row.sha256}`;
      let damage = seen.get(memo);
      if (damage === undefined) {
        const byDigest = typeof options.readData === "boolean" ? options.readData : options.readData(name);
        damage = await objectDamage(options, scope, core, used, expected, byDigest);
        if (byDigest && damage === null) read += row.size;
        seen.set(memo, damage);
      }
      if (damage !== null) damages.push(damage);
      progress.advance(row.size);
    }
  }
  return { damages, count, read };
}

/** Size, then digest; names the object that lies there in its place where that can be found out. */
async function objectDamage(
  options: KeylessVerifyOptions,
  scope: NodeScope,
  core: CardCore,
  used: UsedPacks,
  expected: { readonly name: string; readonly size: number; readonly sha256: string },
  byDigest: boolean,
): Promise<ObjectDamage | null> {
  const { store, signal } = options;
  const { name, size, sha256 } = expected;
  const info = await store.head(name);
  if (info === null) return missing(name);
  const wrong = sizeDamage(name, info.size, size);
  const isAsPut = info.sha256 === undefined || info.sha256 === sha256;
  // What lies in an archive class cannot be read: the sum that the store keeps of it has to do.
  if (info.archived === true && isAsPut) return wrong;
  const readable = byDigest && info.archived !== true;
  if (!readable && wrong === null && isAsPut) return null;
  const found =
    !isAsPut && !readable ? (info.sha256 as string) : await hashObject(store, name, info.size, () => {}, signal);
  if (found === null) return missing(name);
  if (found === sha256 && wrong === null) return null;
  const other = await identify(store, scope, core, used, found);
  if (other !== null) return { object: name, problem: "swapped", detail: `it holds the bytes of ${other}` };
  return wrong ?? changed(name, found, sha256);
}

/** Files in the snapshot's folder that nothing names: a pack put under another name, a number that was burned. */
async function extraFiles(store: Lister, scope: NodeScope, core: CardCore, used: UsedPacks): Promise<string[]> {
  const folder = names.dataFolder(scope.node, core.snapshot);
  const named = new Set<string>([names.KEY_NAME, names.MANIFEST_NAME, ...core.pack_lists.map(({ name }) => name)]);
  const rows = used.rows.get(core.snapshot);
  const extra: string[] = [];
  for await (const { name } of store.list(folder)) {
    const short = name.slice(folder.length);
    const index = packIndex(short);
    if (named.has(short) || (index !== null && rows?.has(index))) continue;
    extra.push(`${name}: nothing of this snapshot names it`);
  }
  return extra;
}

function noSnapshot(scope: NodeScope, id: SnapshotId): ColdkeepError {
  return new ColdkeepError("not-found", {
    what: "there is no such snapshot",
    on: names.card(scope.node, id),
    todo: "`coldkeep list` shows the ids there are",
  });
}
