import { createHash, randomBytes } from "node:crypto";
import { rebuildIndex } from "../../keeper/index.ts";
import { parseNodeJson } from "../../vault/card/index.ts";
import { ColdkeepError, makeVaultId, type NodeName, names, type VaultId } from "../../vault/names/index.ts";
import { hashed, type Store } from "../../vault/store/index.ts";
import { claimNode, initVault } from "../backup/index.ts";
import type { VaultSettings } from "../config/index.ts";
import { initNodeState, type NodeState } from "../state/index.ts";
import type { Call } from "./define.ts";
import { openPlace } from "./opened.ts";

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
export async function prepareNode(
  o: {
    /** At least one. */
    readonly vaults: readonly Pick<VaultSettings, "url" | "s3">[];
    readonly stateDir: string;
    readonly node: NodeName;
    readonly profile: string;
    /** Where absent: the archive in which this host has the name already, or a new one. */
    readonly vaultId?: VaultId;
  },
  call: Call,
): Promise<Prepared> {
  const { state } = initNodeState(o.stateDir, o.node);
  const { node, profile } = o;
  const now = call.io.clock.now();
  const stores = await Promise.all(o.vaults.map((vault) => openPlace(vault, call, { create: true })));
  for (const store of stores) {
    await initVault({ store, now });
    await assertNeverReplaces(store);
  }
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

/**
 * A server that ignores conditions would let a second writer replace what is never to be replaced. Putting vault.json
 * anew, the very same bytes, finds that out and harms nothing.
 */
async function assertNeverReplaces(store: Store): Promise<void> {
  const found = await store.get(names.VAULT_JSON);
  if (found === null || !(await store.create(names.VAULT_JSON, hashed(found.bytes))).created) return;
  throw new ColdkeepError("refused", {
    what: "this place cannot be a vault",
    on: store.url,
    why: "it took an object under a name that was taken: it does not know puts on condition (If-None-Match)",
    todo: "use a server that does, such as AWS S3, or a directory",
  });
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
