import type { CardCore } from "../../vault/card/index.ts";
import { names, type SnapshotId } from "../../vault/names/index.ts";
import { hashed } from "../../vault/store/hashed.ts";
import { contended } from "../index-files.ts";
import { readKeyFile } from "../key-outside.ts";
import { readCommitted } from "../read.ts";
import type { Ledger } from "./ledger.ts";
import { inTheWay, put } from "./transfer.ts";
import type { CopyJob } from "./types.ts";

const ATTEMPTS = 8;

/**
 * Brings a key.json, the one object that may change after its snapshot: where both vaults have one, the later
 * generation goes to the target and none ever falls. False where it is damaged in either.
 * @param known the snapshot's card, where it is at hand
 */
export async function copyKeyFile(job: CopyJob, id: SnapshotId, ledger: Ledger, known?: CardCore): Promise<boolean> {
  const { from, to, dryRun = false } = job.options;
  const name = names.keyJson(job.scope.node, id);
  if (job.assured.has(name)) return true;
  const core = known ?? (await readCommitted(from, job.scope, id))?.core ?? null;
  const ours = await readKeyFile(from, job.scope, id, core);
  if ("damage" in ours) return ledger.damaged(ours.damage);
  const size = ours.bytes.length;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const theirs = await readKeyFile(to, job.scope, id, core);
    if ("damage" in theirs && theirs.damage.problem !== "missing") {
      return ledger.damaged(inTheWay(name, `something else: ${theirs.damage.detail}`));
    }
    if (!("damage" in theirs) && theirs.generation >= ours.generation) {
      ledger.kept(size);
      job.assured.add(name);
      return true;
    }
    if (dryRun) {
      ledger.sent(size);
      job.assured.add(name);
      return true;
    }
    if ("damage" in theirs) return put(job, name, hashed(ours.bytes), ledger);
    if (!(await to.replace(name, ours.bytes, theirs.etag)).replaced) continue;
    ledger.sent(size);
    job.assured.add(name);
    return true;
  }
  throw contended(name);
}
