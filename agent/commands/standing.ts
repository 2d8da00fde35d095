import type { IndexEntry } from "../../vault/card/index.ts";
import { permanentOnes, type Tiers } from "../../vault/retain/index.ts";
import { formatDuration } from "../report/index.ts";

/** What is to be known of a snapshot beside what it holds. */
export interface Standing {
  readonly facts: { readonly permanent?: true; readonly due?: number };
  readonly words: string;
}

/** How each of these snapshots stands under some tiers: its state, what keeps it, and how long its grace still is. */
export function standingOf(entries: readonly IndexEntry[], tiers: Tiers, now: number): (entry: IndexEntry) => Standing {
  const candidates = entries.map((entry) => ({ ...entry, good: entry.state === "good" || entry.state === "expired" }));
  const permanent = permanentOnes(candidates, tiers);
  return ({ snapshot, state, pinned, proven, expired, remarks }) => {
    const due = expired === undefined ? undefined : expired + tiers.grace;
    const left = due === undefined ? [] : [due > now ? `deleted in ${formatDuration(due - now)}` : "due for deletion"];
    const isPermanent = permanent.has(snapshot);
    const words = [
      state,
      ...left,
      ...(pinned ? ["pinned"] : []),
      ...(isPermanent ? ["permanent"] : []),
      ...(proven === undefined ? [] : ["proven"]),
      ...(remarks.length === 0 ? [] : [remarks.join("; ")]),
    ];
    const facts = { ...(isPermanent ? { permanent: true as const } : {}), ...(due === undefined ? {} : { due }) };
    return { facts, words: words.join(", ") };
  };
}
