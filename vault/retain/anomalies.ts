import { DAY, RATE_LIMIT, SMALL_SHARE, USUAL_AT_LEAST, USUAL_OF } from "./rules.ts";
import { formatPeriod } from "./span.ts";
import type { Brake, Candidate, Tiers } from "./types.ts";

/** What is looked at of a snapshot. */
type Seen = Pick<Candidate, "snapshot" | "received" | "bytes" | "heights">;

/**
 * What does not look like this node: far more snapshots than planned, a newest one much smaller than those before it, a
 * height that went back. Expiring old snapshots in favour of such new ones waits for an operator's word, and what was
 * received before his last word is not looked at again.
 * @param good Good snapshots, newest first.
 */
export function anomalies(
  good: readonly Seen[],
  { interval }: Pick<Tiers, "interval">,
  cleared: number | null,
): readonly Brake[] {
  const since = good.filter(({ received }) => cleared === null || received > cleared);
  const found = [tooMany(since, interval), tooSmall(since), tooLow(since)];
  return found.filter((why) => why !== null).map((why) => ({ kind: "anomaly", why }));
}

function tooMany(good: readonly Seen[], interval: number | undefined): string | null {
  if (interval === undefined) return null;
  const allowed = Math.ceil((DAY / interval) * RATE_LIMIT);
  // Of any 24 hours: the flood may be over, and what it pushes out is still to come.
  for (let at = 0; at + allowed < good.length; at += 1) {
    const [newest, oldest] = [good[at], good[at + allowed]];
    if (newest === undefined || oldest === undefined || newest.received - oldest.received >= DAY) continue;
    const planned = `one every ${formatPeriod(interval)} is planned`;
    return `more than ${allowed} snapshots were received in 24 hours up to ${iso(newest.received)}, and ${planned}`;
  }
  return null;
}

function tooSmall(good: readonly Seen[]): string | null {
  const [newest, ...earlier] = good;
  const sizes = earlier.slice(0, USUAL_OF).map(({ bytes }) => bytes.total);
  if (newest === undefined || sizes.length < USUAL_AT_LEAST) return null;
  const usual = sizes.sort((a, b) => a - b)[sizes.length >> 1] ?? 0;
  if (newest.bytes.total >= usual * SMALL_SHARE) return null;
  return `the newest good snapshot ${newest.snapshot} holds ${newest.bytes.total} bytes, those before it about ${usual}`;
}

function tooLow(good: readonly Seen[]): string | null {
  const [newest, ...earlier] = good;
  for (const [channel, height] of Object.entries(newest?.heights ?? {})) {
    const before = earlier.find(({ heights }) => heights?.[channel] !== undefined);
    const was = before?.heights?.[channel];
    if (newest === undefined || before === undefined || was === undefined || was <= height) continue;
    const where = channel === "" ? "" : ` in channel ${channel}`;
    return `the newest good snapshot ${newest.snapshot} has height ${height}${where}, the one before it ${was}`;
  }
  return null;
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
