import { names, toBase64url, toHex } from "../../vault/names/index.ts";
import { makeDeadline } from "./deadline.ts";
import { createJournal } from "./journal.ts";
import { type KnownChunks, loadKnownChunks } from "./known-chunks.ts";
import type { KnownParent } from "./known-parent.ts";
import { makeLazyPool, type ThreadSource } from "./lazy-pool.ts";
import { sealBudget } from "./limits.ts";
import type { OpenRun } from "./open-run.ts";
import type { UploadPace } from "./pace.ts";
import { makeSealPool, type SealPool, type SealThreads } from "./seal-pool.ts";
import type { BackupOptions } from "./types.ts";
import { makeUploader, type Uploader } from "./uploader.ts";

/** A run's way into the vault, from files to objects that were put. */
export interface Sealing {
  readonly known: KnownChunks;
  readonly uploader: Uploader;
  readonly pool: SealPool;
  /** Kept once key.json was put, which comes before all else that is put. */
  readonly ready: Promise<void>;
  /** @throws where the run has lasted too long to be committed. */
  readonly assertInTime: () => void;
  /** Ends the threads and lets go of everything. */
  close(): Promise<void>;
}

export interface SealingOptions {
  readonly run: OpenRun;
  readonly parent: KnownParent | null;
  /** At least what will be stored: room for more costs nothing. */
  readonly expected: { readonly files: number; readonly bytes: number };
  readonly threads: ThreadSource;
  readonly pace: UploadPace;
  readonly monotonic: () => number;
}

/**
 * Puts key.json; the first job waits for it, and starts threads then. Where the key is still being stretched this goes on,
 * so that what nothing has to be sealed for need not wait.
 */
export async function openSealing(o: BackupOptions, s: SealingOptions): Promise<Sealing> {
  const { run, threads, pace, monotonic } = s;
  const { signal } = o;
  const journal = createJournal(run.folder);
  let pool: SealPool | null = null;
  let ready: Promise<void> = Promise.resolve();
  const abort = () => pool?.fail(signal.reason);
  async function close(): Promise<void> {
    signal.removeEventListener("abort", abort);
    pace.stop();
    await pool?.close();
    await ready.catch(() => {});
    journal.close();
  }
  signal.addEventListener("abort", abort);
  try {
    const limited = run.parent !== null;
    const assertInTime = makeDeadline({ startedAt: run.startedAt, monotonic, limited });
    const uploader = makeUploader({ ...o, snapshot: run.id, journal, pace, signal, assertInTime });
    const put = putKeyFile(run, uploader);
    ready = put.then(() => {});
    ready.catch(() => {});
    if (run.parent === null) await ready;
    const known = loadKnown(o, s);
    pool = makeLazyPool(async () => {
      run.tellRecipients(await put);
      return makePool(o, s, known, uploader, threads.start());
    });
    return { known, uploader, pool, ready, assertInTime, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function putKeyFile(run: OpenRun, uploader: Uploader): Promise<Uint8Array> {
  const keyFile = await run.keyFile;
  await uploader.object(names.KEY_NAME, keyFile);
  return keyFile;
}

function loadKnown(o: BackupOptions, { run, parent, expected: { files, bytes } }: SealingOptions): KnownChunks {
  return loadKnownChunks({
    own: { snapshot: run.id, suite: o.suite, commit: run.head.commit },
    parent,
    adopted: run.adopted,
    // One chunk a MiB and one more a file, and the segments. Rows that are never used cost nothing, but the index's size
    // goes by them, and all of it is touched.
    expected: Math.ceil(bytes / (1 << 20)) + files + 65_536,
  });
}

function makePool(
  o: BackupOptions,
  { run, expected }: SealingOptions,
  known: KnownChunks,
  uploader: Uploader,
  threads: SealThreads,
): SealPool {
  const { table, packs, ownOrigin } = known;
  const perFile = expected.bytes / Math.max(1, expected.files);
  const budget = sealBudget(threads.workers.length, table.bytes, perFile);
  threads.keepFirst(budget.threads);
  return makeSealPool({
    threads,
    buffers: budget.buffers,
    data: {
      scope: run.keys.scope,
      packKey: run.keys.pack,
      chunkKey: o.chunkKey,
      compression: o.compression ?? "balanced",
      table: table.memory,
      ownOrigin,
      packTarget: budget.target,
    },
    onPack: async (pack, rows) => {
      const size = pack.bytes.length;
      await uploader.pack(pack, rows, table);
      packs.add({
        origin: ownOrigin,
        index: pack.index,
        size,
        salt: toBase64url(pack.salt),
        commit: toBase64url(pack.commit),
        secret: pack.secret,
        sha256: toHex(pack.sha256),
      });
    },
  });
}
