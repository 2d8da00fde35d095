import type { Compression, ErrorKind } from "../../vault/names/index.ts";
import type { SnapshotScope } from "../../vault/sealed/types.ts";
import type { ChunkTableMemory } from "./chunk-table.ts";
import type { ThreadPace } from "./pace.ts";

/** What a seal worker seals with. The keys live as long as the thread. */
export interface SealWorkerData {
  readonly scope: SnapshotScope;
  /** key("pack") of the snapshot. */
  readonly packKey: Uint8Array;
  readonly chunkKey: Uint8Array;
  readonly compression: Compression;
  readonly table: ChunkTableMemory;
  /** Index of the run's own snapshot in its list of origins. */
  readonly ownOrigin: number;
  /** A pack is closed before it grows past this. Bytes. */
  readonly packTarget: number;
}

/** A stretch of one frozen file; `from` lies on a chunk boundary, and so does `to` unless it is the end. */
export interface FileTask {
  /** Latin1 path inside the frozen tree. */
  readonly source: string;
  /** Where in `source` the file begins. */
  readonly offset: number;
  /** Path in the snapshot, for messages. */
  readonly shown: string;
  readonly size: number;
  readonly from: number;
  readonly to: number;
  readonly chunk: number;
  readonly sparse: boolean;
  /** The node's own file, which is on disk; a copy was written just now, and lies in memory. */
  readonly linked: boolean;
  readonly secret: boolean;
  /** Modification time in nanoseconds that an immutable file must still have; null where it need not. */
  readonly mtimeNs: string | null;
}

/** Copies of small files, one chunk each, that lie in one file of the frozen tree. */
export interface CopyJob {
  /** Latin1 path inside the frozen tree. */
  readonly source: string;
  /** Where in `source` each begins, and its bytes: at least one. */
  readonly offsets: Float64Array;
  readonly sizes: Uint32Array;
  /** Latin1 paths in the snapshot, joined by NUL, for messages. */
  readonly paths: string;
}

export type ToWorker =
  /** Comes first, and once. */
  | { readonly type: "open"; readonly data: SealWorkerData }
  | { readonly type: "files"; readonly job: number; readonly tasks: readonly FileTask[] }
  | { readonly type: "copies"; readonly job: number; readonly copies: CopyJob }
  | { readonly type: "segment"; readonly job: number; readonly bytes: Uint8Array }
  /** A buffer to seal a pack into, whose bytes nobody else touches until the worker hands it on with the pack. */
  | { readonly type: "buffer"; readonly buffer: SharedArrayBuffer }
  /** Close the open packs and say so. */
  | { readonly type: "flush"; readonly job: number }
  /** The node runs again: from now on others come first. */
  | { readonly type: "pace"; readonly pace: ThreadPace }
  /** Leave everything as it is and end. */
  | { readonly type: "end" };

/** What was done for a job, in bytes of plaintext. */
export interface JobFigures {
  /** Read from the frozen tree. */
  readonly read: number;
  /** Of chunks that were known already. */
  readonly known: number;
  /** Of chunks stored by this job. */
  readonly added: number;
}

export interface PackMessage {
  readonly type: "pack";
  readonly index: number;
  readonly secret: boolean;
  readonly bytes: Uint8Array;
  readonly sha256: Uint8Array;
  readonly salt: Uint8Array;
  readonly commit: Uint8Array;
  /** Rows of the chunk table whose chunks lie in it. */
  readonly rows: Uint32Array;
}

export interface DoneMessage {
  readonly type: "done";
  readonly job: number;
  /**
   * For each task the number of its pieces, then the pieces: a row, or minus the length of a hole. For copies just the piece
   * of each.
   */
  readonly pieces: Float64Array;
  readonly figures: JobFigures;
}

export type FromWorker = DoneMessage | PackMessage | { readonly type: "failed"; readonly error: WorkerError };

/** An error as it crosses threads. */
export interface WorkerError {
  readonly kind: ErrorKind;
  readonly what: string;
  readonly on: string | undefined;
  readonly why: string | undefined;
  readonly todo: string | undefined;
}
