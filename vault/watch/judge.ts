import type { IndexEntry } from "../card/types.ts";
import type { Alarm, Standing, WatchLimits } from "./types.ts";

const WEEK = 7 * 24 * 3_600_000;
const DAY = 24 * 3_600_000;
const LEAST_DAYS = 0.75;

export interface Evidence {
  /** Newest first; the newest ones where there are too many. */
  readonly entries: readonly IndexEntry[];
  /** Which of them may be the answer to "latest". */
  readonly isGood: (entry: IndexEntry) => boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** How the backups of one node stand in one vault, and what is amiss: the worst first. Pure. */
export function judge({ entries, isGood, now }: Evidence, limits: WatchLimits): Standing {
  const latest = entries.find(isGood) ?? null;
  const proven = newestProof(entries);
  const provenSince = proven?.at ?? entries.findLast(isGood)?.received ?? null;
  const dues = duesOf(latest?.received ?? null, provenSince, limits);
  const alarms = [
    ...staleness(latest, dues, limits, now),
    ...entries.filter(({ state }) => state === "damaged").map(damage),
    ...unprovenness(provenSince, proven !== null, dues, limits, now),
  ];
  return {
    latest,
    ageMs: latest === null ? null : Math.max(0, now - latest.received),
    proven,
    counts: countStates(entries),
    storedBytes: entries.reduce((sum, { bytes }) => sum + bytes.stored, 0),
    growth: growthOf(entries, latest),
    dues,
    alarms,
  };
}

function newestProof(entries: readonly IndexEntry[]): Standing["proven"] {
  let newest: Standing["proven"] = null;
  for (const { snapshot, proven } of entries) {
    if (proven !== undefined && proven > (newest?.at ?? Number.NEGATIVE_INFINITY)) newest = { snapshot, at: proven };
  }
  return newest;
}

/** A node is given as long from its first snapshot on as between two proofs. */
function duesOf(
  latest: number | null,
  provenSince: number | null,
  { maxAgeMs, maxUnprovenMs }: WatchLimits,
): Standing["dues"] {
  return {
    stale: latest === null ? null : latest + maxAgeMs,
    unproven: maxUnprovenMs === undefined || provenSince === null ? null : provenSince + maxUnprovenMs,
  };
}

function staleness(
  latest: IndexEntry | null,
  { stale }: Standing["dues"],
  { maxAgeMs }: WatchLimits,
  now: number,
): Alarm[] {
  if (latest === null || stale === null) return [{ kind: "none" }];
  return now > stale ? [{ kind: "stale", ageMs: now - latest.received, allowedMs: maxAgeMs }] : [];
}

function damage({ snapshot, remarks }: IndexEntry): Alarm {
  // The index marks such remarks by the word.
  return { kind: "damaged", snapshot, why: remarks.map((words) => words.replace(/^damaged: /, "")).join("; ") };
}

function unprovenness(
  since: number | null,
  ever: boolean,
  { unproven }: Standing["dues"],
  { maxUnprovenMs }: WatchLimits,
  now: number,
): Alarm[] {
  if (maxUnprovenMs === undefined || unproven === null || since === null || now <= unproven) return [];
  return [{ kind: "unproven", sinceMs: now - since, allowedMs: maxUnprovenMs, ever }];
}

function countStates(entries: readonly IndexEntry[]): Standing["counts"] {
  const counts = { good: 0, broken: 0, damaged: 0, expired: 0 };
  for (const { state } of entries) counts[state] += 1;
  return counts;
}

/** Bytes a day, over the week before the newest; null where there is nothing to compare. */
function growthOf(entries: readonly IndexEntry[], latest: IndexEntry | null): Standing["growth"] {
  if (latest === null) return null;
  const week = entries.filter(({ received }) => received <= latest.received && received > latest.received - WEEK);
  const oldest = week.at(-1);
  if (oldest === undefined || oldest.snapshot === latest.snapshot) return null;
  const days = (latest.received - oldest.received) / DAY;
  // Of a few hours a whole day cannot be foretold.
  if (days < LEAST_DAYS) return null;
  // The oldest one's own bytes came before the time that is looked at.
  const stored = week.slice(0, -1).reduce((sum, { bytes }) => sum + bytes.stored, 0);
  return {
    storedPerDay: Math.round(stored / days),
    contentPerDay: Math.round((latest.bytes.total - oldest.bytes.total) / days),
  };
}
