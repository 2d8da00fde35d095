import type { Clock } from "../../posix/clock.ts";
import type { Heights } from "../../vault/card/types.ts";
import type { Progress, SnapshotId } from "../../vault/names/index.ts";
import type { WorkerPool } from "../open/pool.ts";
import type { CardOrigin, OpenedSnapshot, OpenOptions } from "../open/types.ts";
import type { RestoreAnswer, RestoreJob } from "./jobs.ts";

/** Where a restore puts its files. */
export type RestoreTargets =
  /** Each root in place: by name, the absolute path it has on this host. Every root of the snapshot needs one. */
  | ReadonlyMap<string, string>
  /** A fresh folder, absent or empty; each root becomes a folder in it. */
  | { readonly to: string };

export interface RestoreOptions extends OpenOptions {
  readonly targets: RestoreTargets;
  /**
   * Throws where the node runs or holds files of the targets. Called before anything is written and again right before
   * the swap; not called for a fresh folder.
   */
  readonly assertStopped: () => Promise<void>;
  /** What is called otherwise on this host, in the staged roots; part of the swap, so that a crash takes it back as well. */
  readonly renames?: (
    roots: readonly { readonly name: string; readonly path: string }[],
  ) => readonly { readonly from: string; readonly to: string }[];
  /**
   * Makes of the staged roots what this host needs, after all of it was proven to be what was backed up, and before any of
   * it is in place. Where it throws nothing was changed, and a restore that goes on finds out what it did to a file.
   */
  readonly adapt?: (roots: readonly { readonly name: string; readonly path: string }[]) => Promise<void>;
  /** What `adapt` leaves that is not the snapshot's: nothing else goes on from what it has staged. */
  readonly adapted?: string;
  /**
   * Called once all of it is in place, before that is forgotten: where the run is cut off until this returns,
   * `recoverRestore` says `swapped`.
   */
  readonly onSwapped?: () => void;
  /** Globs over `<root>/<path>`; nothing given means all. Only into a fresh folder. */
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  /** Leaves what was there before as `<root>.coldkeep-old-<id>`. */
  readonly keepOld: boolean;
  /** Also restores setuid, setgid and `security.*` attributes. */
  readonly keepSpecialBits: boolean;
  /** False: what is written is not read back from the disk, which may have taken it for something else. Default: true. */
  readonly readBack?: boolean;
  /** Do not go on from what an unfinished restore has staged; it is removed. */
  readonly fresh?: boolean;
  /**
   * Old data to take content from instead of fetching it: where each root's lies, or a folder with a folder for each
   * root. Only what has the very ids the snapshot names is taken. Where the old data is what is replaced, and not kept,
   * whole files of it may be taken by link.
   */
  readonly delta?: ReadonlyMap<string, string> | { readonly from: string };
  /** Folder of coldkeep's state; the journal lies in `<state dir>/<node>/restore.journal`. */
  readonly stateDir: string;
  /** Refuse a snapshot older than asked for: its number, its height (the lowest of all channels), its age by receipt. */
  readonly minSeq?: number;
  readonly minHeight?: number;
  readonly maxAgeMs?: number;
  /** Threads that open and write; default: one a core, 1 to 8. */
  readonly workers?: number;
  /** Those of `startRestoreThreads`, in their place; they are closed when the restore ends. */
  readonly threads?: RestoreThreads;
  readonly clock?: Clock;
}

export type RestoreThreads = WorkerPool<RestoreJob, RestoreAnswer>;

/** What a restore would do, computed from the card and the manifest alone; printed by a dry run. */
export interface RestorePlan {
  readonly snapshot: SnapshotId;
  readonly origin: CardOrigin;
  readonly signer: string;
  readonly seq: number;
  readonly heights: Heights | null;
  /** When the vault received the snapshot; ms since the epoch; null where it is not known. */
  readonly receivedAt: number | null;
  /** When the node was captured, by its host's clock. */
  readonly capturedAt: number;
  readonly files: number;
  readonly directories: number;
  readonly links: number;
  /** Logical bytes of the files selected. */
  readonly bytes: number;
  /** Bytes that will be allocated on the target. */
  readonly allocated: number;
  /** Bytes that will be fetched from the vault, and in how many requests. */
  readonly fetch: { readonly bytes: number; readonly requests: number };
  readonly roots: readonly {
    readonly name: string;
    readonly target: string;
    /** What lies there now: nothing, an empty folder, or data that will be replaced. */
    readonly replaces: "nothing" | "empty" | "data";
    /** Bytes that are free on its file system. */
    readonly free: number;
  }[];
  /** Staging folders that an unfinished restore of the very same left, and that this one goes on from. */
  readonly unfinished: readonly string[];
  readonly opened: OpenedSnapshot;
}

export interface RestoreResult {
  readonly snapshot: SnapshotId;
  readonly origin: CardOrigin;
  readonly heights: Heights | null;
  readonly receivedAt: number | null;
  readonly files: number;
  readonly directories: number;
  readonly links: number;
  readonly bytes: number;
  /** Bytes received from the vault. */
  readonly fetched: number;
  /** Bytes of files that needed no fetching: staged by an earlier run, or found in the old data. */
  readonly reused: number;
  readonly seconds: number;
  readonly roots: readonly {
    readonly name: string;
    readonly target: string;
    /** Where the data that was there before lies now, if it was kept. */
    readonly old?: string;
  }[];
  /** Worth a look, not a failure: owners that could not be set, attributes dropped. */
  readonly notes: readonly string[];
}

export interface RecoverOptions {
  readonly stateDir: string;
  readonly node: string;
  /**
   * Leave what was staged where the same restore, called again, can go on from it, rather than remove it. What had been
   * moved away is put back in any case.
   */
  readonly keepStaged?: boolean;
  readonly progress: Progress;
}
