import { chmodSync, closeSync, constants, ftruncateSync, lstatSync, mkdirSync, openSync } from "node:fs";
import { fromSystemError } from "../../posix/system-error.ts";
import { toFileTime } from "../../posix/times.ts";
import type { SuiteName } from "../../vault/card/types.ts";
import type { Progress } from "../../vault/names/index.ts";
import type { ManifestEntry } from "../../vault/sealed/types.ts";
import { makeTaskStream, type WorkerPool } from "../open/index.ts";
import { type BytePath, fromBytes, toBytes, toText } from "./byte-path.ts";
import {
  type Metadata,
  type RestoreAnswer,
  type RestoreJob,
  type StagedPath,
  TAKEN,
  type TakeFile,
  type TakenFile,
  type TakePiece,
} from "./jobs.ts";
import { type Kept, nothingKept } from "./kept.ts";
import { stagedBytes } from "./place-files.ts";
import { removeTree } from "./remove-tree.ts";
import type { SelectedEntry } from "./selection.ts";
import { prepareStaged } from "./take-files.ts";

/** One job's share: bytes to read, and files to look at. */
const JOB_BYTES = 16 << 20;
const JOB_FILES = 256;
/** What a file costs on its way to a thread, measured. */
const PER_FILE = 16 << 10;
const BLOCK = 4096;

