import type { Tool } from "../../node/index.ts";
import type { Latin1 } from "../bytes.ts";
import type { PlannedPlace } from "../frozen-place.ts";

/** What takes read-only snapshots of a whole volume. */
export type VolumeKind = "btrfs" | "lvm" | "zfs";

/** A snapshot as the journal holds it, before it is made: enough to find it again, and no more than ours. */
export type VolumeRecord =
  | {
      readonly kind: "btrfs";
      /** The subvolume, and its snapshot in the folder of the run; latin1. */
      readonly source: Latin1;
      readonly path: Latin1;
    }
  | {
      readonly kind: "lvm";
      readonly group: string;
      readonly volume: string;
      readonly name: string;
      /** Bytes for what is overwritten while it is there; null where a thin pool gives them. */
      readonly space: number | null;
      /** Of the file system in it. */
      readonly type: string;
    }
  | {
      readonly kind: "zfs";
      readonly dataset: string;
      readonly name: string;
    };

export type RecordOf<Kind extends VolumeKind> = Extract<VolumeRecord, { readonly kind: Kind }>;

/** A volume that holds roots, found good for a snapshot; none is made yet. */
export interface PlannedVolume {
  readonly record: VolumeRecord;
  /** For people: "btrfs subvolume /srv/node". */
  readonly label: string;
  /** The top of the volume as it is mounted, latin1: what lies below it is found below the snapshot's top. */
  readonly top: Latin1;
}

/** What a kind of volume needs for its plans and its commands. */
export interface VolumeContext {
  readonly tools: (program: string) => Tool;
  /** Names snapshots: of this node and this run, and of no other. */
  readonly name: (index: number) => string;
  /** Where the volume of that index is mounted, latin1; a folder of ours. */
  readonly mountPoint: (index: number) => Latin1;
  /** Bytes for what is overwritten in a volume while it is read; null: some of its size. */
  readonly space: number | null;
}

/** One way to take snapshots. What it is given of a record is its own kind's. */
export interface Volumes<Kind extends VolumeKind> {
  /**
   * The volume that a root lies on. Nothing is changed.
   * @throws ColdkeepError `config` where it is no such volume or what it takes is not installed; `no-space`, `permission`.
   */
  plan(place: PlannedPlace, index: number, context: VolumeContext): Promise<PlannedVolume>;
  /** Takes the snapshot. @throws ColdkeepError `refused`, `no-space`, `permission`. */
  take(record: RecordOf<Kind>, context: VolumeContext): Promise<void>;
  /** Makes it readable; its top, latin1. @throws ColdkeepError. */
  open(record: RecordOf<Kind>, index: number, context: VolumeContext): Promise<Latin1>;
  /** Removes it where it is there and ours; what is gone already is no error. @throws ColdkeepError. */
  remove(record: RecordOf<Kind>, index: number, context: VolumeContext): Promise<void>;
}

/** Long enough for what is dirty in memory to reach the disk. Milliseconds. */
export const TAKE_LIMIT = 120_000;
/** For questions, mounts and removals. */
export const ASK_LIMIT = 60_000;
