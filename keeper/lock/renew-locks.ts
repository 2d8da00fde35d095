import { type NodeName, names, type SnapshotId, type VaultId } from "../../vault/names/index.ts";
import type { Lister, Locker, LockTeller, LockTerms, Reader, Replacer } from "../../vault/store/facets.ts";
import { type Marked, markLive } from "../collect/mark.ts";
import { assertMayChange } from "../may-change.ts";
import { packIndex } from "../packs-present.ts";
import { firstNotCovered, type Range } from "../ranges.ts";
import { type NodeScope, readNode } from "../read.ts";
import { graceOf } from "../retain/grace.ts";
import { type Scan, scanNode } from "../retain/scan.ts";
import { readStanding } from "../retire/standing.ts";
import { storeTime } from "../store-clock.ts";
import { leastLock } from "./lock-rules.ts";
import { type Locked, readLocks, writeLocks } from "./locks-file.ts";

export interface RenewOptions {
  readonly store: Reader & Lister & Replacer & LockTeller & Locker;
  readonly vault?: VaultId;
  readonly node: NodeName;
  /** Milliseconds between a marker and deletion. */
  readonly grace: number;
  /** Looks at all that is in use, also where nothing is due: something was rescued. */
  readonly thorough?: boolean;
  /** Locks all that is in use anew, whatever the file says. */
  readonly anew?: boolean;
  /** Ends in time; what is left is done by the next run. */
  readonly signal?: AbortSignal;
}

export interface RenewOutcome {
  /** How the place locks; null where it does not: then nothing is done. */
  readonly terms: LockTerms | null;
  /** Calls that locked something. */
  readonly renewed: number;
  /** False where time ran out. */
  readonly finished: boolean;
}

const LOCKED_AT_ONCE = 32;

/**
 * Keeps everything that is in use locked, by few calls: new objects are locked by the bucket's own rule, and each is
 * locked anew, for as long again, when a quarter of that is left. What is due is told by one small file, which is a cache;
 * what is in use, by the cards. Snapshots in their grace are left to run out.
 * @throws ColdkeepError `refused` for what is of a newer format; and what the store throws.
 */
export async function renewLocks(options: RenewOptions): Promise<RenewOutcome> {
  const { store, grace, signal } = options;
  const terms = await store.lockTerms();
  if (terms === null) return { terms, renewed: 0, finished: true };
  await assertMayChange(store);
  const node = await readNode(store, options.node, options.vault);
  const scope: NodeScope = { vault: node.vault, node: node.node };
  const standing = await readStanding(store, scope);
  // What is to go is not locked again.
  if (standing?.state === "deleting" || standing?.state === "deleted") return { terms, renewed: 0, finished: true };
  const now = await storeTime(store, scope);
  const stored = await readLocks(store, scope);
  // Under other terms nothing is known of what came under the earlier ones.
  const file = options.anew !== true && stored.file?.ms === terms.ms ? stored.file : null;
  const scan = await scanNode(store, scope.node);
  const locked = new Map(file?.locked ?? []);
  // Its begin may be gone before its packs are.
  const young = [...scan.begins].filter(([id]) => !locked.has(id));
  for (const [id, { receivedAt }] of young) locked.set(id, bornWith(file === null ? 0 : receivedAt + terms.ms));
  const ids = [...locked.keys()].sort();
  const due = new Set(ids.filter((id) => (locked.get(id)?.until ?? 0) - now < leastLock(terms)));
  if (due.size === 0 && options.thorough !== true) {
    if (young.length > 0) await writeLocks(store, scope, { ms: terms.ms, locked }, stored.etag);
    return { terms, renewed: 0, finished: true };
  }

  const collecting = await goingOf(store, scope, scan);
  const marked = await markLive(store, scope, scan, { collecting, now, grace, despiteDamage: true });
  const until = now + terms.ms;
  const lockThem = async (objects: readonly string[]) => {
    const outcomes = await eachAtOnce(objects, (name) => store.lock(name, until, terms.mode));
    return outcomes.filter((outcome) => outcome === "locked").length;
  };
  let renewed = await lockThem([names.nodeJson(scope.node)]);
  let finished = true;
  for (const id of ids) {
    const held = due.has(id) ? null : (locked.get(id) ?? null);
    if (!isInUse(marked, id)) locked.delete(id);
    // What is held was in use when it was, and comes to be used anew by a rescue alone.
    const lasts = held !== null && (options.thorough !== true || isYoung(held));
    if (!isInUse(marked, id) || lasts) continue;
    finished = signal?.aborted !== true;
    if (!finished) break;
    const wanted = await inUse(store, scope, marked, id, held);
    renewed += await lockThem(wanted.objects);
    locked.set(id, { packs: wanted.packs, whole: wanted.whole, until: held?.until ?? until });
  }
  await writeLocks(store, scope, { ms: terms.ms, locked }, stored.etag);
  return { terms, renewed, finished };
}

/** Of a run whose objects are locked by themselves: its first came with its begin. */
function bornWith(until: number): Locked {
  return { until, packs: [], whole: false };
}

function isYoung({ packs, whole }: Locked): boolean {
  return packs.length === 0 && !whole;
}

/** Snapshots that expired: their locks are to end. */
async function goingOf(store: Reader, scope: NodeScope, scan: Scan): Promise<ReadonlySet<SnapshotId>> {
  const going = new Set<SnapshotId>();
  for (const [id, files] of scan.snapshots) {
    if (files.card === null) continue;
    if ((await graceOf(store, scope, id, files)).state !== "live") going.add(id);
  }
  return going;
}

function isInUse({ live, kept, listHolders }: Marked, id: SnapshotId): boolean {
  return kept.has(id) || live.uses(id) || listHolders.has(id);
}

/** What of a snapshot is in use: all of it, and those objects that no lock of before holds. */
async function inUse(
  store: Lister,
  { node }: NodeScope,
  { live, kept }: Marked,
  id: SnapshotId,
  held: Locked | null,
): Promise<{ readonly objects: readonly string[]; readonly packs: readonly Range[]; readonly whole: boolean }> {
  const whole = kept.has(id);
  const packs: Range[] = [];
  const records = [names.card(node, id), names.begin(node, id)];
  const objects = whole && held?.whole !== true ? records : [];
  const folder = names.dataFolder(node, id);
  for await (const { name } of store.list(folder)) {
    const short = name.slice(folder.length);
    const index = packIndex(short);
    if (index === null) {
      const isManifest = short === names.MANIFEST_NAME;
      if (isManifest ? whole && held?.whole !== true : held === null) objects.push(name);
    } else if (live.has(id, index)) {
      addTo(packs, index);
      if (held === null || firstNotCovered([[index, index]], held.packs) !== null) objects.push(name);
    }
  }
  return { objects, packs, whole };
}

/** Names come in ascending order. */
function addTo(ranges: Range[], index: number): void {
  const last = ranges.at(-1);
  if (last !== undefined && last[1] === index - 1) ranges[ranges.length - 1] = [last[0], index];
  else ranges.push([index, index]);
}

async function eachAtOnce<T>(names: readonly string[], work: (name: string) => Promise<T>): Promise<T[]> {
  const outcomes: T[] = [];
  for (let from = 0; from < names.length; from += LOCKED_AT_ONCE) {
    outcomes.push(...(await Promise.all(names.slice(from, from + LOCKED_AT_ONCE).map(work))));
  }
  return outcomes;
}
