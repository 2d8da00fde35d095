import type { Clock } from "../../posix/clock.ts";
import type { Progress } from "../../vault/names/index.ts";
import { fileFreezer } from "./file-freezer.ts";
import type { Freezer } from "./freezer.ts";
import { makePlace, type PlannedPlace } from "./frozen-place.ts";
import { meansOf } from "./means.ts";
import { snapshotFreezer } from "./snapshot-freezer.ts";
import type { FreezeMeans } from "./types.ts";
import { ownSubvolumes, type PlannedVolumes, planVolumes, type VolumeContext } from "./volumes/index.ts";

/** What freezes these places: snapshots of these volumes, or null for file by file. Nothing is changed. @throws ColdkeepError. */
export async function chooseVolumes(
  plans: readonly PlannedPlace[],
  context: VolumeContext,
): Promise<PlannedVolumes | null> {
  const means = meansOf(plans.map(({ root }) => root));
  if (means === "auto") return ownSubvolumes(plans, context);
  return isVolumeKind(means) ? planVolumes(means, plans, context) : null;
}

function isVolumeKind(means: FreezeMeans): means is PlannedVolumes["kind"] {
  return means === "btrfs" || means === "lvm" || means === "zfs";
}

/** The freezer that was chosen; makes the folders that its tree lies in. @throws ColdkeepError. */
export function makeFreezer(o: {
  readonly plans: readonly PlannedPlace[];
  readonly planned: PlannedVolumes | null;
  readonly context: VolumeContext;
  readonly clock: Clock;
  readonly progress: Progress;
}): Freezer {
  const { plans, planned } = o;
  return planned === null ? fileFreezer(plans.map(makePlace)) : snapshotFreezer({ ...o, planned });
}
