import { existsSync } from "node:fs";
import { join } from "node:path";
import type { NodeName, SnapshotId, VaultId } from "../../vault/names/index.ts";
import type { Reader } from "../../vault/store/facets.ts";
import { openNodeState } from "../state/index.ts";
import { goodOf, readHead } from "./choose-parent.ts";
import { RUN_FILES, readRunHead } from "./run-files.ts";

/**
 * PROTOCOL "BACKUP" 7: the snapshot becomes the parent of the next one, once each vault's head.json calls it this
 * writer's newest good one. Then the local files of all older runs are forgotten. False where head.json does not say so (yet).
 */
export async function confirmParent(o: {
  readonly stateDir: string;
  readonly node: NodeName;
  readonly snapshot: SnapshotId;
  /** All that the snapshot went to. */
  readonly stores: readonly Reader[];
  readonly vault: VaultId;
}): Promise<boolean> {
  const state = openNodeState(o.stateDir, o.node);
  for (const store of o.stores) {
    if (goodOf(state, await readHead(store, o.node, o.vault)) !== o.snapshot) return false;
  }
  state.setParent(o.snapshot);
  const parent = readRunHead(state.runs.folder(o.snapshot));
  for (const id of state.runs.list()) {
    const run = readRunHead(state.runs.folder(id));
    const older = run === null || (parent !== null && run.seq < parent.seq);
    if (id !== o.snapshot && older) state.runs.remove(id);
  }
  return true;
}

/**
 * Snapshots of this host whose card is, or may be, in the vault, and that head.json was not yet seen to call good: the
 * last runs were cut off before they could ask. Whoever can index them should, before the next backup.
 */
export function unconfirmedRuns(o: { readonly stateDir: string; readonly node: NodeName }): SnapshotId[] {
  const state = openNodeState(o.stateDir, o.node);
  const parent = state.parent;
  const since = parent === null ? 0 : (readRunHead(state.runs.folder(parent))?.seq ?? 0);
  return state.runs.list().filter((id) => {
    const run = readRunHead(state.runs.folder(id));
    return run !== null && run.seq > since && existsSync(join(state.runs.folder(id), RUN_FILES.card));
  });
}
