import type { Clock } from "../../posix/clock.ts";
import type { Heights } from "../../vault/card/types.ts";
import type { Latin1 } from "./bytes.ts";
import type { Inodes } from "./freeze-files.ts";
import type { Freezer } from "./freezer.ts";
import type { FrozenPlace } from "./frozen-place.ts";
import type { FreezeRecord } from "./journal.ts";
import type { Notes } from "./notes.ts";
import type { FreezeOptions } from "./types.ts";
import type { FileHandler } from "./walk.ts";
import type { WalkFiles, WalkWriter } from "./walk-files.ts";

export interface PassOptions {
  readonly settled: boolean;
  readonly again: boolean;
  readonly views?: { readonly places: readonly FrozenPlace[]; readonly mounts: ReadonlySet<Latin1> };
}

/** A freeze between its preparation and its end. */
export interface FreezeRun {
  readonly options: FreezeOptions;
  readonly clock: Clock;
  /** Sorted by their roots' names. */
  readonly places: readonly FrozenPlace[];
  readonly files: WalkFiles;
  /** Of all files that a walk has met. */
  readonly inodes: Inodes;
  readonly notes: Notes;
  readonly heights: Heights | null;
  readonly freezer: Freezer;
  /** Mount points as the run found them, latin1. */
  readonly mounts: ReadonlySet<Latin1>;
  readonly record: Omit<FreezeRecord, "format" | "identity" | "step">;
  /**
   * Walks all roots once more, building on the walk before. `settled`: the node is said to be down; `again`: files of
   * folders that did not change are looked at, where they may have changed. `views`: walked in the place of the node's own
   * folders, from nothing.
   * @throws the signal's reason on abort.
   */
  pass(handle: FileHandler, how: PassOptions): Promise<WalkWriter>;
  /** Removes frozen trees and records; the journal stays. */
  removeTrees(): Promise<void>;
  /** Removes frozen trees, records and journal. Safe to call twice. */
  undo(): Promise<void>;
}
