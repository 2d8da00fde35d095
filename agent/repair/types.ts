import type { ObjectDamage } from "../../keeper/index.ts";
import type { SnapshotId } from "../../vault/names/index.ts";
import type { Store } from "../../vault/store/facets.ts";
import type { OpenOptions } from "../open/types.ts";

export interface RepairOptions extends Omit<OpenOptions, "snapshot" | "store" | "share" | "olderVersions"> {
  readonly store: Store;
  /** Snapshots to look at; default: every committed card there is. */
  readonly ids?: readonly SnapshotId[];
  /** Compare the SHA-256 of every pack, or of those named; of others presence, size, and the sum the store keeps. */
  readonly readData: boolean | ((pack: string) => boolean);
  /** Where the node's captured folders lie on this host, by the name of the root. */
  readonly roots: ReadonlyMap<string, string>;
  /** Finds out what could be put back, and puts nothing. */
  readonly dryRun: boolean;
}

/** What became of one damaged object. */
export interface RepairedObject extends ObjectDamage {
  /** `possible` on a dry run alone. */
  readonly outcome: "repaired" | "possible" | "lost";
  /** Where its bytes came from, or why they could not be had. */
  readonly how: string;
  /** Snapshots that use it. */
  readonly snapshots: readonly SnapshotId[];
  /** Of a pack that is lost: files (`<root>/<path>`) of which something cannot be had, the first 100. */
  readonly files: readonly string[];
}

export interface RepairResult {
  /** Snapshots looked at. */
  readonly looked: readonly SnapshotId[];
  readonly objects: readonly RepairedObject[];
  /** By snapshot, the first of what is still damaged now, as many as the vault's list tells: none where it is whole. */
  readonly left: ReadonlyMap<SnapshotId, readonly ObjectDamage[]>;
}
