import type { Candidate, Tiers } from "./types.ts";
import { zoneOf } from "./zone.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** The snapshots kept for ever: of each day, the first received after the time of day that the tiers name. */
export function permanentOnes(
  candidates: readonly Pick<Candidate, "snapshot" | "received" | "good">[],
  { permanent, timezone }: Tiers,
): ReadonlySet<string> {
  if (permanent === undefined) return new Set();
  const zone = zoneOf(timezone);
  const firsts = new Map<number, Pick<Candidate, "snapshot" | "received">>();
  for (const candidate of candidates) {
    if (!candidate.good) continue;
    const { received, snapshot } = candidate;
    const day = Math.floor((received + zone.offset(received) - permanent * MINUTE) / DAY);
    const first = firsts.get(day);
    const earlier =
      first === undefined || received < first.received || (received === first.received && snapshot < first.snapshot);
    if (earlier) firsts.set(day, candidate);
  }
  return new Set([...firsts.values()].map(({ snapshot }) => snapshot));
}

/** Minutes since midnight of `HH:MM`, or null. */
export function parseTimeOfDay(text: string): number | null {
  const [, hours, minutes] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text) ?? [];
  return hours === undefined ? null : Number(hours) * 60 + Number(minutes);
}
