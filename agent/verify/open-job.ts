import { timingSafeEqual } from "node:crypto";
import type { SuiteName } from "../../vault/card/types.ts";
import { isColdkeepError } from "../../vault/names/index.ts";
import { chunkId, chunkIdKey } from "../../vault/sealed/chunk-id.ts";
import { type FrameBatch, openFrame } from "../open/open-frames.ts";
import { countRows, rowAt } from "../open/packed-rows.ts";

const ID_BYTES = 32;

/** For verify.worker.ts. */
export interface VerifyJob {
  readonly suite: SuiteName;
  readonly chunkKey: Uint8Array;
  readonly batch: FrameBatch;
  /** Beside each of the batch's rows: how many ids its frame must have. More than one only where the manifest lies. */
  readonly counts: Uint32Array<ArrayBuffer>;
  /** Those ids, in the order of the rows, 32 bytes each; beside each, 1 where it is in the domain of secret files. */
  readonly ids: Uint8Array<ArrayBuffer>;
  readonly secret: Uint8Array<ArrayBuffer>;
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
}

/** Opens every frame and compares what comes out with the ids. Damage is an answer here, not an error. */
export function verifyFrames({ suite, chunkKey, batch, counts, ids, secret }: VerifyJob): VerifyAnswer {
  const bad: BadFrame[] = [];
  const key = chunkIdKey(chunkKey);
  const rows = countRows(batch.rows);
  let nth = 0;
  for (let n = 0; n < rows; n += 1) {
    const row = rowAt(batch.rows, n);
    const end = nth + (counts[n] ?? 0);
    try {
      const { bytes } = openFrame(batch, row);
      for (; nth < end; nth += 1) {
        const id = ids.subarray(nth * ID_BYTES, (nth + 1) * ID_BYTES);
        if (timingSafeEqual(chunkId(suite, key, bytes, secret[nth] === 1), id)) continue;
        bad.push({ row: n, what: `frame ${row.frame} opens, but holds other content than the manifest says` });
        break;
      }
    } catch (error) {
      if (!isColdkeepError(error, "integrity")) throw error;
      bad.push({ row: n, what: error.why === undefined ? error.what : `${error.what}: ${error.why}` });
    }
    nth = end;
  }
  return { bad };
}
