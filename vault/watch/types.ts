import type { IndexEntry, SnapshotState } from "../card/types.ts";
import type { SnapshotId } from "../names/index.ts";

/** Milliseconds. */
export interface WatchLimits {
  readonly maxAgeMs: number;
  readonly maxUnprovenMs?: number;
}

/** Something that somebody has to look at. */
export type Alarm =
  | { readonly kind: "none" }
  | { readonly kind: "stale"; readonly ageMs: number; readonly allowedMs: number }
  | { readonly kind: "damaged"; readonly snapshot: SnapshotId; readonly why: string }
  /** `ever` is false where no snapshot was proven yet; then it counts from the oldest good one. */
  | { readonly kind: "unproven"; readonly sinceMs: number; readonly allowedMs: number; readonly ever: boolean }
  | { readonly kind: "unreachable"; readonly why: string };

/** How the backups of one node stand in one vault. Times are milliseconds since the epoch, by the vault's clock. */
export interface Standing {
  /** The newest good one. */
  readonly latest: IndexEntry | null;
  readonly ageMs: number | null;
  /** The newest drill. */
  readonly proven: { readonly snapshot: SnapshotId; readonly at: number } | null;
  readonly counts: Readonly<Record<SnapshotState, number>>;
  /** Sealed bytes that these were the first to store. */
  readonly storedBytes: number;
  /** Bytes a day, sealed ones in the vault and plain ones on the node. */
  readonly growth: { readonly storedPerDay: number; readonly contentPerDay: number } | null;
  /** After when it is amiss though nothing else happens; null where it is already, or by no limit. */
  readonly dues: { readonly stale: number | null; readonly unproven: number | null };
  readonly alarms: readonly Alarm[];
}
