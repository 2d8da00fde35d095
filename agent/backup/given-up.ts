import type { LocalPack, LocalTables } from "./run-files.ts";

/** What of the parent a run does not refer to: what it needs of that is read from the node's own files and written anew. */
export interface GivenUp {
  has(origin: number, pack: number): boolean;
  /** Packs. */
  readonly size: number;
}

export interface GiveUpOptions {
  /** Distinct origins that the snapshot may name, and how many come beside the parent's and the run's own. */
  readonly maxOrigins: number;
  readonly beside: number;
  /**
   * True where giving up what holds mutable files costs no outage: they are copied before they are read, and those that are
   * known are not.
   */
  readonly mayCopy: boolean;
}

const MIB = 1 << 20;
/** Shares of the bytes of all packs in use that a run may write anew, and from which dead ones are too many. */
const MOST_ANEW = 0.1;
const MOST_DEAD = 0.15;
/** A pack of which more than this is in use is left: little is won for all that would be put again. */
const NEARLY_FULL = 0.9;
/** What small nodes may write anew all the same, and what may be dead in them, bytes: a large pack or less. */
const LEAST_ANEW = 32 * MIB;
const LEAST_DEAD = 4 * MIB;
/** Of mutable files that a stopped node waits for, bytes: some tenths of a second. */
const MOST_COPIED = 32 * MIB;
/** Each origin costs a restore its key.json and a request of its own: one to so many bytes in use, within these bounds. */
const BYTES_AN_ORIGIN = 32 * MIB;
const ORIGINS = { least: 8, most: 32 } as const;

/**
 * Chooses what of the parent's packs is given up, so that a restore after years of increments costs little more than one of
 * a full snapshot, and little of what a vault keeps is dead:
 * - the oldest origins, where the snapshot would name more than `maxOrigins` (docs/FORMAT.md, "Limits"), whatever it costs;
 * - of the others the packs least in use, as long as too much is dead;
 * - the smallest origins down to half of what is good for a restore, once there are more, so that a byte is written anew
 *   once in that many runs, and then in ever longer steps.
 * The latter two within a tenth of what is stored, and not where a stopped node would have to wait. Pure: the same tables
 * give the same answer. Nothing is ever fetched for it.
 */
export function chooseGivenUp({ origins, packs }: LocalTables, o: GiveUpOptions): GivenUp {
  const gone = new Set<number>();
  const oldest = Math.max(0, origins.length - (o.maxOrigins - o.beside - 1));
  const left: Pack[] = [];
  for (const pack of packs) {
    if (pack.origin < oldest) gone.add(keyOf(pack.origin, pack.index));
    else left.push({ ...pack, live: Math.min(pack.live ?? pack.size, pack.size), counted: pack.live !== undefined });
  }
  const all = left.reduce((sum, { size }) => sum + size, 0);
  const budget = {
    anew: Math.max(LEAST_ANEW, all * MOST_ANEW),
    copied: o.mayCopy ? Number.POSITIVE_INFINITY : MOST_COPIED,
  };
  for (const pack of packs) if (pack.origin < oldest) budget.anew -= pack.live ?? pack.size;
  const give = (chosen: readonly Pack[]): boolean => {
    const anew = chosen.reduce((sum, { live }) => sum + live, 0);
    const copied = chosen.reduce((sum, { copies = 0 }) => sum + (copies < 0 ? Number.POSITIVE_INFINITY : copies), 0);
    const may = chosen.every(({ counted }) => counted) && anew <= budget.anew && (o.mayCopy || copied <= budget.copied);
    if (!may) return false;
    budget.anew -= anew;
    if (!o.mayCopy) budget.copied -= copied;
    for (const { origin, index } of chosen) gone.add(keyOf(origin, index));
    return true;
  };
  giveUpDead(left, all, give);
  giveUpSmall(
    left.filter(({ origin, index }) => !gone.has(keyOf(origin, index))),
    give,
  );
  return { has: (origin, pack) => gone.has(keyOf(origin, pack)), size: gone.size };
}

interface Pack extends LocalPack {
  readonly live: number;
  /** Whether `live` was counted, or is only the most it can be. */
  readonly counted: boolean;
}

type Give = (chosen: readonly Pack[]) => boolean;

function giveUpDead(left: readonly Pack[], all: number, give: Give): void {
  let dead = left.reduce((sum, { size, live }) => sum + size - live, 0);
  let stored = all;
  const leastFirst = left.toSorted(
    (a, b) => a.live / a.size - b.live / b.size || a.origin - b.origin || a.index - b.index,
  );
  for (const pack of leastFirst) {
    if (dead <= LEAST_DEAD || dead <= stored * MOST_DEAD || pack.live > pack.size * NEARLY_FULL) return;
    if (!give([pack])) continue;
    dead -= pack.size - pack.live;
    stored -= pack.size - pack.live;
  }
}

function giveUpSmall(left: readonly Pack[], give: Give): void {
  const byOrigin = new Map<number, Pack[]>();
  for (const pack of left) {
    const ofOne = byOrigin.get(pack.origin);
    if (ofOne === undefined) byOrigin.set(pack.origin, [pack]);
    else ofOne.push(pack);
  }
  const liveOf = (ofOne: readonly Pack[]) => ofOne.reduce((sum, { live }) => sum + live, 0);
  const wanted = Math.floor(liveOf(left) / BYTES_AN_ORIGIN);
  const most = Math.min(ORIGINS.most, Math.max(ORIGINS.least, wanted));
  let count = byOrigin.size;
  if (count < most) return;
  const smallestFirst = [...byOrigin].sort(([a, one], [b, other]) => liveOf(one) - liveOf(other) || a - b);
  for (const [, ofOne] of smallestFirst) {
    if (count <= most / 2) return;
    if (give(ofOne)) count -= 1;
  }
}

/** An object's number has 32 bits (docs/FORMAT.md), and there are 256 origins. */
function keyOf(origin: number, pack: number): number {
  return origin * 2 ** 32 + pack;
}
