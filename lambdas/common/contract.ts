import type { WrittenTiers } from "../../vault/retain/types.ts";

/** What every function is given by whoever deploys it. */
export const COMMON_ENV = {
  /** `s3://bucket/prefix`. */
  vault: "COLDKEEP_VAULT",
  /** `true`: the bucket's name goes into the path. For servers other than AWS's. */
  pathStyle: "COLDKEEP_S3_PATH_STYLE",
} as const;

/** Lies beside a function's code: environment variables hold 4 kB, which is some 50 nodes. */
export const SETTINGS_FILE = "settings.json";

/** What the functions are told of nodes, as it is written; made by infra, read by each function when it starts. */
export interface WrittenSettings {
  readonly format: 1;
  readonly nodes: readonly WrittenNode[];
}

export interface WrittenNode {
  readonly name: string;
  /** Default: all of 15 days. */
  readonly tiers?: WrittenTiers;
  /** base64url of the Ed25519 key that must sign the node's cards. Default: the one in its node.json. */
  readonly card_key?: string;
  /** When its nightly jobs run: a time of day such as `00:00`, in its tiers' timezone. */
  readonly at: string;
  /** No new good snapshot for this long is reported. A duration such as `26h`. */
  readonly stale_after: string;
  /** Everything of the node is read and hashed once in so many days. */
  readonly reread_days: number;
}

/** CloudWatch's namespace of everything the functions count. */
export const METRIC_NAMESPACE = "Coldkeep";

/** The one-off task of a scheduler: pick the nodes whose hour has come. */
export interface TickEvent {
  readonly tick: string;
}

/** Minutes between two ticks. */
export const TICK_MINUTES = 15;

/** What a function with nightly jobs is given besides. */
export const NIGHTLY_ENV = {
  /** URL of the queue it puts the nodes into that are due, and takes them out of. */
  queue: "COLDKEEP_JOBS",
} as const;

/** A message of that queue. It says whose turn it is and no more: how far a job came it keeps in the vault. */
export interface NodeJob {
  readonly node: string;
}
