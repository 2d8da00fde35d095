import type { NodeName, SnapshotId, VaultId } from "../names/index.ts";

/** How a snapshot's objects are sealed. Written in every derivation, so a suite cannot be swapped. */
export type SuiteName = "aes-256-gcm" | "sm4-gcm";

/** Block height, by channel where a node has several; the key `""` is the node's one chain. */
export type Heights = Readonly<Record<string, number>>;

/** What every object of a node says of itself. */
interface OfNode {
  readonly format: 1;
  readonly vault: VaultId;
  readonly node: NodeName;
}

/** What every object of a snapshot says of itself. */
interface OfSnapshot extends OfNode {
  readonly snapshot: SnapshotId;
}

export interface CardBytes {
  /** Logical bytes of all files. */
  readonly total: number;
  /** Plain bytes of chunks this snapshot is the first to store. */
  readonly added: number;
  /** Sealed bytes of the packs this snapshot is the first to use. */
  readonly stored: number;
  readonly files: number;
}

export interface ObjectSum {
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

export interface PackListRef extends ObjectSum {
  readonly name: string;
}

/** Inclusive ranges of pack indexes of one origin that the snapshot uses. */
export interface CardOrigin {
  readonly snapshot: SnapshotId;
  readonly ranges: readonly (readonly [first: number, last: number])[];
}

/** What a committed snapshot says of itself in public; MACed under its own key and signed by its host. */
export interface CardCore extends OfSnapshot {
  readonly state: "committed";
  readonly suite: SuiteName;
  /** base64url of key("commit"), 32 bytes. */
  readonly commit: string;
  /** 1, 2, 3 … per writer. */
  readonly seq: number;
  readonly parent?: SnapshotId;
  /** Milliseconds since the epoch, by the host's clock: when the run began, and when the node was captured. */
  readonly started: number;
  readonly captured: number;
  /** Stop asked → running again, in milliseconds; absent where the node was not stopped. */
  readonly downtime_ms?: number;
  readonly profile: string;
  readonly heights?: Heights;
  readonly tags: readonly string[];
  readonly group?: string;
  readonly bytes: CardBytes;
  readonly manifest: ObjectSum;
  readonly pack_lists: readonly PackListRef[];
  /** Computed from the manifest's pack table by one function; own snapshot included where it has packs in use. */
  readonly origins: readonly CardOrigin[];
}

export interface Card {
  readonly core: CardCore;
  /** base64url, 32 bytes. */
  readonly mac: string;
  /** Ed25519 public key (32 bytes) and signature (64 bytes), base64url. */
  readonly sig: { readonly key: string; readonly value: string };
}

/** Closes a run that did not commit. */
export interface ClosingCard extends OfSnapshot {
  readonly state: "adopted" | "abandoned";
  /** The run that goes on with the dead one's packs; present where the state is adopted. */
  readonly by?: SnapshotId;
  /** The adopting host's signature (docs/FORMAT.md, "Card"); present where the state is adopted. */
  readonly sig?: { readonly key: string; readonly value: string };
}

export interface PackListRow extends ObjectSum {
  readonly origin: SnapshotId;
  readonly index: number;
}

/** `packs-NNNN.json`: at most 10,000 rows. */
export interface PackList extends OfSnapshot {
  readonly rows: readonly PackListRow[];
}

/** `begins/<id>.json`. `writer` is the base64url SHA-256 of the card-signing public key. */
export interface Begin extends OfSnapshot {
  readonly writer: string;
  readonly parent?: SnapshotId;
  readonly adopts: readonly SnapshotId[];
}

/** One node's part in a group. */
export interface GroupMember {
  readonly node: NodeName;
  readonly snapshot: SnapshotId;
  readonly profile: string;
  /** By the host's clock, as on its card. */
  readonly captured: number;
  readonly heights?: Heights;
}

/**
 * `groups/<group>/<id>.group.json`: nodes that were captured as one set. It vouches for nothing: each member's card, which
 * is signed, names the group as well.
 */
export interface GroupCard {
  readonly format: 1;
  readonly vault: VaultId;
  readonly group: string;
  readonly id: SnapshotId;
  /** All were down at the same time; else one after the other. */
  readonly together: boolean;
  /** In the order in which they were stopped. */
  readonly members: readonly GroupMember[];
}

/**
 * `snapshots/<id>.origin.json`, in a copy: when the snapshot's begin and card were received where they were first put,
 * by that store's clock.
 */
export interface OriginRecord extends OfSnapshot {
  readonly begun: number;
  readonly committed: number;
}

/** `node.json`. `key` is the base64url Ed25519 public key that signs this node's cards. */
export interface NodeJson extends OfNode {
  readonly profile: string;
  readonly key: string;
  readonly created: number;
}

/** `vault.json`. */
export interface VaultJson {
  readonly format: 1;
  readonly created: number;
  /** Oldest versions that may work on this vault. */
  readonly min_agent: string;
  readonly min_keeper: string;
}

/** States a reader of the index sees; docs/FORMAT.md, section 6, has them. */
export type SnapshotState = "good" | "broken" | "damaged" | "expired";

export interface IndexEntry {
  readonly snapshot: SnapshotId;
  readonly state: SnapshotState;
  /** Why it is broken, damaged or odd, in words. */
  readonly remarks: readonly string[];
  readonly writer: string;
  readonly seq: number;
  readonly parent?: SnapshotId;
  /** Receipt of its begin, by the store's clock: the snapshot's time, ms since the epoch. */
  readonly received: number;
  readonly committed: number;
  readonly profile: string;
  readonly heights?: Heights;
  /** The card's: `<group>/<id>` of the group it was captured with. */
  readonly group?: string;
  /** The card's, or what an operator made of them since. */
  readonly tags: readonly string[];
  readonly bytes: CardBytes;
  readonly downtime_ms?: number;
  readonly card: ObjectSum;
  readonly origins: readonly SnapshotId[];
  /** Receipt of the newest proof, where a drill restored it. */
  readonly proven?: number;
  /** Receipt of the marker that expired it. */
  readonly expired?: number;
  /** An operator keeps it until further notice. */
  readonly pinned?: true;
}

/** `index.json`: the newest 500, newest first, and the names of closed months. */
export interface Index extends OfNode {
  readonly generation: number;
  readonly snapshots: readonly IndexEntry[];
  readonly months: readonly string[];
}

/** `head.json`: what an agent needs to know to go on. */
export interface Head extends OfNode {
  readonly generation: number;
  readonly newest?: SnapshotId;
  /** By writer: its newest good snapshot, and its last committed ids with their state, newest first, at most 16. */
  readonly writers: Readonly<
    Record<
      string,
      { readonly good?: SnapshotId; readonly recent: readonly { snapshot: SnapshotId; state: SnapshotState }[] }
    >
  >;
}
