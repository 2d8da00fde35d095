import type { CardCore } from "../../vault/card/index.ts";
import { names, type SnapshotId } from "../../vault/names/index.ts";
import { LivePacks } from "../../vault/retain/index.ts";
import type { ObjectDamage } from "../pack-lists.ts";
import { indexesOf } from "../ranges.ts";
import { readCommitted } from "../read.ts";
import { graceOf } from "../retain/grace.ts";
import { scanSnapshots } from "../retain/scan.ts";
import type { CopyJob } from "./types.ts";

/**
 * Whether the target's collector is at a pack that this snapshot would find there: one that goes with a snapshot whose
 * deletion is decided, and that none which stays there uses. The collector puts its word before it looks which cards there
 * are: whoever asks this once its own card is there, and is told null, was seen by every collector from then on.
 * @throws ColdkeepError `integrity` for a fate in the target that cannot be read.
 */
export async function goingThere(job: CopyJob, core: CardCore): Promise<ObjectDamage | null> {
  const inherited = core.origins.filter(({ snapshot }) => snapshot !== core.snapshot);
  if (inherited.length === 0) return null;
  const { to } = job.options;
  const snapshots = await scanSnapshots(to, job.scope.node);
  const going = new Set<SnapshotId>();
  for (const [id, files] of snapshots) {
    if (id === core.snapshot || files.card === null || files.fates.size === 0) continue;
    if ((await graceOf(to, job.scope, id, files)).state === "collecting") going.add(id);
  }
  if (going.size === 0) return null;
  const usedBy = async (wanted: (id: SnapshotId) => boolean) => {
    const packs = new LivePacks();
    for (const [id, { card }] of snapshots) {
      if (card === null || id === core.snapshot || !wanted(id)) continue;
      packs.add((await readCommitted(to, job.scope, id))?.core.origins ?? []);
    }
    return packs;
  };
  const leaving = await usedBy((id) => going.has(id));
  if (!inherited.some(({ snapshot }) => leaving.uses(snapshot))) return null;
  const staying = await usedBy((id) => !going.has(id));
  for (const { snapshot, ranges } of inherited) {
    for (const index of indexesOf(ranges)) {
      if (!leaving.has(snapshot, index) || staying.has(snapshot, index)) continue;
      const [first] = going;
      return {
        object: names.pack(job.scope.node, snapshot, index),
        problem: "missing",
        detail: `the target is deleting it with ${going.size === 1 ? first : `${going.size} snapshots`}: once its gc is through, \`coldkeep copy --repair\` brings it`,
      };
    }
  }
  return null;
}
