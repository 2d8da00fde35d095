/** Counted by retention; alarms watch the starred ones. */
export const RETENTION_METRICS = {
  /** Nodes whose night's work was done. */
  done: "NodesRetained",
  /** * Nodes whose night's work failed; it comes again, and at last goes to the dead letters. */
  failed: "NodesFailed",
  /** * Nodes for which a brake holds: nothing of them expires or goes until somebody looks. */
  held: "NodesHeldBack",
  expired: "SnapshotsExpired",
  /** Bytes. */
  deleted: "BytesDeleted",
  /** Objects that the bucket's lock keeps a while longer. */
  locked: "ObjectsLocked",
  /** Locks of what is in use that were renewed. */
  renewed: "LocksRenewed",
} as const;

/** Called by hand: one node, now. */
export interface RetainEvent {
  readonly node: string;
  /** Only says what would be done. */
  readonly dry_run?: boolean;
  /** Locks all that is in use anew. */
  readonly relock?: boolean;
  /** Brakes that an operator lets go of, this once. */
  readonly despite?: readonly string[];
}
