import type { Clock } from "../../posix/clock.ts";
import type { Heights } from "../../vault/card/types.ts";
import type { Progress } from "../../vault/names/index.ts";
import type { NodeControl } from "../node/types.ts";
import type { CaptureSet, Mutability } from "../profiles/types.ts";
import type { VolumeContext, VolumeKind } from "./volumes/types.ts";

export interface FreezeRoot {
  /** Name in the snapshot: [a-z0-9_-]+. */
  readonly name: string;
  /** Absolute path of an existing directory. */
  readonly path: string;
  /** Where its frozen tree lies; default `.coldkeep-freeze` beside the root (inside it where the root is a mount point). */
  readonly freezeDir?: string;
  /** How the files are frozen; one word for all roots. Default: auto. */
  readonly means?: FreezeMeans;
  /** With `lvm`: bytes for what is overwritten in the volume while its snapshot is read; default: some of its size. */
  readonly snapshotSpace?: number;
}

/**
 * How a stopped node's files become a view: `auto`: by a snapshot where each root is itself a btrfs subvolume, else hard
 * links, and reflinks or copies; `reflink`, `hardlink` (and copies), `copy`: by no other means; a snapshot of the volume.
 */
export type FreezeMeans = "auto" | "reflink" | "hardlink" | "copy" | VolumeKind;

/** Others whose nodes are down at the same time. */
export interface Meeting {
  /** Told once the node is proven to be down. */
  stopped(): void;
  /**
   * Awaited before the node is asked to start, whatever came of its freeze and also on abort: never throws, and never
   * waits for more than the others' own limits for stopping and starting.
   */
  mayStart(frozen: boolean): Promise<void>;
}

export interface FreezeOptions {
  readonly node: string;
  readonly run: string;
  readonly roots: readonly FreezeRoot[];
  readonly profile: CaptureSet;
  readonly control: NodeControl;
  /** `<state dir>/<node>`: the journal lies here as `freeze.journal`. */
  readonly stateDir: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly meeting?: Meeting;
  /** Somebody looks at the folders before the walk does. Default: the walk asks ahead by itself. */
  readonly lookedAhead?: boolean;
  /** What will probably not have to be copied, and so is not read ahead. */
  readonly known?: KnownFiles;
  /** Drives programs of the system, such as `lvcreate`; default: those in its own folders. */
  readonly tools?: VolumeContext["tools"];
  /** Default: the machine's. Durations are measured with its monotonic half only. */
  readonly clock?: Clock;
}

/** One entry of the frozen tree, parents before children, in the order of sealed's comparePaths. */
export interface FrozenEntry {
  /** `<root name>/<path below the root>`; bytes. */
  readonly path: Uint8Array;
  /** The same as latin1 text, where it is at hand. */
  readonly text?: string;
  readonly type: "file" | "directory" | "symlink" | "hardlink";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: { readonly seconds: number; readonly nanoseconds: number };
  /** Bytes to read: for append-only files the pinned length. */
  readonly size: number;
  /** A file that was not copied, since its content and its attributes are known: there is no source, and no xattrs. */
  readonly known: boolean;
  /** Where the bytes are read from: a path inside the frozen tree. Empty for anything but a file that is not known. */
  readonly source: Uint8Array;
  /** Where in `source` they begin. */
  readonly offset: number;
  /** A small copy, which lies with others in one file. */
  readonly spooled?: boolean;
  /** The node's own inode, which it could still write to; not a copy. */
  readonly linked: boolean;
  readonly mutability: Mutability;
  readonly secret: boolean;
  /** Symlink's target, or a hardlink's first path in the same form as `path`. */
  readonly target?: Uint8Array;
  readonly xattrs?: readonly { readonly name: string; readonly value: Uint8Array }[];
  /** True where fewer blocks than `size` are allocated: worth asking for holes. */
  readonly sparse: boolean;
  /**
   * Changes when the file is not the very same one, or its content may be another (`fingerprintOf`): content stored
   * under the same fingerprint and path need not be read again. Empty where nothing vouches for that. That of a file
   * that only grows begins with `a:<volume>:<ino>:`, that of one that is copied unless known with `m:`.
   */
  readonly fingerprint: string;
}

