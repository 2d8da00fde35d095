import { formatSpan, goBack } from "./span.ts";
import { type Candidate, type Tiers, UNITS, type Unit } from "./types.ts";
import { type Zone, zoneOf } from "./zone.ts";

export type Counted = Pick<Candidate, "received" | "tags">;

interface Bucket {
  readonly reason: string;
  readonly keyOf: (local: number, number: number) => number;
  /** Only what was received after this is looked at. */
  readonly after: number;
  left: number;
  last: number | null;
}

/**
 * Why each snapshot is kept, by the rules of `restic forget`: going from the newest to the oldest, a rule keeps the first
 * snapshot of every hour, day, … it meets until its count is used up; where it is not used up at the end, the oldest
 * snapshot is kept as well (restic from 0.16 on).
 * @param newestFirst Good snapshots only.
 */
export function applyTiers(
  newestFirst: readonly Counted[],
  tiers: Tiers,
  { keepOldest = true } = {},
): readonly (readonly string[])[] {
  const [newest] = newestFirst;
  if (newest === undefined) return [];
  const zone = zoneOf(tiers.timezone);
  const buckets = bucketsOf(tiers, newest.received, zone);
  const all = tiers.within.last;
  const since = all === undefined ? Number.POSITIVE_INFINITY : goBack(newest.received, all, zone);
  const heads = clusterHeads(newestFirst, tiers.interval);
  const clusters = (heads.at(-1) ?? 0) + 1;
  let shared: readonly string[] = [];
  return newestFirst.map(({ received, tags }, at) => {
    const cluster = heads[at] ?? 0;
    if (at === 0 || cluster !== heads[at - 1]) {
      const oldest = keepOldest && cluster === clusters - 1;
      shared = take(buckets, received, received + zone.offset(received), cluster, oldest);
    }
    return [
      ...tiers.tags.filter((set) => set.every((tag) => tags.includes(tag))).map((set) => `tag ${set.join(",")}`),
      ...(all !== undefined && received > since ? [`within ${formatSpan(all)}`] : []),
      ...shared,
    ];
  });
}

function take(buckets: Bucket[], received: number, local: number, number: number, oldest: boolean): string[] {
  const reasons: string[] = [];
  for (const bucket of buckets) {
    if (bucket.left === 0 || received <= bucket.after) continue;
    const key = bucket.keyOf(local, number);
    const first = key !== bucket.last;
    if (!first && !oldest) continue;
    reasons.push(first ? bucket.reason : `oldest ${bucket.reason}`);
    bucket.last = key;
    bucket.left -= 1;
  }
  return reasons;
}

function bucketsOf({ keep, within }: Tiers, newest: number, zone: Zone): Bucket[] {
  const counted = UNITS.flatMap((unit) => {
    const count = keep[unit];
    const after = Number.NEGATIVE_INFINITY;
    return count === undefined ? [] : [{ reason: unit, keyOf: KEYS[unit], after, left: count, last: null }];
  });
  const timed = UNITS.flatMap((unit) => {
    const span = within[unit];
    if (span === undefined || unit === "last") return [];
    const reason = `${unit} within ${formatSpan(span)}`;
    const left = Number.POSITIVE_INFINITY;
    return [{ reason, keyOf: KEYS[unit], after: goBack(newest, span, zone), left, last: null }];
  });
  return [...counted, ...timed];
}

/**
 * The number of each snapshot's cluster. Where an interval is planned, snapshots less than half of it older than the
 * newest of their cluster belong to it: they are kept with it and use up no place of their own.
 */
function clusterHeads(newestFirst: readonly Counted[], interval: number | undefined): readonly number[] {
  if (interval === undefined) return newestFirst.map((_, at) => at);
  let head = Number.POSITIVE_INFINITY;
  let number = -1;
  return newestFirst.map(({ received }) => {
    if (head - received >= interval / 2) {
      head = received;
      number += 1;
    }
    return number;
  });
}

const HOUR = 3_600_000;
const KEYS: Readonly<Record<Unit, (local: number, number: number) => number>> = {
  last: (_, number) => number,
  hourly: (local) => Math.floor(local / HOUR),
  daily: dayOf,
  weekly: (local) => Math.floor((dayOf(local) + 3) / 7),
  monthly: (local) => new Date(local).getUTCFullYear() * 12 + new Date(local).getUTCMonth(),
  yearly: (local) => new Date(local).getUTCFullYear(),
};

/** Days since 1970-01-01, a Thursday; so weeks, which begin on Monday (ISO 8601), begin three days later. */
function dayOf(local: number): number {
  return Math.floor(local / (24 * HOUR));
}
