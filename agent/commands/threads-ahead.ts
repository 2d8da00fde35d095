import { availableParallelism } from "node:os";
import { planThreads, type SealThreads, startSealThreads } from "../backup/index.ts";
import { openNodeState } from "../state/index.ts";
import type { Session } from "./session.ts";

let started: SealThreads | null = null;

/**
 * Starts the threads that seal while the command is still being loaded, where all that the node has is to be sealed: one
 * that has no snapshot yet, or is to share nothing with it. Not for a node whose backups are to leave others something.
 * @throws as `openNodeState`
 */
export function startThreadsAhead({ config, node }: Session, full: boolean): void {
  if (node.pace !== undefined) return;
  if (!full && openNodeState(config.stateDir, node.name).parent !== null) return;
  started = startSealThreads(planThreads(undefined, availableParallelism(), {}).workers);
}

/** What was started, for a run that ends them, too; null where nothing was. */
export function threadsAhead(): SealThreads | null {
  return started;
}

/** Ends what was started. Safe to call twice, and after the run that had them. */
export async function endThreadsAhead(): Promise<void> {
  await started?.close();
  started = null;
}
