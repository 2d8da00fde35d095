import { encodePin } from "../vault/card/index.ts";
import { type NodeName, names, type SnapshotId, type VaultId } from "../vault/names/index.ts";
import type { Creator, Reader } from "../vault/store/facets.ts";
import { createRecord } from "./create.ts";
import { expiredAt, isGoing } from "./markers.ts";
import { type NodeScope, readNode } from "./read.ts";
import { MAX_PIN } from "./rules.ts";

export interface RestorePinOptions {
  readonly vault?: VaultId;
  readonly node: NodeName;
  readonly snapshot: SnapshotId;
}

/**
 * Where a snapshot that is to be restored is on its way out: since when it is expired, whether it is being deleted. Asked
 * after its pin was put: one that is not being deleted by then stays whole as long as the pin holds.
 * @throws ColdkeepError `integrity` for a fate that cannot be read.
 */
export async function askStanding(
  options: RestorePinOptions & { readonly store: Reader },
): Promise<{ readonly expired: number | null; readonly going: boolean }> {
  const { store, snapshot } = options;
  const scope = await scopeOf(options);
  return { expired: await expiredAt(store, scope, snapshot), going: await isGoing(store, scope, snapshot) };
}

/**
 * Says that a restore is running, so that the collector leaves what it needs alone.
 * @param options.now this machine's clock, milliseconds since the epoch
 * @param options.random makes the pin's name its own
 * @returns until when the pin holds, by the vault's clock: a week, or less where this machine's clock is behind.
 * @throws what the store does: a restore may go on without.
 */
export async function pinForRestore(
  options: RestorePinOptions & {
    readonly store: Reader & Creator;
    readonly now: number;
    readonly random: string;
  },
): Promise<number> {
  const { store, snapshot, now, random } = options;
  const scope = await scopeOf(options);
  const until = now + MAX_PIN;
  const bytes = encodePin({ format: 1, ...scope, snapshot, until });
  const outcome = await createRecord(store, names.pin(scope.node, snapshot, random), bytes);
  const { receivedAt } = outcome.created ? outcome.receipt.info : outcome.info;
  return Math.min(until, receivedAt + MAX_PIN);
}

async function scopeOf({ store, node, vault }: RestorePinOptions & { readonly store: Reader }): Promise<NodeScope> {
  const found = await readNode(store, node, vault);
  return { vault: found.vault, node: found.node };
}
