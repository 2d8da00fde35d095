import type { Heights } from "../card/types.ts";
import type { SnapshotId } from "../names/index.ts";

/** A length of time by the calendar, as `restic forget` writes it: `1y6m7d2h`. Months and years are as long as they are. */
export interface Span {
  readonly years: number;
  readonly months: number;
  readonly days: number;
  readonly hours: number;
}

/** The units that snapshots are told apart by; `last` counts each. */
export const UNITS = ["last", "hourly", "daily", "weekly", "monthly", "yearly"] as const;
export type Unit = (typeof UNITS)[number];

/** What is kept. A snapshot that any rule keeps is kept. */
export interface Tiers {
  /** How many of the newest hours, days, … keep their newest snapshot; Infinity keeps that of every one. At least 1. */
  readonly keep: Readonly<Partial<Record<Unit, number>>>;
  /** As `keep`, but for as long instead of as many; `last` keeps all of them. Measured from the newest good snapshot. */
  readonly within: Readonly<Partial<Record<Unit, Span>>>;
  /** Each is a set of tags; a snapshot that has all tags of one set is kept. */
  readonly tags: readonly (readonly string[])[];
  /** The first snapshot received after this time of day, minutes since midnight, is kept for ever; one a day. */
  readonly permanent?: number;
  /** IANA name; hours, days, weeks, months and years are those of this zone. */
  readonly timezone: string;
  /** Milliseconds: nothing younger expires under any rule. */
  readonly floor: number;
  /** Milliseconds between expiry and deletion. At least MIN_GRACE. */
  readonly grace: number;
  /**
   * Milliseconds between backups as they are planned. Where given, snapshots closer than half of it share one place in
   * `keep`, and more than three times as many as planned stop expiry.
   */
  readonly interval?: number;
}

/** What retention knows of a snapshot. */
export interface Candidate {
  readonly snapshot: SnapshotId;
  readonly writer: string;
  /** Only good ones are counted by tiers; damaged and broken ones go after BROKEN_KEPT. */
  readonly good: boolean;
  /** Its id's time cannot be believed: never the latest. */
  readonly odd: boolean;
  /** Receipt of its begin, by the store's clock. Milliseconds since the epoch, as all times here. */
  readonly received: number;
  readonly tags: readonly string[];
  readonly heights?: Heights;
  readonly bytes: { readonly total: number; readonly stored: number };
  readonly pinned: boolean;
  /** An operator said that it is to go: no tier keeps it, nor does it take a place in one. */
  readonly forgotten?: boolean;
  /** Receipt of the marker that expired it, null where it has none or was rescued since. */
  readonly expired: number | null;
}

export interface Decision {
  readonly snapshot: SnapshotId;
  /** Why it is kept: names of rules. Empty where nothing keeps it. */
  readonly reasons: readonly string[];
  /** What is to be done: nothing, begin its grace, or end it. */
  readonly action: "none" | "expire" | "rescue";
  readonly expired: number | null;
}

/** Why nothing expires today though the tiers say so. */
export interface Brake {
  readonly kind: "share" | "clock" | "anomaly";
  readonly why: string;
}

export interface RetentionPlan {
  /** One a candidate, newest first. */
  readonly decisions: readonly Decision[];
  /** Newest first. */
  readonly expire: readonly SnapshotId[];
  readonly rescue: readonly SnapshotId[];
  /** Those that only `permanent` keeps; they cost space for ever. */
  readonly permanent: readonly SnapshotId[];
  /** While there is any, nothing of `expire` may be done. */
  readonly brakes: readonly Brake[];
}

/** A count, or all there are. */
type WrittenCount = number | "unlimited" | undefined;

/** How snapshots are thinned out, as it is written: the words of `restic forget`, and some of our own. */
export interface WrittenTiers {
  /** How many of the newest snapshots are kept. */
  readonly keep_last?: WrittenCount;
  /** Of how many hours that have a snapshot the newest is kept; days, weeks, months and years likewise. */
  readonly keep_hourly?: WrittenCount;
  readonly keep_daily?: WrittenCount;
  readonly keep_weekly?: WrittenCount;
  readonly keep_monthly?: WrittenCount;
  readonly keep_yearly?: WrittenCount;
  /** All this far back from the newest good one: `1y6m7d2h`. */
  readonly keep_within?: string | undefined;
  readonly keep_within_hourly?: string | undefined;
  readonly keep_within_daily?: string | undefined;
  readonly keep_within_weekly?: string | undefined;
  readonly keep_within_monthly?: string | undefined;
  readonly keep_within_yearly?: string | undefined;
  /** Snapshots with these tags are kept; several with commas between them mean all of them. */
  readonly keep_tags?: string[] | undefined;
  /** The first snapshot received after this time of day is kept for ever, one a day. */
  readonly permanent?: string | undefined;
  /** IANA name: whose hours, days, weeks, months and years are meant. */
  readonly timezone: string;
  /** Nothing younger expires; a duration such as `7d`. */
  readonly floor?: string | undefined;
  /** From expiry to deletion. */
  readonly grace?: string | undefined;
  /** Between two backups as they are planned. */
  readonly interval?: string | undefined;
}
