import { mkdirSync } from "node:fs";
import type { Clock } from "../../posix/clock.ts";
import type { Progress } from "../../vault/names/index.ts";
import { below, type Latin1, toBytes } from "./bytes.ts";
import { FileGroups } from "./file-groups.ts";
import { hasHonestTimes } from "./fingerprint.ts";
import { inSnapshot, knownBy, whileLooking } from "./freeze-files.ts";
import type { Freezer } from "./freezer.ts";
import type { FrozenPlace, PlannedPlace } from "./frozen-place.ts";
import { statOf } from "./look.ts";
import { lookOnly } from "./look-only.ts";
import { addCounts } from "./records.ts";
import { nestedIn, openVolume, type PlannedVolumes, takeVolume, type VolumeContext } from "./volumes/index.ts";
import { asWord } from "./volumes/mounted.ts";

const SYNC_LIMIT = 300_000;

export interface SnapshotFreezerOptions {
  /** In the order of their roots' names; `planned.of` has a volume for each. */
  readonly plans: readonly PlannedPlace[];
  readonly planned: PlannedVolumes;
  readonly context: VolumeContext;
  readonly clock: Clock;
  readonly progress: Progress;
}

/**
 * Freezes by read-only snapshots of the volumes that hold the roots: taken while the node is down, read once it was
 * started. Nothing is copied, and no class of file is trusted.
 */
export function snapshotFreezer({ plans, planned, context, clock, progress }: SnapshotFreezerOptions): Freezer {
  const { volumes, of, kind } = planned;
  const places = plans.map((plan) => lookOnly(plan, true, clock));
  let takenAt = 0;
  for (const { record } of volumes) {
    if (record.kind !== "btrfs") continue;
    // Beside the root, where its frozen trees lie.
    mkdirSync(toBytes(record.path.slice(0, record.path.lastIndexOf("/"))), { recursive: true, mode: 0o700 });
  }
  return {
    places,
    first: (inodes) => whileLooking(inodes),
    later: (inodes) => whileLooking(inodes),
    nested: nestedIn(kind, plans),
    async ready() {
      // A snapshot writes out what is dirty first: the less, the shorter the outage.
      const paths = plans.map(({ path }) => asWord(path));
      await context.tools("sync").try(["--file-system", ...paths], { timeoutMs: SYNC_LIMIT });
    },
    async freeze({ pass, inodes }, fresh) {
      takenAt = clock.now();
      for (const { record } of volumes) await takeVolume(record, context);
      await pass(whileLooking(fresh, inodes), { settled: true, again: false });
    },
    async finish({ pass, mounts }, known) {
      const tops: Latin1[] = [];
      for (const [index, { record, label }] of volumes.entries()) {
        tops.push(await openVolume(record, index, context));
        progress.note(`frozen by a snapshot: ${label}`);
      }
      const views = plans.map((plan, at): FrozenPlace => {
        const [index = 0, live] = [of[at], places[at]];
        const inside = plan.path.slice(volumes[index]?.top.replace(/\/$/, "").length).replace(/^\//, "");
        const path = below(tops[index] ?? "", inside);
        if (live === undefined) throw new Error("a root without a place");
        return {
          ...live,
          path,
          readDev: statOf(path)?.dev ?? live.dev,
          honestTimes: hasHonestTimes(path),
          // What changed within a tick before the snapshot may have changed after it, and bear the same time.
          now: () => BigInt(Math.floor(takenAt)) * 1_000_000n,
        };
      });
      const groups = new FileGroups();
      const handle = inSnapshot(groups, knownBy(known));
      const inside = new Set(
        [...mounts].flatMap((point) => views.flatMap((view, at) => movedTo(point, plans[at], view))),
      );
      const { walk, counts } = await pass(handle, {
        settled: true,
        again: true,
        views: { places: views, mounts: inside },
      });
      return {
        places: views,
        walk,
        groups,
        counts: addCounts(counts, groups.end()),
        volumes: volumes.map(({ label }) => label),
      };
    },
  };
}

/** Where a mount point below a root lies in the view of it. */
function movedTo(point: Latin1, plan: PlannedPlace | undefined, view: FrozenPlace): Latin1[] {
  return plan !== undefined && point.startsWith(`${plan.path}/`) ? [view.path + point.slice(plan.path.length)] : [];
}
