import type { SuiteName } from "../../vault/card/types.ts";
import type { ManifestEntry } from "../../vault/sealed/types.ts";
import type { FrameBatch } from "../open/index.ts";
import type { BytePath } from "./byte-path.ts";
import type { PackedFiles } from "./packed-files.ts";

/** What a restored thing gets once its content is there; plain data, so that it can cross to another thread. */
export interface Metadata {
  readonly mode: number;
  /** Null: leave the owner as it came (not allowed to change it). */
  readonly owner: { readonly uid: number; readonly gid: number } | null;
  readonly mtime: { readonly seconds: number; readonly nanoseconds: number };
  readonly xattrs: NonNullable<ManifestEntry["xattrs"]>;
}

/** A place in a staging folder. */
export interface StagedPath {
  /** The staging folder, by a descriptor that stays right whoever renames what above it. */
  readonly base: BytePath;
  /** `<root>/<path>`, below `base`; also what messages show. */
  readonly path: BytePath;
}

export interface JobFile extends StagedPath {
  /**
   * `whole`: this job makes, fills and finishes it; `part`: it is there already and others fill it too; `finish`: all
   * others have filled it.
   */
  readonly kind: "whole" | "part" | "finish";
  readonly size: number;
  /** Its chunks have ids of their own domain. */
  readonly secret: boolean;
  readonly metadata: Metadata;
  /** Offset and length of each hole, ascending; nothing for a `part`. */
  readonly holes: readonly number[];
}

/** Asks restore.worker.ts to open frames and write them. */
export interface PlaceJob {
  readonly suite: SuiteName;
  readonly chunkKey: Uint8Array;
  /** Whether what was written is read back and compared; else it is compared before it is written. */
  readonly readBack: boolean;
  readonly files: PackedFiles;
  /** Null where no file of the job gets data: empty ones, one single hole, or to be finished. */
  readonly batch: FrameBatch | null;
  /** Beside each of the batch's rows: in how many places it goes. */
  readonly counts: Uint32Array<ArrayBuffer>;
  /** Those places, in the order of the rows: a file's ordinal in `files`, and the byte offset in it. */
  readonly uses: Float64Array<ArrayBuffer>;
  /** The chunk ids of all uses, in their order, 32 bytes each. */
  readonly ids: Uint8Array<ArrayBuffer>;
}

/** What could not be set, in words without paths: each is noted once. */
export interface RestoreAnswer {
  readonly lost: readonly string[];
  /** Beside each file of a `TakeJob`. */
  readonly taken?: readonly TakenFile[];
}

export interface TakePiece {
  readonly at: number;
  readonly length: number;
  /** Chunk id; null for a hole. */
  readonly id: Uint8Array | null;
}

/** A file of which there may be something already. */
export interface TakeFile extends StagedPath {
  readonly size: number;
  /** Chunks of secret files have ids of their own domain. */
  readonly secret: boolean;
  /** All of the file's pieces, or some of them where a large file is looked at by several jobs. */
  readonly pieces: readonly TakePiece[];
  readonly metadata: Metadata;
  /** Its counterpart in the old data; null where that is not to be used. */
  readonly old: BytePath | null;
  /** Whether the old file itself may become the new one. */
  readonly link: boolean;
  /** True where the file is there, ready to be filled, and other jobs see to other pieces of it. */
  readonly shared: boolean;
}

/** Asks restore.worker.ts what of these files need not be fetched. */
export interface TakeJob {
  readonly suite: SuiteName;
  readonly chunkKey: Uint8Array;
  readonly take: readonly TakeFile[];
}

/** What is known of a piece: to be fetched; in staging, read back from there and right. */
export const TAKEN = { not: 0, proven: 1 } as const;

export interface TakenFile {
  /** `absent`: nothing lies in staging; `there`: to be filled and finished; `linked`: the old file, nothing is left to do. */
  readonly kind: "absent" | "there" | "linked";
  /** Beside each piece, a value of `TAKEN`. */
  readonly states: Uint8Array;
}

export type RestoreJob = PlaceJob | TakeJob;