export interface TakeOverOptions {
  readonly suite: SuiteName;
  readonly chunkKey: Uint8Array;
  readonly pool: WorkerPool<RestoreJob, RestoreAnswer>;
  readonly stagedPath: (selected: Pick<SelectedEntry, "path">) => StagedPath;
  readonly metadataOf: (selected: SelectedEntry) => Metadata;
  /** A file's counterpart in the old data; null where that is not to be used. */
  readonly oldPath: (path: BytePath) => BytePath | null;
  /** Whether old files may become the new ones: the old data goes, and stands still. */
  readonly link: boolean;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** A share of a file's pieces, and what is told of it by ordinals. */
interface Share {
  readonly file: TakeFile;
  readonly selected: SelectedEntry;
  /** Ordinal of each piece; -1 for a hole. */
  readonly ordinals: readonly number[];
}

/**
 * Makes the folders, those of an earlier run as they are, and removes the links it made, as they are made last, when all
 * they could lead to is there. What is in the way goes.
 */
export async function prepareTree(
  batches: AsyncIterable<readonly SelectedEntry[]>,
  o: Pick<TakeOverOptions, "stagedPath">,
): Promise<void> {
  for await (const batch of batches) {
    for (const selected of batch) {
      const { type } = selected.entry;
      if (type === "file") continue;
      attempt(o.stagedPath(selected), (path) => {
        const found = lstatSync(path, { throwIfNoEntry: false });
        if (type === "directory" && found?.isDirectory() === true) chmodSync(path, 0o700);
        else {
          if (found !== undefined) removeTree(fromBytes(path));
          if (type === "directory") mkdirSync(path, { mode: 0o700 });
        }
      });
    }
  }
}

/**
 * Finds out what of the selected entries an earlier, unfinished run has staged, and what the old data can give; all of
 * it is read and compared by chunk id, so neither needs to be trusted. The folders are there (`prepareTree`).
 * @throws ColdkeepError `permission`, `no-space`, `refused`; the signal's reason.
 */
export async function takeOver(batches: AsyncIterable<readonly SelectedEntry[]>, o: TakeOverOptions): Promise<Kept> {
  const kept = nothingKept();
  const stream = makeTaskStream(JOB_BYTES * (2 * o.pool.size + 1), o.signal);
  let shares: Share[] = [];
  let bytes = 0;

  async function flush(): Promise<void> {
    const [mine, size] = [shares, bytes];
    shares = [];
    bytes = 0;
    if (mine.length === 0) return;
    await stream.push(size + mine.length * PER_FILE, async () => {
      const take = mine.map(({ file }) => file);
      const { taken = [] } = await o.pool.run({ suite: o.suite, chunkKey: o.chunkKey, take });
      mine.forEach((share, n) => {
        const answer = taken[n];
        if (answer !== undefined) note(kept, share, answer);
      });
      o.progress.advance(size);
    });
  }

  async function give(selected: SelectedEntry, head: TakeFile, pieces: TakePiece[], first: number): Promise<void> {
    let ordinal = first;
    const ordinals = pieces.map(({ id }) => (id === null ? -1 : ordinal++));
    shares.push({ file: { ...head, pieces }, selected, ordinals });
    if (bytes >= JOB_BYTES || shares.length >= JOB_FILES) await flush();
  }

  for await (const batch of batches) {
    for (const selected of batch) {
      const { entry } = selected;
      if (entry.type !== "file") continue;
      const staged = o.stagedPath(selected);
      const { size } = entry;
      const old = o.oldPath(selected.path);
      // Linked as a whole or not at all; otherwise a large file is everybody's work.
      const whole = entry.from === undefined && lengthOf(entry) === size;
      const link = o.link && whole && old !== null && looksSame(old, entry);
      const shared = !link && (!whole || size > JOB_BYTES);
      if (shared && entry.from === undefined) makeReady({ ...staged, size }, old);
      const secret = entry.secret === true;
      const head: TakeFile = {
        ...staged,
        size,
        secret,
        pieces: [],
        metadata: o.metadataOf(selected),
        old,
        link,
        shared,
      };
      let pieces: TakePiece[] = [];
      let ordinal = selected.piece;
      let first = ordinal;
      let at = entry.from ?? 0;
      for (const piece of entry.pieces) {
        if (shared && bytes >= JOB_BYTES && pieces.length > 0) {
          await give(selected, head, pieces, first);
          pieces = [];
          first = ordinal;
        }
        const length = "hole" in piece ? piece.hole : piece.plain;
        pieces.push({ at, length, id: "hole" in piece ? null : piece.id });
        at += length;
        if ("hole" in piece) continue;
        bytes += length;
        ordinal += 1;
      }
      await give(selected, head, pieces, first);
    }
  }
  await flush();
  await stream.end();
  return kept;
}

function lengthOf({ pieces }: ManifestEntry): number {
  return pieces.reduce((sum, piece) => sum + ("hole" in piece ? piece.hole : piece.plain), 0);
}

/** Whether it is worth asking for more: nothing is believed for it. */
function looksSame(old: BytePath, { size, mtime }: ManifestEntry): boolean {
  const info = lstatSync(toBytes(old), { bigint: true, throwIfNoEntry: false });
  if (info === undefined || Number(info.size) !== size) return false;
  const time = toFileTime(info.mtimeNs);
  return time.seconds === mtime.seconds && time.nanoseconds === mtime.nanoseconds;
}

function note(kept: Kept, { file, selected, ordinals }: Share, { kind, states }: TakenFile): void {
  if (kind !== "absent") kept.there.add(selected.file);
  if (kind === "linked") kept.linked.add(selected.file);
  const root = selected.path.split("/", 1)[0] ?? "";
  for (const [n, { length }] of file.pieces.entries()) {
    const ordinal = ordinals[n] ?? -1;
    if (ordinal < 0) continue;
    const state = states[n];
    if (state === TAKEN.not) {
      kept.missing.set(root, (kept.missing.get(root) ?? 0) + Math.ceil(length / BLOCK) * BLOCK);
      continue;
    }
    kept.pieces.add(ordinal);
    kept.bytes += length;
  }
}

function makeReady(file: StagedPath & { readonly size: number }, old: BytePath | null): void {
  attempt(file, (path) => {
    const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
    const fd = prepareStaged(file, old) ?? openSync(path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o600);
    try {
      ftruncateSync(fd, file.size);
    } finally {
      closeSync(fd);
    }
  });
}

function attempt(staged: StagedPath, act: (path: Buffer) => void): void {
  try {
    act(stagedBytes(staged));
  } catch (error) {
    const on = toText(staged.path);
    throw fromSystemError(error, { what: "cannot go on from what is staged", on, otherwise: "refused" });
  }
}
