import type { NodeSettings } from "../config/index.ts";
import type { FreezeRoot } from "../freeze/types.ts";
import { copyOut, makeManager, makeProbe } from "../node/index.ts";
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
    ...fetching(node),
  };
}

/** Where a container has no volume, its files are copied into the roots while it is down. */
function fetching({ service, roots }: NodeSettings): Pick<NodeControl, "fetch"> {
  if (service.manager !== "docker" || service.copyOut === undefined) return {};
  const folders = Object.entries(service.copyOut).flatMap(([name, inside]) =>
    roots.flatMap((root) => (root.name === name ? [{ inside, outside: root.path }] : [])),
  );
  return { fetch: copyOut(service.program, service.container, folders) };
}

/** What is known of the node's files, with the globs and chains of the configuration on top. */
export function profileFor({ profile, globs, lean, chains }: NodeSettings): CaptureSet {
  return captureSetOf(profile, globs, { lean: lean === true, chains });
}

/** The node's folders but those `without`, and where their frozen trees lie. */
export function freezeRootsOf(
  { roots, freezeDir, freeze, snapshotSpace }: NodeSettings,
  without: readonly string[] = [],
): readonly FreezeRoot[] {
  const captured = roots.filter(({ name }) => !without.includes(name));
  const how = {
    ...(freezeDir === undefined ? {} : { freezeDir }),
    ...(freeze === undefined ? {} : { means: freeze }),
    ...(snapshotSpace === undefined ? {} : { snapshotSpace }),
  };
  return captured.map((root) => ({ ...root, ...how }));
}
