import { assertMayWork, encodeNodeJson, type NodeJson, parseVaultJson } from "../../vault/card/index.ts";
import { ColdkeepError, isColdkeepError, type NodeName, names } from "../../vault/names/index.ts";
import { hashed } from "../../vault/store/hashed.ts";
import { readNode } from "../read.ts";
import { MAX_BYTES } from "../rules.ts";
import type { CopyOptions, CopySource, CopyTarget } from "./types.ts";

/**
 * Makes the target a vault that holds this very node, or sees that it is.
 * @throws ColdkeepError `refused` where it holds another node of that name, or asks for a newer keeper; `not-found`, `integrity` for the source.
 */
export async function claimTarget({ from, to, vault, node, dryRun = false }: CopyOptions): Promise<NodeJson> {
  const ours = await readNode(from, node, vault);
  await sameVaultJson(from, to, dryRun);
  const there = await nodeThere(to, node);
  if (there === null && dryRun) return ours;
  if (there === null) await to.create(names.nodeJson(node), hashed(encodeNodeJson(ours)));
  const claim = there ?? (await readNode(to, node, undefined));
  if (claim.vault === ours.vault && claim.key === ours.key) return ours;
  throw new ColdkeepError("refused", {
    what: "the target holds another node of this name",
    on: names.nodeJson(node),
    why:
      claim.vault !== ours.vault
        ? `it belongs to archive ${claim.vault}, the source to ${ours.vault}`
        : `its cards are signed by ${claim.key}, those of the source by ${ours.key}`,
    todo: "Copy into another vault: two nodes of one name cannot lie in one",
  });
}

async function nodeThere(to: CopyTarget, node: NodeName): Promise<NodeJson | null> {
  try {
    return await readNode(to, node, undefined);
  } catch (error) {
    if (isColdkeepError(error, "not-found")) return null;
    throw error;
  }
}

async function sameVaultJson(from: CopySource, to: CopyTarget, dryRun: boolean): Promise<void> {
  const limit = { maxBytes: MAX_BYTES.node };
  const source = await from.get(names.VAULT_JSON, limit);
  if (source === null) {
    throw new ColdkeepError("not-found", {
      what: "the source is no vault",
      on: names.VAULT_JSON,
      why: "it is not there",
      todo: "Check the place of the source",
    });
  }
  const ours = parseVaultJson(source.bytes);
  const target = await to.get(names.VAULT_JSON, limit);
  const changed = target === null ? ours : parseVaultJson(target.bytes);
  if (dryRun) return;
  assertMayWork(changed, "keeper");
  if (target === null) await to.create(names.VAULT_JSON, hashed(source.bytes));
}
