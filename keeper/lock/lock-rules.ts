import type { LockTerms } from "../../vault/store/facets.ts";

const DAY = 86_400_000;

/**
 * At most a quarter of a lock's time is left when it is renewed; of 30 days, which is what the stack sets, 7.5: longer than
 * the grace. A call on each object is the dearest thing a vault asks of S3, and what is no longer wanted stays, and costs,
 * until its lock ends.
 */
const LEFT = 1 / 4;

/** Of a lock of these terms: what is in use is never locked for less, but for a night. Milliseconds. */
export function leastLock({ ms }: LockTerms): number {
  return Math.floor(ms * LEFT);
}

/** Less than this is a gap: a renewal that is two nights late. Milliseconds. */
export function lockGap(terms: LockTerms): number {
  return Math.max(0, leastLock(terms) - 2 * DAY);
}
