import { encodeNodeJson, encodeVaultJson, parseNodeJson, parseVaultJson } from "../../vault/card/index.ts";
import type { NodeJson, VaultJson } from "../../vault/card/types.ts";
import { ColdkeepError, FORMAT, isColdkeepError, type NodeName, names, type VaultId } from "../../vault/names/index.ts";
import { type Creator, hashed, type Reader, type StoredObject } from "../../vault/store/index.ts";
import { putNew } from "./put.ts";

const SMALL = 64 << 10;

/**
 * Makes `vault.json` where there is none.
 * @throws ColdkeepError `integrity` where what lies there is no vault.json of a format this version knows.
 */
export async function initVault(o: {
  readonly store: Reader & Creator;
  readonly now: number;
}): Promise<{ readonly created: boolean }> {
  const made: VaultJson = { format: FORMAT, created: o.now, min_agent: "0.1.0", min_keeper: "0.1.0" };
  const found = await readOrDenied(o.store, names.VAULT_JSON);
  // A host that may only add is not told whether there is one, and may not make it: that is its operator's.
  if (found === "denied") return { created: false };
  if (found === null && (await putNew(o.store, names.VAULT_JSON, hashed(encodeVaultJson(made)), {})).put)
    return { created: true };
  const there = found ?? (await o.store.get(names.VAULT_JSON, { maxBytes: SMALL }));
  if (there !== null) parseVaultJson(there.bytes);
  return { created: false };
}

/**
 * Says in the vault, once and for all, which key signs a node's cards; later calls check that it is still ours.
 * @throws ColdkeepError `refused` where another host, or another archive, claims the node's name.
 */
export async function claimNode(o: {
  readonly store: Reader & Creator;
  readonly vault: VaultId;
  readonly node: NodeName;
  readonly profile: string;
  readonly publicKey: string;
  readonly now: number;
}): Promise<{ readonly created: boolean }> {
  const name = names.nodeJson(o.node);
  const ours: NodeJson = {
    format: FORMAT,
    vault: o.vault,
    node: o.node,
    profile: o.profile,
    key: o.publicKey,
    created: o.now,
  };
  const read = await readOrDenied(o.store, name);
  // To a host that may not list S3 says "denied" of what is not there.
  const found = read === "denied" ? null : read;
  if (found === null && (await putNew(o.store, name, hashed(encodeNodeJson(ours)), {})).put) return { created: true };
  const there = found ?? (await o.store.get(name, { maxBytes: SMALL }));
  if (there === null) throw new ColdkeepError("vault", { what: "an object came and went", on: name, retryable: true });
  const claim = parseNodeJson(there.bytes);
  if (claim.key !== o.publicKey)
    throw claimed(name, `its cards are signed by ${claim.key}, this host signs with ${o.publicKey}`);
  if (claim.vault !== o.vault) throw claimed(name, `it belongs to archive ${claim.vault}, the config names ${o.vault}`);
  return { created: false };
}

async function readOrDenied(store: Reader, name: string): Promise<StoredObject | null | "denied"> {
  try {
    return await store.get(name, { maxBytes: SMALL });
  } catch (error) {
    if (isColdkeepError(error, "permission")) return "denied";
    throw error;
  }
}

function claimed(name: string, why: string): ColdkeepError {
  return new ColdkeepError("refused", {
    what: "another host claims this node's name",
    on: name,
    why,
    todo: "give the node another name in the config, or, if this is the same host, bring its state directory back",
  });
}
