import type { IndexEntry } from "../../vault/card/types.ts";
import type { Tiers } from "../../vault/retain/index.ts";
import type { Standing } from "../../vault/watch/types.ts";

/** One node in one vault, as it was looked at. Times are milliseconds since the epoch. */
export interface PageInput {
  readonly node: string;
  /** What the vault is called; empty where the page is of one vault. */
  readonly vault: string;
  readonly standing: Standing;
  /** Those by which it was judged, newest first. */
  readonly entries: readonly IndexEntry[];
  /** There are older ones, which were not looked at. */
  readonly more: boolean;
  readonly next: number | null;
  readonly paused: { readonly until: number; readonly reason?: string } | null;
  readonly tiers: Tiers;
  /** Whether an id's time cannot be believed. */
  readonly isOdd: (entry: IndexEntry) => boolean;
  readonly now: number;
}

/**
 * A node as it stands in the page: text for people, made by the same words as `status` says them, and what the page needs
 * to go on by itself. It is written into the page as JSON, and read back where a page is brought up to date node by node.
 */
export interface PageNode {
  readonly node: string;
  readonly vault: string;
  readonly profile: string;
  readonly at: number;
  readonly latest: {
    readonly id: string;
    readonly at: number;
    readonly height: string;
    readonly size: string;
    readonly down: string;
  } | null;
  readonly proven: { readonly id: string; readonly at: number } | null;
  readonly next: number | null;
  readonly paused: { readonly until: number; readonly why: string } | null;
  readonly tiers: string;
  /** Good, broken, damaged, expired. */
  readonly counts: readonly [number, number, number, number];
  readonly more: boolean;
  readonly stored: number;
  /** Bytes a day; null where it is not known. */
  readonly grows: number | null;
  readonly growth: string;
  readonly alarms: readonly (readonly [kind: string, words: string, todo: string])[];
  /** When it will be too old, and unproven for too long, if nothing happens until then. */
  readonly dues: readonly [stale: number | null, unproven: number | null];
  /** What its snapshots are kept as, and the states they are in: letters of TIERS and STATES. */
  readonly has: string;
  /** The last days, oldest first, a sign each: as in `has`, `.` for none. */
  readonly days: string;
  /** The snapshots: see history.ts. */
  readonly history: string;
}

/** What keeps a snapshot, from nothing to the longest; each has a letter. */
export const TIERS = [
  ["n", "no tier"],
  ["k", "pinned, permanent or tagged"],
  ["r", "recent"],
  ["h", "hourly"],
  ["d", "daily"],
  ["w", "weekly"],
  ["m", "monthly"],
  ["y", "yearly"],
] as const;

/** States of snapshots, and what else can be told of one. */
export const STATES = [
  ["G", "good"],
  ["E", "expired"],
  ["B", "broken"],
  ["D", "damaged"],
  ["P", "proven"],
  ["I", "pinned"],
] as const;
