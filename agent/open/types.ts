import type { Card } from "../../vault/card/types.ts";
import type { NodeName, Progress, SnapshotId, VaultId } from "../../vault/names/index.ts";
import type { Identity, Manifest, ObjectKey, SnapshotKeys, SnapshotScope } from "../../vault/sealed/types.ts";
import type { Historian, Reader } from "../../vault/store/facets.ts";

/**
 * How far the writer of a card is known (docs/FORMAT.md, rulings): `pinned`, its key was given by the user or the
 * config; `first sight`, its key is the one that claimed the node's name in the vault; `not verified`, neither.
 */
export type CardOrigin = "pinned" | "first sight" | "not verified";

export interface OpenOptions {
  readonly store: Reader & Historian;
  /** The archive expected; where absent, the card's own is taken and shown. */
  readonly vault?: VaultId;
  readonly node: NodeName;
  readonly snapshot: SnapshotId;
  readonly identities: readonly Identity[];
  /** Opens with what a share gives, in place of any key of the node. */
  readonly share?: ShareKey;
  /** The host's card-signing key, base64url. */
  readonly pinnedKey?: string;
  /** Fingerprint (base64url SHA-256) of a card-signing key the user takes responsibility for. */
  readonly trustCardKey?: string;
  /** Earlier versions may stand in: of a key file that cannot be used, of what was put over. Default false: that is damage. */
  readonly olderVersions?: boolean;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** The keys of every snapshot whose packs this one uses; opened on first need, kept for the run. */
export interface KeyRing {
  /** @throws ColdkeepError `key` where none of the identities opens it; `integrity` where it is missing or damaged. */
  keysOf(origin: SnapshotId): Promise<SnapshotKeys>;
  /** What opens one pack. @throws as `keysOf`; `refused` for one that a share leaves out. */
  packKey(origin: SnapshotId, index: number): Promise<PackKey>;
}

export interface PackKey {
  readonly scope: SnapshotScope;
  readonly key: ObjectKey;
}

/** A share token's own half: what opens the object in which the share's keys lie. */
export interface ShareKey {
  readonly tid: string;
  readonly key: Uint8Array;
}

/** What has been asked of the vault so far. */
export interface Traffic {
  /** Bytes received. */
  bytes: number;
  requests: number;
}

/** A snapshot whose card, key file and manifest were checked against each other. Nothing on disk has changed. */
export interface OpenedSnapshot {
  /** Counts into `traffic`. */
  readonly store: Reader;
  readonly traffic: Readonly<Traffic>;
  readonly card: Card;
  /** Null where a share opened it. */
  readonly keys: SnapshotKeys | null;
  /** Entries marked secret cannot be opened: the share leaves them out. */
  readonly withoutSecrets: boolean;
  /** Names the key that opened it; tells nothing of the key. */
  readonly openedBy: string;
  readonly manifest: Manifest;
  readonly ring: KeyRing;
  readonly origin: CardOrigin;
  /** Fingerprint of the key that signed the card. */
  readonly signer: string;
  /** When the vault received the run's beginning, by the vault's clock; null where its begin object is gone. */
  readonly receivedAt: number | null;
}
