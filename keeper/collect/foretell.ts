import type { SnapshotId } from "../../vault/names/index.ts";
import { readNode } from "../read.ts";
import { scanNode } from "../retain/scan.ts";
import { findDue } from "./due.ts";
import { type DeadOptions, findDead } from "./find-dead.ts";
import type { CollectOptions, DeadObject } from "./types.ts";

/**
 * What will be deleted once the graces of these snapshots, and of all that are expired already, are over. Changes nothing.
 * @throws as collectGarbage does where something cannot be understood.
 */
export async function foretellDead(
  options: DeadOptions & Pick<CollectOptions, "node" | "vault" | "now"> & { readonly ids: readonly SnapshotId[] },
): Promise<readonly DeadObject[]> {
  const { store, now } = options;
  const node = await readNode(store, options.node, options.vault);
  const scope = { vault: node.vault, node: node.node };
  const scan = await scanNode(store, node.node);
  const due = await findDue(store, scope, scan, Number.POSITIVE_INFINITY, 0);
  const going = new Set([...options.ids, ...due.rounds.keys()]);
  const { objects, records } = await findDead({ options, scope, now }, scan, going, due.pinEnds);
  return [...objects, ...records];
}
