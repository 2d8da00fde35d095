import { ColdkeepError, type NodeName, type SnapshotId, type VaultId } from "../../vault/names/index.ts";
import type { NodeState } from "../state/index.ts";
import { chooseParent, goodOf, type Lineage, type ParentRun, readHead } from "./choose-parent.ts";
import type { VaultSet } from "./vault-set.ts";

/**
 * The newest snapshot of this writer that a vault calls good and this host knows. Vaults that have not got it are left
 * out of the run: nothing may be built on what is not there, and copying brings them up. Null: all begin anew.
 */
export async function chooseCommonParent(
  vaults: VaultSet,
  state: NodeState,
  o: { readonly node: NodeName; readonly vault: VaultId; readonly lineage: Lineage },
): Promise<ParentRun | null> {
  const heads = await vaults.each(async ({ store }) => {
    const head = await readHead(store, o.node, o.vault);
    return { parent: chooseParent(state, head, o.lineage), good: goodOf(state, head) };
  });
  let newest: ParentRun | null = null;
  for (const { value } of heads) {
    if (value.parent !== null && value.parent.head.seq > (newest?.head.seq ?? 0)) newest = value.parent;
  }
  if (newest === null) return null;
  const { snapshot } = newest.head;
  for (const { member, value } of heads) {
    if (value.parent?.head.snapshot !== snapshot) vaults.drop(member.name, behind(snapshot, value.good));
  }
  return newest;
}

function behind(parent: SnapshotId, good: SnapshotId | null): ColdkeepError {
  return new ColdkeepError("behind", {
    what: "this vault is behind",
    why: `the backup builds on ${parent}, ${good === null ? "and nothing of this host is listed here" : `and the newest listed here is ${good}`}`,
    todo: "`coldkeep copy` brings it up; it takes part again once both list the same",
  });
}
