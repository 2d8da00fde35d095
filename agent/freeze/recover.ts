import { rmSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { isAlive } from "../../posix/process.ts";
import { ColdkeepError, type Progress } from "../../vault/names/index.ts";
import { startAndWait } from "../node/control.ts";
import type { NodeControl } from "../node/types.ts";
import { removeRun } from "./frozen-place.ts";
import { type FreezeRecord, journalPath, readJournal, recordsFolder, removeJournal } from "./journal.ts";
import type { FreezeOptions } from "./types.ts";
import { removeVolumes, volumeContext } from "./volumes/index.ts";

export interface RecoverFreezeOptions {
  readonly node: string;
  /** `<state dir>/<node>`. */
  readonly stateDir: string;
  readonly control: NodeControl;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** As of a freeze. */
  readonly tools?: FreezeOptions["tools"];
}

/**
 * Undoes what a run that was killed left behind, by its journal: the node is started first, where it may have been
 * stopped, then the frozen trees go. Null where nothing was left. Safe to call at any time.
 * @throws ColdkeepError `busy` where that run is alive; `node-start` where the node does not come back, the journal
 * then stays; `integrity` where the journal cannot be read; the signal's reason on abort.
 */
export async function recoverFreeze(o: RecoverFreezeOptions): Promise<null | { readonly did: string[] }> {
  const record = readJournal(o.stateDir);
  if (record === null) return null;
  assertDead(record, o);
  const did: string[] = [];
  if (record.step === "stopping" && o.control.manager.controls) {
    await startAndWait(o.control, o.progress, o.signal);
    did.push(`${record.node} was started, as it had been asked to stop`);
  }
  const { volumes = [], run } = record;
  await removeVolumes(volumes, volumeContext({ node: record.node, run, stateDir: o.stateDir, tools: o.tools }));
  for (const folder of record.frozen) await removeRun(folder, nextTurn);
  rmSync(recordsFolder(o.stateDir), { recursive: true, force: true });
  removeJournal(o.stateDir);
  did.push(`the frozen tree of ${record.run} was removed`);
  return { did };
}

function assertDead({ identity, run, node }: FreezeRecord, { stateDir }: RecoverFreezeOptions): void {
  if (identity === null || !isAlive(identity)) return;
  throw new ColdkeepError("busy", {
    what: "another freeze of this node is under way",
    on: node,
    why: `process ${identity.pid} works on ${run} (${journalPath(stateDir)})`,
    todo: "wait for it to end, or stop it",
    retryable: true,
  });
}
