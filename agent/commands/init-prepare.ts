import { createHash, randomBytes } from "node:crypto";
import { rebuildIndex } from "../../keeper/index.ts";
import { parseNodeJson } from "../../vault/card/index.ts";
import { makeVaultId, type NodeName, names, type VaultId } from "../../vault/names/index.ts";
import { openStore, type Store } from "../../vault/store/index.ts";
import { claimNode, initVault } from "../backup/index.ts";
import { initNodeState, type NodeState } from "../state/index.ts";

export interface Prepared {
  readonly vault: string;
  readonly vaultId: VaultId;
  readonly stateFolder: string;
  readonly cardKey: string;
  /** What --trust-card-key takes: base64url SHA-256 of the key's 32 bytes. */
  readonly fingerprint: string;
}

/**
 * Makes what a node's backups need beside the configuration: the state with the key that signs its cards, the vault, the
 * claim of its name there, an empty index. What exists is kept, so running it again is harmless.
 * @throws ColdkeepError `refused` where another host, or another archive, has the node's name.
 */
export async function prepareNode(o: {
  readonly vault: string;
  readonly stateDir: string;
  readonly node: NodeName;
  readonly profile: string;
  /** Where absent: the archive in which this host has the name already, or a new one. */
  readonly vaultId?: VaultId;
  readonly now: number;
}): Promise<Prepared> {
  const { state } = initNodeState(o.stateDir, o.node);
  const store = await openStore(o.vault, { create: true });
  await initVault({ store, now: o.now });
  const vault = o.vaultId ?? (await archiveOf(store, o.node, state)) ?? makeVaultId(randomBytes(16));
  const { node, profile, now } = o;
  await claimNode({ store, vault, node, profile, publicKey: state.publicKey, now });
  await rebuildIndex({ store, vault, node });
  return {
    vault: store.url,
    vaultId: vault,
    stateFolder: state.folder,
    cardKey: state.publicKey,
    fingerprint: createHash("sha256").update(Buffer.from(state.publicKey, "base64url")).digest("base64url"),
  };
}

async function archiveOf(store: Store, node: NodeName, { publicKey }: NodeState): Promise<VaultId | null> {
  const found = await store.get(names.nodeJson(node));
  if (found === null) return null;
  const { key, vault } = parseNodeJson(found.bytes);
  return key === publicKey ? vault : null;
}
