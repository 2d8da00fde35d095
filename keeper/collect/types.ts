import type { NodeName, SnapshotId, VaultId } from "../../vault/names/index.ts";
import type { Brake } from "../../vault/retain/index.ts";
import type { Creator, Deleter, PlannedDelete } from "../../vault/store/facets.ts";
import type { IndexStore } from "../index-snapshots.ts";

/** What an operator may override: brakes, and the stop at cards that cannot be read. */
export type Despite = Brake["kind"] | "damage";

export interface CollectOptions {
  readonly store: IndexStore & Creator & Deleter;
  readonly vault?: VaultId;
  readonly node: NodeName;
  /** Milliseconds between a marker and deletion. */
  readonly grace: number;
  /** False only plans: nothing in the vault changes, and `now` stands for the store's clock. */
  readonly apply: boolean;
  /** This machine's clock. Milliseconds since the epoch. */
  readonly now: number;
  readonly despite?: ReadonlySet<Despite>;
  /** Also looks for data that no begin and no card tells of: lists all of the node's data. Default false. */
  readonly strays?: boolean;
}

export interface DeadObject extends PlannedDelete {
  /** Bytes. */
  readonly size: number;
  /** The snapshot or run whose folder it lies in, or whose record it is; null for notes of the collector itself. */
  readonly of: SnapshotId | null;
}

export interface CollectOutcome {
  /** Snapshots whose grace is over; their data goes, but for what others use. */
  readonly collected: readonly SnapshotId[];
  /** Due, but a running restore, or an operator, has them pinned. */
  readonly postponed: readonly SnapshotId[];
  /** Runs that never ended, given up now. */
  readonly abandoned: readonly SnapshotId[];
  /** What is, or would be, deleted. */
  readonly dead: readonly DeadObject[];
  /** Names the store protects still; they stay due. */
  readonly locked: readonly string[];
  /** What lies among the node's objects and is none of ours; left alone. */
  readonly foreign: readonly string[];
  readonly held: readonly Brake[];
}
