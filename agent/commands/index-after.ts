import { indexSnapshots } from "../../keeper/index.ts";
import type { IndexEntry } from "../../vault/card/index.ts";
import { messageOf, type SnapshotId, type VaultId } from "../../vault/names/index.ts";
import type { Store } from "../../vault/store/index.ts";
import { confirmParent, unconfirmedRuns } from "../backup/index.ts";
import type { Call } from "./define.ts";
import type { Session } from "./session.ts";

interface Place {
  readonly session: Session;
  readonly store: Store;
  readonly vault: VaultId;
}

/**
 * Takes a committed snapshot into the index and makes it the next one's parent. The snapshot is safe without that: what
 * fails here is warned of and done by the next backup.
 */
export async function indexAfter(
  { session, store, vault }: Place,
  id: SnapshotId,
  call: Call,
): Promise<IndexEntry | null> {
  const node = session.node.name;
  call.progress.stage("index");
  try {
    const { entries } = await indexSnapshots({ store, vault, node, ids: [id] });
    await confirmParent({ stateDir: session.config.stateDir, node, snapshot: id, store, vault });
    return entries.find(({ snapshot }) => snapshot === id) ?? null;
  } catch (error) {
    call.progress.warn(
      `${id} is committed, but not in the list yet: ${messageOf(error)}; the next backup or \`coldkeep rebuild\` lists it`,
    );
    return null;
  }
}

/** Finishes what earlier runs were cut off from: snapshots that were committed and never listed. */
export async function indexEarlier({ session, store, vault }: Place): Promise<void> {
  const { config, node } = session;
  const ids = unconfirmedRuns({ stateDir: config.stateDir, node: node.name });
  if (ids.length === 0) return;
  await indexSnapshots({ store, vault, node: node.name, ids });
  for (const snapshot of ids) {
    if (await confirmParent({ stateDir: config.stateDir, node: node.name, snapshot, store, vault })) return;
  }
}
