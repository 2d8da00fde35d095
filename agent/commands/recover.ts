import { recoverFreeze } from "../freeze/index.ts";
import type { NodeControl } from "../node/types.ts";
import { recoverRestore } from "../restore/index.ts";
import { nodeFolder } from "../state/index.ts";
import type { Call } from "./define.ts";
import type { Session } from "./session.ts";

/**
 * Undoes what a run that was killed left behind, the outage first. Called by whatever touches the node, under the
 * node's lock and before anything else.
 */
export async function recover({ config, node }: Session, control: NodeControl, call: Call): Promise<void> {
  const { progress, io } = call;
  const stateDir = nodeFolder(config.stateDir, node.name);
  const freeze = await recoverFreeze({ node: node.name, stateDir, control, progress, signal: io.signal });
  if (freeze !== null) progress.warn(`an earlier run was cut off; ${freeze.did.join("; ")}`);
  const restore = await recoverRestore({ stateDir: config.stateDir, node: node.name, progress });
  if (restore !== null) progress.warn(`an earlier restore was cut off; ${restore.did.join("; ")}`);
}
