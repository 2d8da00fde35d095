import type { NodeSettings } from "../config/index.ts";
import { recoverFreeze } from "../freeze/index.ts";
import type { NodeControl } from "../node/types.ts";
import { recoverRestore } from "../restore/index.ts";
import { nodeFolder } from "../state/index.ts";
import type { Call } from "./define.ts";
import { pendingMoves } from "./pending-moves.ts";

/** Where a node's state lies. */
interface Place {
  readonly config: { readonly stateDir: string };
  readonly node: NodeSettings;
}

/** As `undoLeftBehind`, and says so. What a restore has staged is kept for it to go on from. */
export async function recover(place: Place, control: NodeControl, call: Call): Promise<void> {
  const did = await undoLeftBehind(place, control, call, true);
  if (did.length > 0) call.progress.warn(`an earlier run was cut off; ${did.join("; ")}`);
}

/**
 * Undoes what a run that was killed left behind, the outage first. Called by whatever touches the node, under the
 * node's lock and before anything else. Answers with what was done, in words; nothing where nothing was left.
 */
export async function undoLeftBehind(
  { config, node }: Place,
  control: NodeControl,
  call: Call,
  keepStaged: boolean,
): Promise<string[]> {
  const { progress, io } = call;
  const stateDir = nodeFolder(config.stateDir, node.name);
  const freeze = await recoverFreeze({ node: node.name, stateDir, control, progress, signal: io.signal });
  const restore = await recoverRestore({ stateDir: config.stateDir, node: node.name, keepStaged, progress });
  const moved = pendingMoves(config.stateDir, node).settle(restore?.swapped === true);
  return [...(freeze?.did ?? []), ...(restore?.did ?? []), ...moved];
}
