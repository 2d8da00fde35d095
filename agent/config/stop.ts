import { parseDuration } from "../../vault/retain/index.ts";
import type { Mistake } from "./parse.ts";
import type { WrittenConfig } from "./schema.ts";
import type { ConditionSettings, StopSettings } from "./types-stop.ts";
import { parseWindow } from "./windows.ts";

type WrittenNode = WrittenConfig["nodes"][string];

/** When a node may be stopped, of a file that follows the schema. */
export function stopOf(node: WrittenNode, timezone: string | undefined): StopSettings {
  const { skip_if_syncing, skip_if_leader, group, max_down_in_group, group_wait } = node;
  const syncing = conditionOf(skip_if_syncing);
  const leader = conditionOf(skip_if_leader);
  return {
    windows: node.windows.flatMap((text) => parseWindow(text) ?? []),
    timezone: node.timezone ?? node.tiers?.timezone ?? timezone ?? "UTC",
    ...(syncing === undefined ? {} : { skipIfSyncing: syncing }),
    ...(leader === undefined ? {} : { skipIfLeader: leader }),
    ...(group === undefined
      ? {}
      : { group: { name: group, most: max_down_in_group ?? 1, waitMs: parseDuration(group_wait) ?? 0 } }),
  };
}

/** What the schema cannot say: how many of a group may be down takes a group. */
export function checkStop({ nodes }: WrittenConfig): Mistake[] {
  return Object.entries(nodes).flatMap(([name, { group, max_down_in_group }]) =>
    group === undefined && max_down_in_group !== undefined
      ? [{ path: ["nodes", name, "max_down_in_group"], words: "of which group? write group: and its name" }]
      : [],
  );
}

function conditionOf(written: WrittenNode["skip_if_leader"]): ConditionSettings | undefined {
  if (written === undefined) return undefined;
  const is = (Array.isArray(written.is) ? written.is : [written.is]).map(String);
  if ("url" in written) return { url: written.url, field: written.field, is };
  return { command: written.command, ...(written.field === undefined ? {} : { field: written.field }), is };
}
