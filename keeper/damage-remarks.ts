import type { IndexEntry } from "../vault/card/index.ts";

const DAMAGED = "damaged: ";
/** An entry's remarks are few and short. */
export const DAMAGES_TOLD = 16;
const DAMAGE_WORDS = 900;

/** What is told of a damaged snapshot, as it was handed in: `<object>: <what is wrong>`. */
export function damagesOf(entry: Pick<IndexEntry, "remarks"> | null | undefined): readonly string[] {
  return (entry?.remarks ?? []).flatMap((text) => (text.startsWith(DAMAGED) ? [text.slice(DAMAGED.length)] : []));
}

/** Good in all that cards and markers tell, and yet not whole. */
export function withDamage(entry: IndexEntry | null, damages: readonly string[]): IndexEntry | null {
  if (entry === null || entry.state !== "good" || damages.length === 0) return entry;
  const told = damages.slice(0, DAMAGES_TOLD).map((text) => `${DAMAGED}${text.slice(0, DAMAGE_WORDS)}`);
  return { ...entry, state: "damaged", remarks: [...entry.remarks, ...told] };
}
