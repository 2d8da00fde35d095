import { isColdkeepError, type SnapshotId } from "../../vault/names/index.ts";
import { type KeptFiles, keepOld, settleKept } from "./keep-old.ts";
import { cardRef, findKeyFiles, orphanCommits } from "./key-files.ts";
import { rekeyOne } from "./rekey-one.ts";
import type { RekeyOptions, RekeyOutcome } from "./types.ts";

/** Key files at once. */
const AT_ONCE = 16;

/**
 * Changes who can open a node's snapshots, by rewriting their key files and nothing else. Each file is done by itself, and
 * one that is as it should be is left alone: a run that was cut off is simply run again. What fails does not keep the
 * others back; it is in the outcome.
 */
export async function rekeyNode(o: RekeyOptions): Promise<RekeyOutcome[]> {
  for (const snapshot of await settleKept(o)) {
    o.progress.warn(`an earlier run was cut off: the key file of ${snapshot} was brought back`);
  }
  const ids = await findKeyFiles(o);
  const orphans = await orphanCommits(o);
  const kept = keepOld(o.keepFolder);
  const outcomes: RekeyOutcome[] = [];
  let next = 0;
  const work = async () => {
    for (let id = ids[next++]; id !== undefined; id = ids[next++]) {
      o.signal.throwIfAborted();
      outcomes.push(await attempt(o, id, orphans, kept));
    }
  };
  try {
    const ended = await Promise.allSettled(Array.from({ length: AT_ONCE }, work));
    const failed = ended.find((one) => one.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  } finally {
    kept.close();
  }
  return outcomes.toSorted((a, b) => (a.snapshot < b.snapshot ? -1 : 1));
}

async function attempt(
  o: RekeyOptions,
  snapshot: SnapshotId,
  orphans: Awaited<ReturnType<typeof orphanCommits>>,
  kept: KeptFiles,
): Promise<RekeyOutcome> {
  try {
    const orphan = orphans.get(snapshot);
    if (orphan !== undefined) return await rekeyOne(o, orphan, null, kept);
    const { card, ref } = await cardRef(o, snapshot);
    return await rekeyOne(o, ref, card, kept);
  } catch (error) {
    if (!isColdkeepError(error) || error.kind === "interrupted") throw error;
    return { snapshot, outcome: "failed", added: [], removed: [], others: [], why: error.message };
  }
}
