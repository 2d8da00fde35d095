import { encodeProof, type Proof } from "../vault/card/index.ts";
import { ColdkeepError, names } from "../vault/names/index.ts";
import type { Creator } from "../vault/store/facets.ts";
import { createRecord } from "./create.ts";
import { type IndexStore, indexSnapshots } from "./index-snapshots.ts";

export interface ProveOptions {
  readonly store: IndexStore & Creator;
  readonly proof: Proof;
  /** Others list what is put: the record alone is put. */
  readonly putOnly: boolean;
}

/**
 * Records that a drill restored a snapshot; what counts is the record's receipt, by the vault's clock.
 * @returns the record's name. @throws ColdkeepError `busy` where another drill has that very second; the store's errors.
 */
export async function proveSnapshot({ store, proof, putOnly }: ProveOptions): Promise<string> {
  const { vault, node, snapshot } = proof;
  const name = names.proof(node, snapshot, stampOf(proof.restored));
  const { created } = await createRecord(store, name, encodeProof(proof));
  if (!created) throw new ColdkeepError("busy", { what: "another drill ended in this very second", on: name });
  if (!putOnly) await indexSnapshots({ store, vault, node, ids: [], proofs: [name] });
  return name;
}

/** `YYYYMMDDTHHMMSSZ`. */
function stampOf(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19).replaceAll(/[-:]/g, "")}Z`;
}
