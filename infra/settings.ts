import type { WrittenNode, WrittenSettings } from "../lambdas/common/contract.ts";
import type { InfraConfig } from "./types.ts";

/** What the functions are told of nodes: each with what holds for all, where it says nothing itself. */
export function settingsOf(config: InfraConfig): WrittenSettings {
  const nodes = Object.entries(config.nodes).map(([name, node]): WrittenNode => {
    const tiers = node.tiers ?? config.tiers;
    return {
      name,
      ...(tiers === undefined ? {} : { tiers }),
      ...(node.card_key === undefined ? {} : { card_key: node.card_key }),
      at: node.at ?? config.at ?? "00:00",
      stale_after: node.stale_after ?? config.stale_after ?? "26h",
      reread_days: node.reread_days ?? config.reread_days ?? 30,
    };
  });
  return { format: 1, nodes };
}
