import type { NodeSettings } from "../config/index.ts";
import type { FreezeRoot } from "../freeze/types.ts";
import { makeManager, makeProbe } from "../node/index.ts";
import type { NodeControl } from "../node/types.ts";
import { captureSetOf } from "../profiles/index.ts";
import type { CaptureSet } from "../profiles/types.ts";
import { nodeKeyFile } from "./node-key.ts";

/** How the node is driven and asked, as configured. */
export function controlOf(node: NodeSettings): NodeControl {
  const { name, service, limits, hooks, health, height } = node;
  const keyFile = nodeKeyFile(node);
  return {
    name,
    manager: makeManager(service),
    probe: makeProbe({ ...(health === undefined ? {} : { health }), ...(height === undefined ? {} : { height }) }),
    limits,
    ...(hooks === undefined ? {} : { hooks }),
    ...(keyFile === undefined ? {} : { keyFile }),
  };
}

/** What is known of the node's files, with the globs and chains of the configuration on top. */
export function profileFor({ profile, globs, lean, chains }: NodeSettings): CaptureSet {
  return captureSetOf(profile, globs, { lean: lean === true, chains });
}

/** The node's folders but those `without`, and where their frozen trees lie. */
export function freezeRootsOf(
  { roots, freezeDir }: NodeSettings,
  without: readonly string[] = [],
): readonly FreezeRoot[] {
  const captured = roots.filter(({ name }) => !without.includes(name));
  return captured.map((root) => (freezeDir === undefined ? root : { ...root, freezeDir }));
}
