import type { KeyObject } from "node:crypto";
import type { Card, SuiteName } from "../../vault/card/types.ts";
import type { Compression, NodeName, Progress, SnapshotId, VaultId } from "../../vault/names/index.ts";
import type { Recipient } from "../../vault/sealed/types.ts";
import type { FreezeFigures, FreezeRoot } from "../freeze/types.ts";
import type { NodeControl } from "../node/types.ts";
import type { CaptureSet } from "../profiles/types.ts";
import type { SealThreads } from "./seal-pool.ts";
import type { VaultSet } from "./vault-set.ts";

/**
 * What a backup may take once the node runs again; absent: all there is. Nothing of it holds before, nor where the
 * manager controls nothing.
 */
export interface PaceOptions {
  /** Cores, or a share of the machine's from 0 to 1, that the threads which seal may take; they yield to all others, too. */
  readonly cpu?: { readonly cores: number } | { readonly share: number };
  /** Bytes of the frozen tree a second. */
  readonly read?: number;
  /** Bytes a second, of all vaults together. */
  readonly upload?: number;
}

export interface BackupOptions {
  readonly vault: VaultId;
  readonly node: NodeName;
  readonly suite: SuiteName;
  /** Fed from one freeze. Those that fail are left out, and told by the set. */
  readonly vaults: VaultSet;
  readonly roots: readonly FreezeRoot[];
  readonly profile: CaptureSet;
  readonly control: NodeControl;
  /** Forgotten by it as soon as they have wrapped the snapshot's key: the hours after that need none of them. */
  readonly recipients: readonly Recipient[];
  readonly signingKey: KeyObject;
  /** 32 bytes, per node and suite, from the state directory. */
  readonly chunkKey: Uint8Array;
  /** The state directory of all nodes; the node's own state in it was made by `init`. */
  readonly stateDir: string;
  readonly tags: readonly string[];
  /** `<group>/<id>` of the group backup that it is a member of. */
  readonly group?: string;
  /** Ignore the parent: shares nothing with the past. */
  readonly full: boolean;
  /** Somebody looks at the node's folders before this run walks through them. */
  readonly lookedAhead?: boolean;
  /** Default: balanced. */
  readonly compression?: Compression;
  /** Worker threads; default: one a core, 2 to 4. More are faster where the disks are, and take some 45 MB each. */
  readonly workers?: number;
  /** Threads that seal, as many, where somebody knew early that all is to be sealed. The run ends them. */
  readonly threads?: SealThreads;
  readonly pace?: PaceOptions;
  /** Origins the snapshot may name; default and most: 256. */
  readonly maxOrigins?: number;
  /**
   * Asked once all is ready and the node still runs; what it throws ends the run, and the node was not touched. What it
   * gives is called once the node runs again, and not where it is still down.
   */
  readonly beforeStop?: (bytesToCopy: number) => Promise<() => Promise<void>>;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  /** Milliseconds that never go backwards; default: the machine's. */
  readonly monotonic?: () => number;
  /** Waits so many milliseconds of it for the pace of uploads. @throws the signal's reason */
  readonly wait?: (ms: number, signal?: AbortSignal) => Promise<unknown>;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export interface BackupFigures {
  readonly freeze: FreezeFigures;
  /** Bytes read from the frozen tree. */
  readonly read: number;
  /** Plain bytes whose chunks were already in the vault: unchanged files and deduplicated chunks. */
  readonly reused: number;
  /** Bytes put: packs, lists, manifest, key file, card. */
  readonly stored: number;
  readonly packs: number;
  /** From the end of the outage, or the beginning of what was sealed before it, to the card. Milliseconds. */
  readonly uploadMs: number;
  readonly totalMs: number;
}

export interface BackupResult {
  readonly snapshot: SnapshotId;
  readonly parent: SnapshotId | null;
  readonly card: Card;
  readonly figures: BackupFigures;
  /** Files that vanished, sockets skipped: worth a look, not a failure. */
  readonly notes: readonly string[];
}
