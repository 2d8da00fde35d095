import { timingSafeEqual } from "node:crypto";
import type { SuiteName } from "../../vault/card/types.ts";
import { isColdkeepError } from "../../vault/names/index.ts";
import { chunkId, chunkIdKey } from "../../vault/sealed/chunk-id.ts";
import { type LentBatch, openFrame } from "../open/open-frames.ts";

/** What a frame must hold: its chunk's id, in the domain of secret files or not. */
export interface WantedChunk {
  readonly id: Uint8Array;
  readonly secret: boolean;
}

/** For verify.worker.ts. */
export interface VerifyJob {
  readonly suite: SuiteName;
  readonly chunkKey: Uint8Array;
  readonly batch: LentBatch;
  /** Beside each of the batch's rows. */
  readonly chunks: readonly (readonly WantedChunk[])[];
}

/** One frame that is not what it should be. */
export interface BadFrame {
  /** Ordinal in the batch. */
  readonly row: number;
  /** In words: what, and why. */
  readonly what: string;
}

export interface VerifyAnswer {
  readonly bad: readonly BadFrame[];
  /** That of the batch, on its way back. */
  readonly memory: ArrayBuffer;
}

/** Opens every frame and compares what comes out with the ids. Damage is an answer here, not an error. */
export function verifyFrames({ suite, chunkKey, batch, chunks }: VerifyJob): VerifyAnswer {
  const bad: BadFrame[] = [];
  const key = chunkIdKey(chunkKey);
  batch.rows.forEach((row, n) => {
    try {
      const { bytes } = openFrame(batch, row);
      const wrong = (chunks[n] ?? []).some(
        ({ id, secret }) => !timingSafeEqual(chunkId(suite, key, bytes, secret), id),
      );
      if (wrong) bad.push({ row: n, what: `frame ${row.frame} opens, but holds other content than the manifest says` });
    } catch (error) {
      if (!isColdkeepError(error, "integrity")) throw error;
      bad.push({ row: n, what: error.why === undefined ? error.what : `${error.what}: ${error.why}` });
    }
  });
  return { bad, memory: batch.bytes.buffer };
}
