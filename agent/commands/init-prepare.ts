import { createHash, randomBytes } from "node:crypto";
import { rebuildIndex } from "../../keeper/index.ts";
import { parseNodeJson } from "../../vault/card/index.ts";
import { makeVaultId, type NodeName, names, type VaultId } from "../../vault/names/index.ts";
import { openStore, type Store } from "../../vault/store/index.ts";
import { claimNode, initVault } from "../backup/index.ts";
import type { VaultSettings } from "../config/index.ts";
import { initNodeState, type NodeState } from "../state/index.ts";

export interface Prepared {
  /** Their URLs, in the order given. */
  readonly vaults: readonly string[];
  readonly vaultId: VaultId;
  readonly stateFolder: string;
  readonly cardKey: string;
  /** What --trust-card-key takes: base64url SHA-256 of the key's 32 bytes. */
  readonly fingerprint: string;
}

/**
 * Makes what a node's backups need beside the configuration: the state with the key that signs its cards, the vaults, the
 * claim of its name there, an empty index. What exists is kept, so running it again is harmless.
 * @throws ColdkeepError `refused` where another host, or another archive, has the node's name.
 */
export async function prepareNode(o: {
  /** At least one. */
  readonly vaults: readonly Pick<VaultSettings, "url">[];
  readonly stateDir: string;
  readonly node: NodeName;
  readonly profile: string;
  /** Where absent: the archive in which this host has the name already, or a new one. */
  readonly vaultId?: VaultId;
  readonly now: number;
}): Promise<Prepared> {
  const { state } = initNodeState(o.stateDir, o.node);
  const { node, profile, now } = o;
  const stores = await Promise.all(o.vaults.map(({ url }) => openStore(url, { create: true })));
  for (const store of stores) await initVault({ store, now });
  const vault = o.vaultId ?? (await archiveOf(stores, node, state)) ?? makeVaultId(randomBytes(16));
  for (const store of stores) {
    await claimNode({ store, vault, node, profile, publicKey: state.publicKey, now });
    await rebuildIndex({ store, vault, node });
  }
  return {
    vaults: stores.map(({ url }) => url),
    vaultId: vault,
    stateFolder: state.folder,
    cardKey: state.publicKey,
    fingerprint: createHash("sha256").update(Buffer.from(state.publicKey, "base64url")).digest("base64url"),
  };
}

async function archiveOf(stores: readonly Store[], node: NodeName, { publicKey }: NodeState): Promise<VaultId | null> {
  for (const store of stores) {
    const found = await store.get(names.nodeJson(node));
    if (found === null) continue;
    const { key, vault } = parseNodeJson(found.bytes);
    if (key === publicKey) return vault;
  }
  return null;
}
