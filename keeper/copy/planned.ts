import { type CardCore, type DeletionPlan, parseDeletionPlan } from "../../vault/card/index.ts";
import { names, type SnapshotId } from "../../vault/names/index.ts";
import { LivePacks } from "../../vault/retain/index.ts";
import type { ListedObject } from "../../vault/store/facets.ts";
import type { ObjectDamage } from "../pack-lists.ts";
import { packIndex } from "../packs-present.ts";
import { readCommitted, readObject } from "../read.ts";
import { scanSnapshots } from "../retain/scan.ts";
import { MAX_BYTES } from "../rules.ts";
import type { CopyJob } from "./types.ts";

/** Of each plan in the target that a job has read, the data folders it names something of. */
export type PlansRead = Map<string, ReadonlySet<SnapshotId>>;

/**
 * Whether the target's collector plans to delete, or died before it deleted, something that this snapshot found there: data of
 * which no begin and no card told until now. The collector looks for new cards once its plan is there: whoever asks this once
 * its own card is there, and is told null, was seen by every collector from then on.
 * @throws ColdkeepError `refused` for a plan of a newer format
 */
export async function plannedThere(job: CopyJob, core: CardCore): Promise<ObjectDamage | null> {
  const used = new LivePacks();
  used.add(core.origins);
  const isUsed = (of: SnapshotId, index: number | null) =>
    index === null ? of === core.snapshot || used.uses(of) : used.has(of, index);
  const standing = await stillPlanned(job, isUsed);
  if (standing.length === 0) return null;
  // Whoever put a card before this one has asked for himself.
  const kept = await usedByOthers(job, core.snapshot);
  for (const name of standing) {
    const [of, index] = placeOf(job, name);
    if (index === null ? kept.uses(of) : kept.has(of, index)) continue;
    return {
      object: name,
      problem: "missing",
      detail: "the target's gc took it for nobody's: once that is through, `coldkeep copy --repair` brings it",
    };
  }
  return null;
}

/** Of what is used, the names of objects that lie there in the very version that a plan names. */
async function stillPlanned(
  job: CopyJob,
  isUsed: (of: SnapshotId, index: number | null) => boolean,
): Promise<readonly string[]> {
  const { options, scope, plans } = job;
  const standing: string[] = [];
  for await (const plan of options.to.list(names.plansFolder(scope.node))) {
    const touched = plans.get(plan.name);
    if (touched !== undefined && ![...touched].some((of) => isUsed(of, null))) continue;
    const objects = await plannedData(job, plan);
    plans.set(plan.name, new Set(objects.map(({ name }) => placeOf(job, name)[0])));
    for (const { name, etag, version } of objects) {
      if (!isUsed(...placeOf(job, name))) continue;
      const there = await options.to.head(name);
      if (there === null || there.etag !== etag || there.receivedAt > plan.info.receivedAt) continue;
      if (version === undefined || there.version === undefined || there.version === version) standing.push(name);
    }
  }
  return standing;
}

async function plannedData({ options, scope }: CopyJob, { name }: ListedObject): Promise<DeletionPlan["objects"]> {
  const read = await readObject(options.to, name, MAX_BYTES.plan, (bytes) => parseDeletionPlan(bytes, scope, name));
  // A damaged one says nothing: it stays for months, and matters only while the very run that put it goes on.
  if (read.found !== "it") return [];
  const root = names.dataRoot(scope.node);
  return read.value.objects.filter(({ name }) => name.startsWith(root));
}

/** The folder of an object's name under data/, and a pack's number. */
function placeOf({ scope }: CopyJob, name: string): readonly [of: SnapshotId, index: number | null] {
  const [of = "", shortName = ""] = name.slice(names.dataRoot(scope.node).length).split("/");
  return [of as SnapshotId, packIndex(shortName)];
}

async function usedByOthers({ options, scope }: CopyJob, id: SnapshotId): Promise<LivePacks> {
  const kept = new LivePacks();
  for (const [other, { card }] of await scanSnapshots(options.to, scope.node)) {
    if (card === null || other === id) continue;
    kept.add((await readCommitted(options.to, scope, other))?.core.origins ?? []);
  }
  return kept;
}
