import type { Config, NodeSettings, WatchSettings } from "./types.ts";

/** A day, and what a nightly backup may come late. */
const DEFAULT_MAX_AGE = 26 * 3_600_000;

/** The node's own limits, else those of the whole file, else the defaults. Milliseconds. */
export function watchFor(
  { watch }: Pick<Config, "watch">,
  node: NodeSettings,
): WatchSettings & { readonly maxAgeMs: number } {
  return { maxAgeMs: DEFAULT_MAX_AGE, ...watch, ...node.watch };
}
