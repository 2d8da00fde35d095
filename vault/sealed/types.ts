import type { Heights, SuiteName } from "../card/types.ts";
import type { NodeName, SnapshotId, VaultId } from "../names/index.ts";

/** What every derivation is bound to: a key of one snapshot opens nothing of another. */
export interface SnapshotScope {
  readonly vault: VaultId;
  readonly node: NodeName;
  readonly snapshot: SnapshotId;
  readonly suite: SuiteName;
}

/** Source of random bytes; `node:crypto`'s except where the vectors of test/compat are made. */
export type RandomSource = (length: number) => Uint8Array;

/** Keys derived from one snapshot key (FORMAT.md "Keys"). `commit` is public. Each 32 bytes. */
export interface SnapshotKeys {
  readonly scope: SnapshotScope;
  readonly commit: Uint8Array;
  readonly pack: Uint8Array;
  readonly manifest: Uint8Array;
  readonly card: Uint8Array;
  readonly slots: Uint8Array;
}

/** What opens an object: the key of its kind, for every object of the snapshot, or OS, for this one alone. */
export type ObjectKey = Uint8Array | { readonly os: Uint8Array };

/** 0 stored, 1 zstd. */
export type Codec = 0 | 1;

/** Where one frame lies inside its object. */
export interface FrameRow {
  /** Ordinal of the frame, from 0. */
  readonly frame: number;
  /** Byte offset of the ciphertext in the object. */
  readonly offset: number;
  /** Bytes in the object, tag included. */
  readonly stored: number;
  /** Bytes after opening and decompression. */
  readonly plain: number;
  readonly codec: Codec;
}

/** Plaintext that came out of an authenticated frame; only sealed/ makes one, and only these may be placed. */
export interface OpenedFrame {
  readonly bytes: Uint8Array;
  readonly __brand: "OpenedFrame";
}

/** A finished, sealed pack: what `put` takes, so that plaintext cannot be uploaded. */
export interface SealedPack {
  readonly index: number;
  /** Header, frames, padding, footer and trailer: a multiple of 64 KiB. */
  readonly bytes: Uint8Array;
  readonly sha256: Uint8Array;
  readonly salt: Uint8Array;
  readonly commit: Uint8Array;
  readonly secret: boolean;
  readonly __brand: "SealedPack";
}

/** A row of the manifest's pack table; `origin` is an index into `origins`. */
export interface ManifestPack {
  readonly origin: number;
  readonly index: number;
  readonly size: number;
  /** base64url. */
  readonly salt: string;
  readonly commit: string;
  readonly secret?: true;
}

export interface ManifestOrigin {
  readonly snapshot: SnapshotId;
  readonly suite: SuiteName;
  /** base64url of that origin's key("commit"). */
  readonly commit: string;
}

/** Where one chunk lies, independent of the manifest that names it. */
export interface ChunkPlace extends FrameRow {
  readonly origin: SnapshotId;
  readonly pack: number;
}

/** A captured directory the config names. */
export interface ManifestRoot {
  readonly name: string;
  /** Where it lay on the host, for the reader's information only. */
  readonly path: string;
}

/** A segment of the sorted list of entries, stored as one chunk in a pack. */
export interface ManifestSegment extends ChunkPlace {
  /** Keyed id of the segment's plaintext, base64url. */
  readonly id: string;
  readonly entries: number;
}

/** The root of a manifest: small, sealed, read whole. Names no keys and nothing of its card. */
export interface Manifest {
  readonly format: 1;
  readonly vault: VaultId;
  readonly node: NodeName;
  readonly snapshot: SnapshotId;
  readonly suite: SuiteName;
  readonly captured: number;
  readonly profile: string;
  readonly heights?: Heights;
  readonly tags: readonly string[];
  readonly roots: readonly ManifestRoot[];
  /** The node's chunk-id key, base64url, 32 bytes: what restore checks content with. */
  readonly chunk_key: string;
  readonly origins: readonly ManifestOrigin[];
  readonly packs: readonly ManifestPack[];
  readonly segments: readonly ManifestSegment[];
  readonly totals: { readonly files: number; readonly bytes: number; readonly entries: number };
  /** What was left out on purpose, in words: caches, sockets. */
  readonly omitted: readonly string[];
}

/** A piece of a file's content, in order. A hole is a run of zero bytes that is stored nowhere. */
export type EntryPiece =
  | { readonly hole: number }
  | (ChunkPlace & { /** Keyed chunk id, 32 bytes. */ readonly id: Uint8Array });

export type EntryType = "file" | "directory" | "symlink" | "hardlink";

/** One file-system object of a snapshot. Paths are bytes: `<root name>/<path below the root>`, `/`-separated. */
export interface ManifestEntry {
  readonly path: Uint8Array;
  readonly type: EntryType;
  /** Permission bits with setuid, setgid and sticky (07777). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: { readonly seconds: number; readonly nanoseconds: number };
  /** Logical size in bytes; 0 for anything but a file. */
  readonly size: number;
  readonly pieces: readonly EntryPiece[];
  /**
   * Where in the file these pieces begin; absent for its beginning. A file of more than 65,536 pieces is several entries
   * of one path, in order (`splitEntry`), so that no entry, reader or writer needs memory for a whole huge file's list.
   */
  readonly from?: number;
  /** A symlink's target; a hardlink's first path (in the same form as `path`). */
  readonly target?: Uint8Array;
  readonly xattrs?: readonly { readonly name: string; readonly value: Uint8Array }[];
  /** Identity or secret file: own packs, left out of shares. */
  readonly secret?: true;
}

/** What wraps a snapshot key for one key source. Never sees anything but its own slot. */
export interface Recipient {
  readonly type: string;
  /** Begins in the background what `wrap` will need and what takes long; what fails there fails in `wrap`. */
  prepare?(suite: SuiteName): void;
  wrap(sk: Uint8Array, scope: SnapshotScope): Promise<Slot>;
  /** Overwrites what it holds of the key: it wraps nothing afterwards. Where absent, it holds nothing secret in a buffer. */
  forget?(): void;
}

/** A recipient whose slots can be told from others without opening any. */
export interface LabelledRecipient extends Recipient {
  /** The `kid` that its slots carry; proves nothing. */
  kid(suite: SuiteName): Promise<string>;
}

/** What opens slots of one key source. */
export interface Identity {
  readonly type: string;
  /** Names the key in messages, and tells nothing of it; default: the type. */
  readonly label?: string;
  /**
   * The snapshot key, in bytes that are the caller's to overwrite; null where the slot is somebody else's.
   * @throws ColdkeepError `integrity` where the slot is this identity's and damaged.
   */
  unwrap(slot: Slot, scope: SnapshotScope): Promise<Uint8Array | null>;
  /** Overwrites what it holds of the key: it opens nothing afterwards. As for recipients. */
  forget?(): void;
}

/** One wrapping of a snapshot key in key.json. Types this version does not know are kept byte for byte. */
export interface Slot {
  readonly id: string;
  readonly type: string;
  /** Label of the wrapping key, never a proof. */
  readonly kid: string;
  /** Milliseconds since the epoch. */
  readonly added: number;
  readonly [detail: string]: unknown;
}

export interface KeyFile {
  readonly format: 1;
  readonly vault: VaultId;
  readonly node: NodeName;
  readonly snapshot: SnapshotId;
  readonly suite: SuiteName;
  readonly commit: string;
  readonly generation: number;
  readonly slots: readonly Slot[];
  readonly mac: string;
}