export interface FreezeFigures {
  readonly files: number;
  readonly bytes: number;
  readonly linked: number;
  readonly copied: number;
  readonly copiedBytes: number;
  readonly reflinked: number;
  /** What snapshots were taken of, where the tree is one of these: "btrfs subvolume /srv/node". */
  readonly volumes?: readonly string[];
  /** Manager says down → start asked, less what the node's processes still took to let go: what coldkeep adds. Milliseconds. */
  readonly freezeMs: number;
  /** Frozen, and down for others of its group all the same; a member of a group alone has it. Milliseconds. */
  readonly waitedMs?: number;
  /** Stop asked → running again. Milliseconds; null where the manager controls nothing. */
  readonly downtimeMs: number | null;
}

/** A point-in-time view of the stopped node's files; the only thing `scan` reads, so a running node cannot be read. */
export interface FrozenTree {
  readonly capturedAt: number;
  readonly heights: Heights | null;
  readonly roots: readonly FreezeRoot[];
  readonly figures: FreezeFigures;
  /** What was left out, in words. */
  readonly omitted: readonly string[];
  /** Streams; may be called more than once. */
  entries(): Iterable<FrozenEntry>;
  /** Removes the frozen tree and closes the journal. Safe to call twice. */
  release(): Promise<void>;
  readonly __brand: "FrozenTree";
}

/**
 * A file of a class that is never rewritten, linked while nobody has proven yet that the node is down. What is read of it
 * then counts only where `isAsLinked` says so once the tree is frozen.
 */
export interface LinkedFile
  extends Pick<
    FrozenEntry,
    "path" | "source" | "offset" | "size" | "mtime" | "linked" | "mutability" | "secret" | "sparse"
  > {
  /**
   * Looks whether inode, size, mtime and ctime are what they were just after the link was made: then whatever was read of
   * it meanwhile is its content now. @throws ColdkeepError.
   */
  isAsLinked(): boolean;
  readonly __brand: "LinkedFile";
}

/**
 * Small copies that lie in one file of the frozen tree, in the order of the tree; `offsets` ascend. None is empty, a secret,
 * or has names besides the one it was found by.
 */
export interface SharedCopies {
  readonly source: Uint8Array;
  readonly offsets: readonly number[];
  readonly sizes: readonly number[];
}

/** Files whose contents are in the vault already, by path (`<root name>/<path>`, latin1) and fingerprint. */
export interface KnownFiles {
  has(path: string, fingerprint: string): boolean;
}

/** What is known of a file's bytes: all of them, those up to a length (of one that only grows), or none. */
export interface WhatIsKnown {
  /** Bytes from its beginning that need not be read; `path` as `<root name>/<path>`, latin1. */
  knownBytes(path: string, fingerprint: string, size: number): number;
}

/** What copies take on one file system, and what it has. Bytes. */
export interface Room {
  /** Where frozen trees lie there. */
  readonly folder: string;
  /** The file system's device number, by which several nodes' rooms are told to be one. */
  readonly dev: bigint;
  readonly toCopy: number;
  /** With a margin. */
  readonly needed: number;
  readonly free: number;
}

/** What is ready while the node still runs: immutable files linked, space computed and found enough. */
export interface PreparedFreeze {
  readonly bytesToCopy: number;
  /** What copies take on each file system, and what that has now: enough, for this node alone. */
  rooms(): readonly Room[];
  readonly prelinked: number;
  /** Heights as the running node tells them, asked just before. */
  readonly heights: Heights | null;
  /** What was found to be captured. */
  readonly found: { readonly files: number; readonly bytes: number };
  /** What was linked, as long as the preparation and the tree that comes of it are there. Streams. */
  linked(): Iterable<LinkedFile>;
  /**
   * Stop → proof of death → finish → start → running. Whatever happens, and on abort, the node is asked to start again
   * before this returns or throws; if that fails the error is `node-start` and says so. Files of `known` are not copied:
   * their entries have no source, and whoever asks for that must have their contents. `copied` is told of small copies while
   * others are still being made.
   */
  capture(known?: KnownFiles, copied?: (copies: SharedCopies) => void): Promise<FrozenTree>;
  /** Undoes the preparation without having stopped anything. */
  abandon(): Promise<void>;
}
