import type { CardCore } from "../../vault/card/index.ts";
import { names, type SnapshotId, silent } from "../../vault/names/index.ts";
import { packSizes } from "../packs-present.ts";
import { copyKeyFile } from "./key-files.ts";
import type { Ledger } from "./ledger.ts";
import type { Needs } from "./needs.ts";
import { inTheWay, transfer, type WantedObject } from "./transfer.ts";
import type { CopyJob } from "./types.ts";
import { eachWithin } from "./within.ts";

/** Objects in flight, and their bytes. */
const AT_ONCE = 4;
const IN_FLIGHT = 192 << 20;

/**
 * Brings all that a snapshot's card promises: keys first, as nothing opens without them, then what vouches for packs, the
 * packs, the manifest. What is there with the right size is not sent again. False where something is damaged; then the
 * rest is left.
 */
export async function bringData(job: CopyJob, core: CardCore, needs: Needs, ledger: Ledger): Promise<boolean> {
  for (const id of needs.keys) {
    if (!(await copyKeyFile(job, id, ledger, id === core.snapshot ? core : undefined))) return false;
  }
  const manifest: WantedObject = { name: names.manifest(core.node, core.snapshot), ...core.manifest };
  const lacking = [
    ...(await lackingOnes(job, [...needs.records, manifest], ledger)),
    ...(await lackingPacks(job, needs, ledger)),
  ];
  if (ledger.damages.length > 0) return false;
  await bring(job, core.snapshot, lacking, ledger);
  return ledger.damages.length === 0;
}

/**
 * All is looked at once more when it is next needed, also what this job has sent: one that slept for a grace before its card
 * was there has met a collector that took it for what a dead one left.
 */
export function forgetAll(job: CopyJob): void {
  job.assured.clear();
}

async function bring(job: CopyJob, id: SnapshotId, lacking: readonly WantedObject[], ledger: Ledger): Promise<void> {
  const { dryRun = false, signal, progress = silent } = job.options;
  if (lacking.length === 0) return;
  let total = 0;
  for (const { size } of lacking) total += size;
  progress.stage(`copy ${id}`, total);
  const one = async (wanted: WantedObject) => {
    signal?.throwIfAborted();
    if (dryRun) {
      ledger.sent(wanted.size);
      job.assured.add(wanted.name);
    } else if (!(await transfer(job, wanted, ledger))) return false;
    progress.advance(wanted.size);
    return true;
  };
  await eachWithin(lacking, { width: AT_ONCE, bytes: { limit: IN_FLIGHT, of: ({ size }) => size } }, one);
}

async function lackingOnes(job: CopyJob, objects: readonly WantedObject[], ledger: Ledger): Promise<WantedObject[]> {
  const lacking: WantedObject[] = [];
  for (const wanted of objects) {
    if (job.assured.has(wanted.name)) continue;
    const there = await job.options.to.head(wanted.name);
    if (isLacking(job, wanted, there?.size, ledger)) lacking.push(wanted);
  }
  return lacking;
}

async function lackingPacks(job: CopyJob, { packs }: Needs, ledger: Ledger): Promise<WantedObject[]> {
  const { scope, options, assured } = job;
  const byOrigin = new Map<SnapshotId, Map<number, WantedObject>>();
  for (const { origin, index, size, sha256 } of packs) {
    const name = names.pack(scope.node, origin, index);
    if (assured.has(name)) continue;
    const ofOrigin = byOrigin.get(origin) ?? new Map<number, WantedObject>();
    byOrigin.set(origin, ofOrigin.set(index, { name, size, sha256 }));
  }
  const lacking: WantedObject[] = [];
  for (const [origin, wanted] of byOrigin) {
    const there = await packSizes(options.to, scope, origin, [...wanted.keys()]);
    for (const [index, pack] of wanted) if (isLacking(job, pack, there.get(index), ledger)) lacking.push(pack);
  }
  return lacking;
}

/** An object there with the size it must have was put by whoever hashed it: a store takes no other. */
function isLacking(job: CopyJob, { name, size }: WantedObject, there: number | undefined, ledger: Ledger): boolean {
  if (there === undefined) return true;
  if (there !== size) {
    ledger.damaged(inTheWay(name, `${there} bytes there, expected are ${size}`));
    return false;
  }
  ledger.kept(size);
  job.assured.add(name);
  return false;
}
