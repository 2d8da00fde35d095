import { BRAKE_SHARE, BRAKE_WINDOW } from "./rules.ts";
import { formatPeriod } from "./span.ts";
import type { Brake, Candidate } from "./types.ts";

/**
 * Holds back what would leave less than 70 % of the good snapshots, or of the bytes in them, that there were a window
 * ago. In the steady state each night brings as much as it takes, so only a change of the rules, or many small snapshots
 * in place of large ones, come near it.
 */
export function shareBrake(candidates: readonly Candidate[], expiring: ReadonlySet<string>, now: number): Brake | null {
  if (expiring.size === 0) return null;
  const start = now - BRAKE_WINDOW;
  const good = candidates.filter((candidate) => candidate.good);
  const then = good.filter(({ received, expired }) => received <= start && (expired === null || expired > start));
  const left = good.filter(({ snapshot, expired }) => expired === null && !expiring.has(snapshot));
  const window = formatPeriod(BRAKE_WINDOW);
  if (tooFew(left.length, then.length, 1)) {
    return {
      kind: "share",
      why: `it would leave ${left.length} good snapshots of ${then.length} that there were ${window} ago`,
    };
  }
  const [bytesLeft, bytesThen] = [sumBytes(left), sumBytes(then)];
  if (!tooFew(bytesLeft, bytesThen, bytesThen / Math.max(1, then.length))) return null;
  const percent = Math.floor((bytesLeft / bytesThen) * 100);
  return {
    kind: "share",
    why: `it would leave ${percent} % of the bytes in good snapshots that there were ${window} ago`,
  };
}

/** A store's clock that is behind what it received, or far ahead of it, would begin or end graces at the wrong time. */
export function clockBrake(candidates: readonly Pick<Candidate, "received">[], now: number): Brake | null {
  const newest = candidates.reduce((latest, { received }) => Math.max(latest, received), Number.NEGATIVE_INFINITY);
  if (newest === Number.NEGATIVE_INFINITY) return null;
  const told = new Date(now).toISOString();
  const received = new Date(newest).toISOString();
  if (now < newest) {
    return {
      kind: "clock",
      why: `the vault's clock says ${told}, and the newest snapshot was received later, at ${received}`,
    };
  }
  if (now - newest <= BRAKE_WINDOW) return null;
  return {
    kind: "clock",
    why: `the vault's clock says ${told}, more than ${formatPeriod(BRAKE_WINDOW)} after the newest snapshot (${received})`,
  };
}

/** One snapshot more or less is everyday's coming and going, which in a small vault is a large share. */
function tooFew(left: number, then: number, one: number): boolean {
  return left + one < then * (1 - BRAKE_SHARE);
}

function sumBytes(candidates: readonly Candidate[]): number {
  return candidates.reduce((sum, { bytes }) => sum + bytes.total, 0);
}
