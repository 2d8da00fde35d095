import { parseOriginRecord } from "../vault/card/index.ts";
import { names, parseSnapshotId, type SnapshotId } from "../vault/names/index.ts";
import type { Reader } from "../vault/store/facets.ts";
import { type NodeScope, readObject } from "./read.ts";
import { ID_AHEAD, MAX_BYTES, SAME_TIME } from "./rules.ts";

/** When a snapshot's begin and card were received; milliseconds since the epoch. */
export interface Receipts {
  readonly begun: number;
  readonly committed: number;
}

/**
 * When a snapshot was first received: as its origin record says where this is a copy, else as this store says. A record
 * that says later than this store, by more than clocks differ, is not believed; and where the snapshot began here when
 * its id says, give or take what clocks differ, this is where it was made, or a copy that is as good as at once: there is
 * no record to look for.
 * @param here the receipts in this store
 * @returns `remark` says why a record was not believed
 */
export async function firstReceipts(
  store: Reader,
  scope: NodeScope,
  id: SnapshotId,
  here: Receipts,
): Promise<Receipts & { readonly remark: string | null }> {
  const time = parseSnapshotId(id)?.time ?? Number.NEGATIVE_INFINITY;
  if (Math.abs(here.begun - time) <= SAME_TIME) return { ...here, remark: null };
  const name = names.originRecord(scope.node, id);
  const expected = { vault: scope.vault, node: scope.node, snapshot: id };
  const read = await readObject(store, name, MAX_BYTES.marker, (bytes) => parseOriginRecord(bytes, expected, name));
  if (read.found === "nothing") return { ...here, remark: null };
  if (read.found === "malformed") return { ...here, remark: `its origin record cannot be read: ${read.why}` };
  const { begun, committed } = read.value;
  if (begun <= here.begun + ID_AHEAD && committed <= here.committed + ID_AHEAD) {
    return { begun, committed, remark: null };
  }
  return { ...here, remark: `its origin record is not believed: it tells ${iso(committed)}, which was still to come` };
}

function iso(time: number): string {
  return time <= 8.64e15 ? new Date(time).toISOString() : `${time} ms`;
}
