import { faultOfTiers, type Tiers, tiersOf, type WrittenTiers } from "../../vault/retain/index.ts";
import type { Mistake } from "./parse.ts";
import type { WrittenConfig } from "./schema.ts";
import type { Config, NodeSettings, VaultSettings } from "./types.ts";

/** What the schema cannot say of rules: that together they keep something, and do not speak against each other. */
export function checkTiers({ tiers, vault, vaults, nodes }: WrittenConfig): Mistake[] {
  const places: (readonly [Mistake["path"], WrittenTiers | undefined])[] = [
    [["tiers"], tiers],
    [["vault", "tiers"], typeof vault === "object" ? vault.tiers : undefined],
    ...(vaults ?? []).map((one, at) => [["vaults", at, "tiers"], one.tiers] as const),
    ...Object.entries(nodes).map(([name, one]) => [["nodes", name, "tiers"], one.tiers] as const),
  ];
  return places.flatMap(([path, written]) => {
    const words = written === undefined ? null : faultOfTiers(tiersOf(written));
    return words === null ? [] : [{ path, words }];
  });
}

const DIRECTORY_DAYS = 7;
const BUCKET_DAYS = 15;

/**
 * The rules for a node's snapshots in a vault: the node's own, else the vault's, else those of the whole file. Where none
 * are written, all of a week are kept in a directory and of 15 days elsewhere; `written` is false then.
 */
export function tiersFor(
  { tiers }: Pick<Config, "tiers">,
  vault: VaultSettings,
  node: NodeSettings,
): { readonly tiers: Tiers; readonly written: boolean } {
  const written = node.tiers ?? vault.tiers ?? tiers;
  if (written !== undefined) return { tiers: written, written: true };
  const days = vault.url.startsWith("file:") ? DIRECTORY_DAYS : BUCKET_DAYS;
  return { tiers: tiersOf({ keep_within: `${days}d`, timezone: "UTC" }), written: false };
}
