import type { SuiteName } from "../../vault/card/types.ts";
import type { Progress } from "../../vault/names/index.ts";
import { makeTaskStream, type WorkerPool } from "../open/index.ts";
import type { CheckFile, CheckPiece, RestoreAnswer, RestoreJob, StagedPath } from "./jobs.ts";
import type { Kept } from "./kept.ts";
import type { SelectedEntry } from "./selection.ts";

/** One job's share: bytes to read, and files to open. */
const JOB_BYTES = 16 << 20;
const JOB_FILES = 512;
/** What a file costs on its way to a thread, measured. */
const PER_FILE = 16 << 10;

export interface CheckOptions {
  readonly suite: SuiteName;
  readonly chunkKey: Uint8Array;
  readonly pool: WorkerPool<RestoreJob, RestoreAnswer>;
  readonly stagedPath: (selected: SelectedEntry) => StagedPath;
  /** What was read back already, and where nothing was written since. */
  readonly kept: Kept | null;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/**
 * Reads every staged file back and compares it with the chunk ids of the snapshot.
 * @throws ColdkeepError `integrity` naming file and offset.
 */
export async function checkEntries(batches: AsyncIterable<readonly SelectedEntry[]>, o: CheckOptions): Promise<void> {
  const stream = makeTaskStream(JOB_BYTES * (2 * o.pool.size + 1), o.signal);
  const job = { suite: o.suite, chunkKey: o.chunkKey };
  let files: CheckFile[] = [];
  let bytes = 0;

  async function flush(): Promise<void> {
    const share = { ...job, files };
    const size = bytes;
    files = [];
    bytes = 0;
    if (share.files.length === 0) return;
    await stream.push(size + share.files.length * PER_FILE, async () => {
      o.progress.advance((await o.pool.run(share)).read);
    });
  }

  for await (const batch of batches) {
    for (const selected of batch) {
      const { entry } = selected;
      if (entry.type !== "file") continue;
      const head = { ...o.stagedPath(selected), size: entry.size, secret: entry.secret === true };
      let pieces: CheckPiece[] = [];
      let at = entry.from ?? 0;
      let ordinal = selected.piece - 1;
      for (const piece of entry.pieces) {
        if (bytes >= JOB_BYTES) {
          files.push({ ...head, pieces });
          pieces = [];
          await flush();
        }
        if ("hole" in piece) {
          pieces.push({ at, length: piece.hole, id: null });
          at += piece.hole;
          continue;
        }
        ordinal += 1;
        at += piece.plain;
        if (o.kept?.proven.has(ordinal) === true) continue;
        pieces.push({ at: at - piece.plain, length: piece.plain, id: piece.id });
        bytes += piece.plain;
      }
      files.push({ ...head, pieces });
      if (files.length >= JOB_FILES) await flush();
    }
  }
  await flush();
  await stream.end();
}
