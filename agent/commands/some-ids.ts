import type { SnapshotId } from "../../vault/names/index.ts";
import { formatCount } from "../report/index.ts";

const NAMED = 20;

/** Collects the ids of snapshots for a message: all are counted, and the first are named. */
export interface SomeIds {
  readonly count: number;
  add(id: SnapshotId): void;
  /** Such as "a, b and 998 more". */
  words(): string;
}

export function makeSomeIds(ids: Iterable<SnapshotId> = []): SomeIds {
  const named: SnapshotId[] = [];
  let count = 0;
  const add = (id: SnapshotId) => {
    count += 1;
    if (named.length < NAMED) named.push(id);
  };
  for (const id of ids) add(id);
  return {
    get count() {
      return count;
    },
    add,
    words: () => `${named.join(", ")}${count > NAMED ? ` and ${formatCount(count - NAMED)} more` : ""}`,
  };
}
