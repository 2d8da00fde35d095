import type { ClosingCard } from "../../vault/card/index.ts";
import type { SnapshotId } from "../../vault/names/index.ts";
import { MAX_ADOPTIONS } from "../rules.ts";

type Closings = ReadonlyMap<SnapshotId, ClosingCard>;

/** A closed run, who went on with it, who went on with that one, as far as those are closed, too. */
export function closingChain(closings: Closings, id: SnapshotId): readonly SnapshotId[] {
  const chain: SnapshotId[] = [];
  let next: SnapshotId | undefined = id;
  while (next !== undefined && chain.length < MAX_ADOPTIONS) {
    const closing = closings.get(next);
    if (closing === undefined) break;
    chain.push(next);
    next = closing.by;
  }
  return chain;
}

/** Who goes on with a closed run in the end: a run that is not closed, or one that was given up. */
export function endOf(closings: Closings, id: SnapshotId): { readonly end: SnapshotId; readonly abandoned: boolean } {
  const last = closingChain(closings, id).at(-1);
  if (last === undefined) return { end: id, abandoned: false };
  const by = closings.get(last)?.by;
  // Given up; or a circle, of which nobody ever goes on.
  if (by === undefined || closings.has(by)) return { end: last, abandoned: true };
  return { end: by, abandoned: false };
}
