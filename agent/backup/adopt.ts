import type { KeyObject } from "node:crypto";
import { encodeCard, signClosingCard } from "../../vault/card/index.ts";
import { names } from "../../vault/names/index.ts";
import { hashed } from "../../vault/store/index.ts";
import type { LocalRun } from "./choose-parent.ts";
import type { RunHead } from "./run-files.ts";
import type { VaultSet } from "./vault-set.ts";

/**
 * Closes dead runs by a card "adopted", so that no one else can end them otherwise, and tells which of them are ours to
 * build on. A run that an interrupted adopter had meant to take over is closed in the name of the first such adopter:
 * either this card is the first, or it says the very same as the one the adopter left (Ed25519 signs the same bytes the same way,
 * RFC 8032). Any other card there means that the run was committed or given up, and it is left alone. `dead` is newest
 * first, so that adopters come before the adopted.
 */
export async function adoptRuns(o: {
  readonly vaults: VaultSet;
  readonly run: Pick<RunHead, "vault" | "node" | "snapshot">;
  readonly dead: readonly LocalRun[];
  readonly signingKey: KeyObject;
  readonly signal: AbortSignal;
}): Promise<LocalRun[]> {
  const { vault, node } = o.run;
  const adopted: LocalRun[] = [];
  for (const run of o.dead) {
    const { snapshot } = run.head;
    const by = adopted.findLast(({ head }) => head.adopts.includes(snapshot))?.head.snapshot ?? o.run.snapshot;
    const closing = encodeCard(signClosingCard({ vault, node, snapshot, by }, o.signingKey));
    if (await o.vaults.putToAll(names.card(node, snapshot), hashed(closing), o)) adopted.push(run);
  }
  return adopted;
}
