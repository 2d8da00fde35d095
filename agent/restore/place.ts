import { closeSync, constants, ftruncateSync, mkdirSync, openSync } from "node:fs";
import { fromSystemError } from "../../posix/system-error.ts";
import type { SuiteName } from "../../vault/card/types.ts";
import type { Progress } from "../../vault/names/index.ts";
import {
  advise,
  explainDamage,
  type FrameRange,
  LARGEST_REQUEST,
  makeLentMemory,
  makeRangeStream,
  makeTaskStream,
  type OpenedSnapshot,
  type PackTable,
  type WorkerPool,
  withBatch,
} from "../open/index.ts";
import { toText } from "./byte-path.ts";
import type { JobFile, Metadata, PlaceJob, RestoreAnswer, RestoreJob, StagedPath } from "./jobs.ts";
import type { Kept } from "./kept.ts";
import { packFiles } from "./packed-files.ts";
import { stagedBytes } from "./place-files.ts";
import type { SelectedEntry } from "./selection.ts";

/** Files without data in one job. */
const BARE_BATCH = 256;
const ID_BYTES = 32;
const NO_HOLES: readonly number[] = [];
const NO_DATA = { batch: null, counts: new Uint32Array(0), uses: new Float64Array(0), ids: new Uint8Array(0) };
/** Such jobs at once. */
const BARE_JOBS = 4;

/** What all jobs of a restore have in common. */
type Shared = "suite" | "chunkKey" | "readBack";

export interface PlaceOptions {
  readonly opened: OpenedSnapshot;
  readonly packs: PackTable;
  readonly pool: WorkerPool<RestoreJob, RestoreAnswer>;
  /** What need not be fetched; null for the first and only run, which makes everything. */
  readonly kept: Kept | null;
  /** An earlier run has fetched what is kept: none of it is fetched again, be it one request less. */
  readonly resumed: boolean;
  readonly suite: SuiteName;
  readonly chunkKey: Uint8Array;
  readonly readBack: boolean;
  readonly stagedPath: (selected: SelectedEntry) => StagedPath;
  readonly metadataOf: (selected: SelectedEntry) => Metadata;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** What could not be set. */
  readonly onLost: (what: string) => void;
}

/** A file on its way. */
interface Arriving extends StagedPath {
  readonly size: number;
  readonly secret: boolean;
  readonly metadata: Metadata;
  readonly holes: number[];
  /** True once all its pieces were handed to the gatherer. */
  complete: boolean;
  /** True once it was made on disk to be filled by several jobs. */
  made: boolean;
  /** Pieces that were handed to the gatherer and are in no request yet. */
  gathering: number;
  /** Requests whose data it waits for. */
  waiting: number;
}

interface Use {
  readonly file: Arriving;
  readonly at: number;
  readonly id: Uint8Array;
}

/**
 * Makes the directories and files of the selected entries in staging. Data comes in large requests in the order of the
 * packs; a file that one request fills is made, filled and finished by one thread in one go. What was written is read back
 * and compared with its chunk id right away, where that is wanted.
 * @throws ColdkeepError `integrity` naming pack and file; `no-space`; `permission`; the store's errors.
 */
