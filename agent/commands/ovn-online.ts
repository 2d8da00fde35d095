import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { NodeSettings } from "../config/index.ts";
import { makeManager } from "../node/index.ts";
import type { NodeControl, NodeProbe } from "../node/types.ts";
import { captureOnline, positions } from "../ovn/index.ts";
import { nodeFolder } from "../state/index.ts";
import type { Answer } from "./answer.ts";
import type { Staged } from "./backup.ts";
import type { Call } from "./define.ts";
import { clusterOf } from "./ovn-cluster.ts";
import type { Session } from "./session.ts";

const PREFIX = "online-";

/**
 * Makes a backup of what the servers of OVN's databases tell, laid out in a folder of the state that goes with it: they
 * are not stopped. `make` gets what lays it out, and calls it under the node's lock.
 */
export async function withDatabases(
  { config, node }: Session,
  call: Call,
  make: (stage: () => Promise<Staged>) => Promise<Answer>,
): Promise<Answer> {
  const state = nodeFolder(config.stateDir, node.name);
  let work: string | null = null;
  try {
    return await make(async () => {
      // What a run left behind that was killed: only this one is active on the node.
      for (const name of readdirSync(state).filter((each) => each.startsWith(PREFIX)))
        rmSync(join(state, name), { recursive: true, force: true });
      work = mkdtempSync(join(state, PREFIX));
      call.progress.stage("ask the servers");
      const [root] = node.roots;
      const path = join(work, root?.name ?? "ovn");
      const heights = await captureOnline(await clusterOf(node, call), path, call.io.signal);
      return stagedAt(node, { name: root?.name ?? "ovn", path }, heights);
    });
  } finally {
    if (work !== null) rmSync(work, { recursive: true, force: true });
  }
}

function stagedAt(node: NodeSettings, root: { name: string; path: string }, heights: Heights | null): Staged {
  const { health: _health, height: _height, freezeDir: _freezeDir, ...rest } = node;
  const control: NodeControl = {
    name: node.name,
    manager: makeManager({ manager: "none" }),
    probe: { health: async () => ({ healthy: true, detail: "its servers answered" }), heights: async () => heights },
    limits: node.limits,
  };
  return {
    node: { ...rest, roots: [root], service: { manager: "none" }, tags: [...node.tags, "online"] },
    control,
  };
}

type Heights = Awaited<ReturnType<NodeProbe["heights"]>>;

/** Databases of OVN tell their raft index as their height, where nothing else is configured and they say where they are. */
export function withPosition(node: NodeSettings, control: NodeControl, call: Call): NodeControl {
  if (node.ovn === undefined || node.height !== undefined) return control;
  const heights: NodeProbe["heights"] = async ({ signal }) =>
    positions(await clusterOf(node, call), signal ?? call.io.signal).catch(() => null);
  const health = control.probe?.health ?? (async () => ({ healthy: true, detail: "nobody asks for its health" }));
  return { ...control, probe: { health, heights } };
}
