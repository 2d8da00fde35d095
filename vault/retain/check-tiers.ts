import { MIN_GRACE } from "./rules.ts";
import { formatPeriod, formatSpan, goBack, roughLength } from "./span.ts";
import { type Tiers, UNITS } from "./types.ts";
import { zoneOf } from "./zone.ts";

/**
 * What is wrong with a set of rules, in words, or null: rules that keep nothing, or of which one takes away what
 * another says.
 */
export function faultOfTiers(tiers: Tiers): string | null {
  const { keep, within, tags, permanent, floor, grace } = tiers;
  const rules = Object.keys(keep).length + Object.keys(within).length + tags.length + (permanent === undefined ? 0 : 1);
  if (rules === 0) {
    return "nothing would be kept but the newest snapshot; name at least one keep_ rule, or keep_last: unlimited to keep all";
  }
  if (keep.last === Number.POSITIVE_INFINITY && rules > 1) {
    return "keep_last: unlimited keeps everything already; leave it out, or the other rules";
  }
  const all = within.last;
  for (const unit of UNITS) {
    const span = within[unit];
    if (all === undefined || span === undefined || unit === "last") continue;
    if (roughLength(span) <= roughLength(all)) {
      return `keep_within: ${formatSpan(all)} keeps all that keep_within_${unit}: ${formatSpan(span)} could; make that one longer, or leave it out`;
    }
  }
  if (all !== undefined && rules === 1 && shorterThan(tiers, floor)) {
    return `keep_within: ${formatSpan(all)} is shorter than floor: ${formatPeriod(floor)}, below which nothing expires; lower floor, too`;
  }
  if (grace < MIN_GRACE) {
    return `grace: ${formatPeriod(grace)} is too short, at least ${formatPeriod(MIN_GRACE)} are needed: a running backup may still build on what has expired`;
  }
  return null;
}

/** At any time of the year: a month is not always as long. */
function shorterThan({ within, timezone }: Tiers, milliseconds: number): boolean {
  const span = within.last;
  if (span === undefined) return false;
  const time = Date.UTC(2026, 2, 1);
  return time - goBack(time, span, zoneOf(timezone)) < milliseconds;
}