export async function placeEntries(batches: AsyncIterable<readonly SelectedEntry[]>, o: PlaceOptions): Promise<void> {
  const stream = makeRangeStream<Use>({ packs: o.packs, signal: o.signal, gathered, arrive });
  const lent = makeLentMemory(LARGEST_REQUEST);
  const bareStream = makeTaskStream(BARE_JOBS, o.signal);
  let bare: JobFile[] = [];
  let file: Arriving | null = null;
  let data = false;

  async function run(job: Omit<PlaceJob, Shared>, transfer: ArrayBuffer[] = []): Promise<void> {
    const { suite, chunkKey, readBack } = o;
    const { lost } = await o.pool.run({ suite, chunkKey, readBack, ...job }, transfer);
    for (const what of lost) o.onLost(what);
  }

  async function pushBare(file: JobFile): Promise<void> {
    bare.push(file);
    if (bare.length >= BARE_BATCH) await flushBare();
  }

  async function flushBare(): Promise<void> {
    const files = bare;
    bare = [];
    if (files.length > 0) await bareStream.push(1, () => run({ files: packFiles(files), ...NO_DATA }));
  }

  async function arrive(range: FrameRange<Use>): Promise<void> {
    const { job, files } = toJob(range);
    try {
      await withBatch(o.opened.store, o.packs, range, lent, (batch, transfer) => run({ ...job, batch }, transfer));
    } catch (error) {
      throw advise(await explainDamage(o.opened.store, o.packs, range.pack, error), range.pack.object);
    }
    o.progress.advance(range.plain);
    for (const file of files) {
      file.waiting -= 1;
      if (file.made && isFilled(file)) await run({ files: packFiles([toJobFile(file, "finish")]), ...NO_DATA });
    }
  }

  function gathered(ranges: readonly FrameRange<Use>[]): void {
    for (const range of ranges) {
      for (const file of filesOf(range)) {
        file.gathering = 0;
        file.waiting += 1;
      }
    }
    for (const range of ranges) {
      for (const file of filesOf(range)) if (!file.made && (file.waiting > 1 || !file.complete)) makeShared(file);
    }
  }

  for await (const batch of batches) {
    for (const selected of batch) {
      const { entry } = selected;
      const staged = o.stagedPath(selected);
      if (entry.type === "directory" && o.kept === null) makeDirectory(staged);
      if (entry.type !== "file" || o.kept?.linked.has(selected.file) === true) continue;
      // A file with very many pieces goes on in further entries.
      if (entry.from === undefined || file === null) {
        const made = o.kept?.there.has(selected.file) === true;
        const metadata = o.metadataOf(selected);
        const { size, secret = false } = entry;
        file = { ...staged, size, secret, metadata, holes: [], complete: false, made, gathering: 0, waiting: 0 };
        data = false;
      }
      let at = entry.from ?? 0;
      let ordinal = selected.piece;
      for (const piece of entry.pieces) {
        if ("hole" in piece) {
          addHole(file.holes, at, piece.hole);
          at += piece.hole;
          continue;
        }
        if (o.kept?.pieces.has(ordinal) !== true) {
          data = true;
          await stream.add(piece, { file, at, id: piece.id });
          file.gathering += 1;
        } else if (o.resumed) await stream.skip(piece);
        ordinal += 1;
        at += piece.plain;
      }
      if (at < entry.size) continue;
      file.complete = true;
      // With data on its way, its last request finishes it; one that arrived before all was known could not.
      if (!data) await pushBare(toJobFile(file, file.made ? "finish" : "whole"));
      else if (file.made && isFilled(file)) await pushBare(toJobFile(file, "finish"));
    }
  }
  await stream.end();
  await flushBare();
  await bareStream.end();
}

function isFilled(file: Arriving): boolean {
  return file.complete && file.gathering === 0 && file.waiting === 0;
}

function filesOf(range: FrameRange<Use>): Set<Arriving> {
  return new Set(range.frames.flatMap(({ uses }) => uses.map(({ file }) => file)));
}

function toJobFile(file: Arriving, kind: JobFile["kind"]): JobFile {
  const { base, path, size, secret, metadata } = file;
  return { base, path, size, secret, metadata, holes: kind === "part" ? NO_HOLES : file.holes, kind };
}

function addHole(holes: number[], at: number, length: number): void {
  const last = holes.length - 2;
  if (last >= 0 && (holes[last] ?? 0) + (holes[last + 1] ?? 0) === at)
    holes[last + 1] = (holes[last + 1] ?? 0) + length;
  else holes.push(at, length);
}

function toJob(range: FrameRange<Use>): { job: Omit<PlaceJob, Shared | "batch">; files: Arriving[] } {
  const files = [...filesOf(range)];
  const ordinals = new Map(files.map((file, i) => [file, i]));
  const counts = Uint32Array.from(range.frames, ({ uses }) => uses.length);
  const number = counts.reduce((sum, count) => sum + count, 0);
  const uses = new Float64Array(number * 2);
  const ids = new Uint8Array(number * ID_BYTES);
  let nth = 0;
  for (const frame of range.frames) {
    for (const { file, at, id } of frame.uses) {
      uses[2 * nth] = ordinals.get(file) ?? 0;
      uses[2 * nth + 1] = at;
      ids.set(id, nth * ID_BYTES);
      nth += 1;
    }
  }
  const packed = packFiles(files.map((file) => toJobFile(file, file.made ? "part" : "whole")));
  return { files, job: { files: packed, counts, uses, ids } };
}

function makeDirectory(staged: StagedPath): void {
  try {
    mkdirSync(stagedBytes(staged), { mode: 0o700 });
  } catch (error) {
    throw fromSystemError(error, { what: "cannot restore a folder", on: toText(staged.path), otherwise: "refused" });
  }
}

/** Makes a file at its full size, all hole, for several threads to fill. */
function makeShared(file: Arriving): void {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
  try {
    const fd = openSync(stagedBytes(file), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o600);
    try {
      ftruncateSync(fd, file.size);
    } finally {
      closeSync(fd);
    }
    file.made = true;
  } catch (error) {
    throw fromSystemError(error, { what: "cannot restore a file", on: toText(file.path), otherwise: "refused" });
  }
}
