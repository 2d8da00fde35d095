import type { WrittenTiers } from "../vault/retain/types.ts";

/** What is said of one node, and of all that say nothing themselves. */
export interface WrittenRules {
  /** Which snapshots stay. Default: those of 15 days. */
  readonly tiers?: (Omit<WrittenTiers, "timezone"> & { readonly timezone?: string | undefined }) | undefined;
  /** Time of day of the nightly jobs, in the tiers' time zone. Default `00:00`. */
  readonly at?: string | undefined;
  /** No new good snapshot for so long is told of. Default `26h`. */
  readonly stale_after?: string | undefined;
  /** Everything is read again once in so many days. Default 30. */
  readonly reread_days?: number | undefined;
}

export interface WrittenNode extends WrittenRules {
  /** The Ed25519 key that must sign the node's cards, base64url. Default: that of the first host that claims the name. */
  readonly card_key?: string | undefined;
}

export interface Lock {
  readonly mode: "governance" | "compliance" | "off";
  readonly days: number;
}

export interface Transition {
  readonly class: "STANDARD_IA" | "GLACIER_IR" | "GLACIER" | "DEEP_ARCHIVE";
  readonly after_days: number;
}

export interface WrittenBucket {
  /** Of the bucket that is made. Default: one that CloudFormation makes up. */
  readonly name?: string | undefined;
  /** A bucket that is there already, in place of one that is made. */
  readonly existing?: string | undefined;
  /** ARN of the KMS key that S3 encrypts with once more. Default: S3's own keys. */
  readonly kms_key_arn?: string | undefined;
  /** Default: governance, 30 days. */
  readonly lock?: Lock | undefined;
  /** Packs move to a cheaper class after so many days. Default: none. */
  readonly transitions?: Transition[] | undefined;
  /** How soon the presenter has packs brought back from GLACIER and DEEP_ARCHIVE for restores; you pay. Default bulk. */
  readonly bring_back?: "off" | "bulk" | "standard" | undefined;
  /** Earlier versions of lists, and what was deleted by hand, stay so long. Default 30. */
  readonly noncurrent_days?: number | undefined;
}

/** coldkeep.cdk.yaml, as it is written. */
export interface WrittenInfraConfig extends WrittenRules {
  /** The stack's name; also how `coldkeep cloud` finds it. Default `Coldkeep`. */
  readonly stack?: string | undefined;
  readonly bucket?: WrittenBucket | undefined;
  /** Where in the bucket the vault lies. Default: it fills the bucket. */
  readonly prefix?: string | undefined;
  readonly nodes: Record<string, WrittenNode | null>;
  /** Who is told when something is wrong. */
  readonly alarm_email?: string | undefined;
  /** A second Function URL that answers whoever has a ticket. Default false. */
  readonly tickets?: boolean | undefined;
  /** ARNs of those who may act as the operator. Default: whoever the account's own policies let. */
  readonly operators?: string[] | undefined;
  readonly replication?: Replication | undefined;
  /** How long logs stay. Default 90. */
  readonly log_days?: 7 | 30 | 90 | 365 | undefined;
  readonly xray?: boolean | undefined;
}

/** A second bucket, which takes all that comes. */
export interface Replication {
  readonly bucket_arn: string;
  readonly account?: string | undefined;
}

interface Rules extends Omit<WrittenRules, "tiers"> {
  readonly tiers?: WrittenTiers | undefined;
}

/** The same, checked, with what holds where nothing is said. */
export interface InfraConfig extends Rules {
  readonly stack: string;
  readonly bucket: WrittenBucket & {
    readonly lock: Lock;
    readonly transitions: Transition[];
    readonly bring_back: "off" | "bulk" | "standard";
    readonly noncurrent_days: number;
  };
  readonly prefix: string;
  readonly nodes: Record<string, Rules & Pick<WrittenNode, "card_key">>;
  readonly alarm_email?: string | undefined;
  readonly tickets: boolean;
  readonly operators: string[];
  readonly replication?: Replication | undefined;
  readonly log_days: 7 | 30 | 90 | 365;
  readonly xray: boolean;
}

/** One mistake of a configuration. */
export interface ConfigMistake {
  /** Line and column, where they are known. */
  readonly where: string;
  /** Of the key; its last part may be one that there is not. */
  readonly path?: readonly PropertyKey[];
  /** What is wrong, and what is allowed. */
  readonly words: string;
}
