import type { CardCore } from "../vault/card/index.ts";
import { names } from "../vault/names/index.ts";
import type { Lister, Reader } from "../vault/store/facets.ts";
import { type NodeScope, readCommitted } from "./read.ts";
import { cardIds } from "./scan-names.ts";
import { findUsedPacks, type UsedPacks } from "./uses.ts";

/**
 * Which object of the node has this digest, by what cards and lists record; null where none does. Looks at this
 * snapshot first, then at all others: it is asked only where something is damaged.
 */
export async function identify(
  store: Reader & Lister,
  scope: NodeScope,
  core: CardCore,
  used: UsedPacks,
  sha256: string,
): Promise<string | null> {
  const here = recordedIn(scope, core, used, sha256);
  if (here !== null) return here;
  for (const id of await cardIds(store, scope.node)) {
    const card = id === core.snapshot ? null : await readCommitted(store, scope, id);
    if (card === null) continue;
    const name = recordedIn(scope, card.core, await findUsedPacks(store, scope, card.core), sha256);
    if (name !== null) return name;
  }
  return null;
}

function recordedIn(scope: NodeScope, core: CardCore, used: UsedPacks, sha256: string): string | null {
  if (core.manifest.sha256 === sha256) return names.manifest(scope.node, core.snapshot);
  for (const [at, list] of core.pack_lists.entries()) {
    if (list.sha256 === sha256) return names.packList(scope.node, core.snapshot, at);
  }
  for (const [origin, rows] of used.rows) {
    for (const row of rows.values()) if (row.sha256 === sha256) return names.pack(scope.node, origin, row.index);
  }
  return null;
}
