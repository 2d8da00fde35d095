import type { SnapshotId } from "./ids.ts";

/**
 * Answers equal ids with one and the same string: the lists of what thousands of snapshots use name the same few thousand
 * ids a million times, and each read from a file is a string of its own. One for what is kept together; it keeps all that
 * it was asked for.
 */
export function makeSameIds(): (id: SnapshotId) => SnapshotId {
  const known = new Map<SnapshotId, SnapshotId>();
  return (id) => {
    const same = known.get(id);
    if (same !== undefined) return same;
    known.set(id, id);
    return id;
  };
}
