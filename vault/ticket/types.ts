import type { NodeName, SnapshotId, VaultId } from "../names/index.ts";

/** What a ticket lets its holder do: restore with keys of his own, or with the ones of a share (docs/FORMAT.md). */
export type TicketKind = "restore" | "share";

/** What a ticket says; signed by whoever makes tickets, and secret only together with that signature. */
export interface Ticket {
  readonly v: 1;
  /** 16 random bytes, base64url. */
  readonly tid: string;
  readonly vault: VaultId;
  readonly node: NodeName;
  /** No other snapshot than this one. */
  readonly snapshot?: SnapshotId;
  /** No snapshot with a lower number. */
  readonly min_seq?: number;
  /** When it was made and when it ends; seconds since the epoch. */
  readonly iat: number;
  readonly exp: number;
  readonly kind: TicketKind;
  /** The Ed25519 key that signs the node's cards, base64url: what the holder checks cards by. */
  readonly card_key: string;
}

/** Makes the MAC of a ticket; holds or reaches a key. */
export interface TicketSigner {
  /** 32 bytes. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** Checks it. Neither side needs the other's right. */
export interface TicketChecker {
  /** @throws ColdkeepError where it cannot be told. */
  check(message: Uint8Array, mac: Uint8Array): Promise<boolean>;
}

/** A ticket that no longer counts; `exp` tells when it can be forgotten. */
export interface RevokedTicket {
  readonly tid: string;
  readonly exp: number;
}

/** `tickets/revoked.json`. */
export interface RevokedTickets {
  readonly format: 1;
  readonly tickets: readonly RevokedTicket[];
}
