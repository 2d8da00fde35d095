import { ColdkeepError, names, VERSION } from "../names/index.ts";
import type { VaultJson } from "./types.ts";

/**
 * Checks that this version may change the vault: what a newer one agreed upon there, an older one could break without
 * noticing. Reading needs no such check, since every object tells its own format.
 * @throws ColdkeepError `refused` where the vault asks for a newer version.
 */
export function assertMayWork(vault: VaultJson, as: "agent" | "keeper", own: string = VERSION): void {
  const needed = as === "agent" ? vault.min_agent : vault.min_keeper;
  if (compare(own, needed) >= 0) return;
  throw new ColdkeepError("refused", {
    what: "this coldkeep is too old to change the vault",
    on: names.VAULT_JSON,
    why: `its ${as} must be of version ${needed} or newer, this is ${own}`,
    todo: `update coldkeep to ${needed} or newer; reading and restoring still work with this one`,
  });
}

/** Below, at or above zero as the first version is older, the same or newer; a pre-release counts as what it leads to. */
function compare(a: string, b: string): number {
  const [left = [], right = []] = [a, b].map((version) => (version.match(/\d+/g) ?? []).slice(0, 3).map(Number));
  for (const [at, number] of left.entries()) {
    const difference = number - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
