import type { NodeName, VaultId } from "../../vault/names/index.ts";
import type { Creator } from "../../vault/store/facets.ts";
import type { IndexStore } from "../index-snapshots.ts";
import { assertMayChange } from "../may-change.ts";
import { type NodeScope, readNode } from "../read.ts";
import { storeTime } from "../store-clock.ts";
import { type Candidates, findCandidates } from "./candidates.ts";
import { type Scan, scanNode } from "./scan.ts";

export interface Survey {
  readonly scope: NodeScope;
  /** The store's time where something is to change, else the caller's. Milliseconds since the epoch. */
  readonly now: number;
  readonly scan: Scan;
  readonly found: Candidates;
}

/** What whoever lets snapshots expire has to know first. @throws ColdkeepError as `assertMayChange` and `readNode`. */
export async function surveyNode(options: {
  readonly store: IndexStore & Creator;
  readonly vault?: VaultId;
  readonly node: NodeName;
  readonly apply: boolean;
  readonly now: number;
}): Promise<Survey> {
  const { store, apply } = options;
  if (apply) await assertMayChange(store);
  const node = await readNode(store, options.node, options.vault);
  const scope: NodeScope = { vault: node.vault, node: node.node };
  const now = apply ? await storeTime(store, scope) : options.now;
  const scan = await scanNode(store, node.node);
  return { scope, now, scan, found: await findCandidates(store, node, scan) };
}
