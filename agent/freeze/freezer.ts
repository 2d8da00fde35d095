import type { Latin1 } from "./bytes.ts";
import type { FileGroups } from "./file-groups.ts";
import type { Inodes } from "./freeze-files.ts";
import type { FrozenPlace } from "./frozen-place.ts";
import type { Counts } from "./records.ts";
import type { FreezeRun } from "./run.ts";
import type { CopyNeeds } from "./space.ts";
import type { KnownFiles } from "./types.ts";
import type { FileHandler } from "./walk.ts";

/** One way to make a view of a stopped node's files: by links and copies, or by a snapshot of their volume. */
export interface Freezer {
  /** What the node's own folders are walked as, before and during the stop. */
  readonly places: readonly FrozenPlace[];
  /** Of the first walk, while the node runs: adds to `needs` what will have to be copied. */
  first(inodes: Inodes, needs: CopyNeeds, known: KnownFiles | undefined): FileHandler;
  /** Of walks after it, until the node is proven to be down: learns what is new. */
  later(inodes: Inodes): FileHandler;
  /** Told of what lies on another device within a root, by its path. @throws ColdkeepError where that will not do. */
  nested?(path: Latin1): void;
  /** The last that is done before the node is asked to stop. */
  ready(): Promise<void>;
  /**
   * The node is proven to be down, and stays so until this is done: nothing that it does later changes what was there
   * now. Files that were not known to the proof go into `fresh`.
   */
  freeze(run: FreezeRun, fresh: Inodes, known: KnownFiles | undefined): Promise<void>;
  /** What is left to be done once the node was asked to start. */
  finish(run: FreezeRun, known: KnownFiles | undefined): Promise<Finished>;
}

/** The view, as its entries are read. */
export interface Finished {
  readonly places: readonly FrozenPlace[];
  /** The walk whose rows its entries are. */
  readonly walk: number;
  readonly counts: Counts;
  readonly groups: FileGroups;
  /** What snapshots were taken of, for people. */
  readonly volumes?: readonly string[];
}
