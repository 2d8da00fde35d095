import { anomalies } from "./anomalies.ts";
import { clockBrake, shareBrake } from "./brakes.ts";
import { permanentOnes } from "./permanent.ts";
import { applyTiers } from "./policy.ts";
import { BROKEN_KEPT } from "./rules.ts";
import { formatPeriod } from "./span.ts";
import type { Candidate, Decision, RetentionPlan, Tiers } from "./types.ts";

export interface PlanOptions {
  /** All snapshots that exist and are not being collected, in any order. */
  readonly candidates: readonly Candidate[];
  readonly tiers: Tiers;
  /** The store's clock. Only brakes look at it: what expires is measured from the newest good snapshot. */
  readonly now: number;
  /** When an operator last looked at odd snapshots and found them right; null for never. */
  readonly cleared?: number | null;
  /** Nothing but these is to be decided about: the others stay as they are. Default: all. */
  readonly only?: ReadonlySet<string>;
}

/**
 * What is kept, why, and what expires. A function of its arguments alone: the same snapshots in another order give the
 * same plan. Never expires the newest good snapshot of a writer, a pinned or a permanent one.
 */
export function planRetention({ candidates, tiers, now, cleared = null, only }: PlanOptions): RetentionPlan {
  const sorted = [...candidates].sort(newestFirst);
  const reasons = new Map<string, string[]>(sorted.map(({ snapshot }) => [snapshot, []]));
  const because = (snapshot: string, reason: string) => reasons.get(snapshot)?.push(reason);
  const good = sorted.filter((candidate) => candidate.good);
  const newest = sorted[0]?.received ?? 0;
  const newestGood = good[0]?.received ?? newest;

  for (const { snapshot } of newestOfWriters(good)) because(snapshot, "newest good");
  for (const { snapshot, pinned } of sorted) if (pinned) because(snapshot, "pinned");
  const permanent = permanentOnes(good, tiers);
  const wanted = good.filter(({ forgotten }) => forgotten !== true);
  for (const { snapshot } of wanted) if (permanent.has(snapshot)) because(snapshot, "permanent");
  for (const [at, found] of applyTiers(wanted, tiers).entries()) {
    for (const reason of found) because(wanted[at]?.snapshot ?? "", reason);
  }
  for (const { snapshot, good: isGood, received, forgotten } of sorted) {
    if (isGood && newestGood - received < tiers.floor) because(snapshot, `younger than ${formatPeriod(tiers.floor)}`);
    if (!isGood && forgotten !== true && newest - received <= BROKEN_KEPT)
      because(snapshot, `broken, shown for ${formatPeriod(BROKEN_KEPT)}`);
  }

  const decisions = sorted.map(({ snapshot, expired }): Decision => {
    const found = reasons.get(snapshot) ?? [];
    const kept = found.length > 0;
    const action = kept === (expired === null) ? "none" : kept ? "rescue" : "expire";
    return { snapshot, reasons: found, action, expired };
  });
  const of = (action: Decision["action"]) =>
    decisions.filter((d) => d.action === action && only?.has(d.snapshot) !== false).map((d) => d.snapshot);
  const expire = of("expire");
  const brakes = [
    clockBrake(sorted, now),
    shareBrake(sorted, new Set(expire), now),
    ...anomalies(good, tiers, cleared),
  ].filter((brake) => brake !== null);
  const permanentOnly = decisions
    .filter((d) => permanent.has(d.snapshot) && d.reasons.length === 1)
    .map((d) => d.snapshot);
  // A clock that cannot be believed, or a vault that looks wrong, is no reason to expire; nothing speaks against rescue.
  return { decisions, expire, rescue: of("rescue"), permanent: permanentOnly, brakes };
}

/** The newest good snapshot of each writer, and the one that "latest" means. */
function newestOfWriters(good: readonly Candidate[]): ReadonlySet<Candidate> {
  const found = new Map<string, Candidate>();
  for (const candidate of good) if (!found.has(candidate.writer)) found.set(candidate.writer, candidate);
  const latest = good.find(({ odd }) => !odd);
  return new Set(latest === undefined ? found.values() : [...found.values(), latest]);
}

function newestFirst(a: Candidate, b: Candidate): number {
  if (a.received !== b.received) return b.received - a.received;
  return a.snapshot < b.snapshot ? 1 : a.snapshot > b.snapshot ? -1 : 0;
}
