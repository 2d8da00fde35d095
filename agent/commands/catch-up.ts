import { copySnapshots, indexSnapshots, listSnapshots, rebuildIndex } from "../../keeper/index.ts";
import { ColdkeepError, messageOf, names, type SnapshotId, type VaultId } from "../../vault/names/index.ts";
import type { Store } from "../../vault/store/index.ts";
import { counted } from "../report/index.ts";
import type { Call } from "./define.ts";
import type { Fed } from "./feeding.ts";
import type { Session } from "./session.ts";

/**
 * Brings a vault that missed snapshots up to another one by copying, newest included, so that it takes part in the next
 * backup. What fails is warned of: the snapshot itself is safe.
 * @returns what still keeps it behind; null where it has all now.
 */
export async function catchUp(
  { session, vault }: { readonly session: Session; readonly vault: VaultId },
  from: Fed,
  to: Fed,
  call: Call,
): Promise<unknown> {
  const { progress, io } = call;
  const node = session.node.name;
  progress.stage(`bring vault ${to.name} up`);
  try {
    const isNew = (await to.store.head(names.indexJson(node))) === null;
    const ids = await missing(from.store, isNew ? null : to.store, node, vault);
    const job = { from: from.store, to: to.store, vault, node, ids, progress, signal: io.signal };
    for await (const { snapshot, outcome, damages } of copySnapshots(job)) {
      if (outcome === "damaged") throw notCopied(snapshot, damages[0]?.detail);
    }
    if (isNew) await rebuildIndex({ store: to.store, vault, node });
    else await indexSnapshots({ store: to.store, vault, node, ids });
    progress.note(`vault ${to.name} was brought up: ${counted(ids.length, "snapshot")} copied`);
    return null;
  } catch (error) {
    progress.warn(`vault ${to.name} could not be brought up: ${messageOf(error)}`);
    return error;
  }
}

/** Good snapshots after the newest that both list, oldest first; the newest alone where the other lists none or is null. */
async function missing(
  from: Store,
  to: Store | null,
  node: Session["node"]["name"],
  vault: VaultId,
): Promise<SnapshotId[]> {
  const there = new Set<SnapshotId>();
  if (to !== null) {
    for await (const { snapshot, state } of listSnapshots({ store: to, node, vault })) {
      if (state === "good") there.add(snapshot);
    }
  }
  const ids: SnapshotId[] = [];
  for await (const { snapshot, state } of listSnapshots({ store: from, node, vault })) {
    if (there.has(snapshot)) break;
    if (state === "good") ids.unshift(snapshot);
    if (there.size === 0 && ids.length === 1) break;
  }
  return ids;
}

function notCopied(snapshot: SnapshotId, detail: string | undefined): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: "a snapshot could not be copied",
    on: snapshot,
    ...(detail === undefined ? {} : { why: detail }),
    todo: "`coldkeep copy` says what is wrong with it",
  });
}
