/** Counted by the verifier; alarms watch the starred ones. */
export const VERIFIER_METRICS = {
  done: "NodesVerified",
  /** * Nodes that could not be looked at; they come again, and at last go to the dead letters. */
  failed: "NodesFailed",
  /** * Snapshots of which something is missing, short or changed. */
  damaged: "SnapshotsDamaged",
  /** * Nodes without a new good snapshot for longer than allowed. */
  stale: "NodesStale",
  /** * Other things a person should look at: heights, sizes, an index that says what the cards do not. */
  odd: "NodesOdd",
  /** * Nodes of which something that is to stay is locked for too short. */
  unlocked: "NodesUnlocked",
  /** Bytes whose SHA-256 was compared. */
  read: "BytesRead",
} as const;

export const VERIFIER_ENV = {
  /** ARN of the topic that people are told by. */
  topic: "COLDKEEP_TOPIC",
} as const;

/** Called by hand: one node, now. */
export interface VerifyEvent {
  readonly node: string;
}
