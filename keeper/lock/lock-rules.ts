import type { LockTerms } from "../../vault/store/facets.ts";

const DAY = 86_400_000;

/** At most a third of a lock's time is left when it is renewed; of 30 days, which is what the stack sets, 10. */
const LEFT = 1 / 3;

/** Of a lock of these terms: what is in use is never locked for less, but for a night. Milliseconds. */
export function leastLock({ ms }: LockTerms): number {
  return Math.floor(ms * LEFT);
}

/** Less than this is a gap: a renewal that is two nights late. Milliseconds. */
export function lockGap(terms: LockTerms): number {
  return Math.max(0, leastLock(terms) - 2 * DAY);
}
