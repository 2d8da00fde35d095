import { closeSync, constants, ftruncateSync, openSync, writeSync } from "node:fs";
import { PAGE } from "../../posix/aligned.ts";
import { writeFully, writeFullySync } from "../../posix/direct.ts";
import { fromSystemError } from "../../posix/system-error.ts";
import { chunkIdKey } from "../../vault/sealed/chunk-id.ts";
import type { FrameRow, OpenedFrame } from "../../vault/sealed/types.ts";
import { openFrame } from "../open/open-frames.ts";
import { countRows, rowAt } from "../open/packed-rows.ts";
import { applyMetadata } from "./apply-metadata.ts";
import { below, toBytes, toText } from "./byte-path.ts";
import type { JobFile, PlaceJob, RestoreAnswer, StagedPath } from "./jobs.ts";
import { LANE_BYTES, type Lane, makeLanes } from "./lanes.ts";
import { failed, makeOpenFiles, type OpenFile, type OpenFiles } from "./open-files.ts";
import { unpackFiles } from "./packed-files.ts";
import { assertBytes, assertPiece, assertPieceLater, assertShape, type Piece } from "./read-back.ts";
import type { IdKey } from "./read-piece.ts";

const ID_BYTES = 32;
/** What is shorter takes longer to be handed to the disk's own time than to be waited for. Bytes. */
const WORTH_A_LANE = 64 << 10;

/** One place that a frame goes to. */
interface Place extends Piece {
  readonly file: JobFile;
  readonly ordinal: number;
}

/**
 * One job of a restore, in a worker thread: opens each frame, writes it to the files it belongs to, reads it back from
 * there and compares it with its chunk id (before it is written where it is not to be read back), and gives finished files
 * their metadata. Only opened, thus authenticated, frames reach the disk. While the disk works on large pieces, the next
 * ones are opened.
 * @throws ColdkeepError `integrity` for a damaged frame, or a file that does not hold what was backed up; `no-space`,
 *   `permission`.
 */
export async function placeFiles(job: PlaceJob): Promise<RestoreAnswer> {
  const { batch } = job;
  const files = unpackFiles(job.files);
  const key = { suite: job.suite, chunkKey: chunkIdKey(job.chunkKey) };
  const lost = new Set<string>();
  const left = countUses(job, files.length);
  const open = makeOpenFiles();
  const lanes = makeLanes();

  const arrived = ({ file, ordinal }: Place) => {
    left[ordinal] = (left[ordinal] ?? 0) - 1;
    if (left[ordinal] === 0) finish(file, open, lost);
  };
  const placeNow = async (frame: OpenedFrame, places: readonly Place[]) => {
    for (const place of places) {
      const target = open.get(place.file);
      // How a file is accessed is not changed under what is on its way.
      if (target.busy > 0) await lanes.drain();
      if (!job.readBack) assertBytes(key, place.file, frame.bytes, place);
      write(target, frame, place);
      if (job.readBack) readBack(() => assertPiece(key, place.file, target.fd, place), place.file);
      arrived(place);
    }
  };
  const placeLater = async (frame: OpenedFrame, places: readonly Place[], { plain, back }: Lane) => {
    const bytes = moveTo(plain, frame.bytes);
    for (const place of places) {
      if (!job.readBack) assertBytes(key, place.file, bytes, place);
      await placeLarge(open.get(place.file), bytes, place, job.readBack ? { key, memory: back } : null);
      arrived(place);
    }
  };

  try {
    files.forEach((file, i) => {
      if (left[i] === 0) finish(file, open, lost);
    });
    let nth = 0;
    for (let n = 0; batch !== null && n < countRows(batch.rows); n += 1) {
      const row = rowAt(batch.rows, n);
      const end = nth + (job.counts[n] ?? 0);
      const places = placesOf(job, files, nth, end, row.plain);
      nth = end;
      if (places.every((place) => hasLane(row, place, open))) {
        const lane = await lanes.take();
        const frame = openFrame(batch, row, lane.plain);
        lanes.begin(lane, () => placeLater(frame, places, lane));
      } else await placeNow(openFrame(batch, row), places);
    }
    await lanes.drain();
    return { lost: [...lost] };
  } finally {
    await lanes.settle();
    open.closeAll();
  }
}

/** The path system calls take. */
export function stagedBytes({ base, path }: StagedPath): Buffer {
  return toBytes(below(base, path));
}

/** For each file, in how many places of it something of this job goes. */
function countUses({ uses }: PlaceJob, files: number): Uint32Array {
  const left = new Uint32Array(files);
  for (let n = 0; n < uses.length; n += 2) left[uses[n] ?? 0] = (left[uses[n] ?? 0] ?? 0) + 1;
  return left;
}

function placesOf(
  { uses, ids }: PlaceJob,
  files: readonly JobFile[],
  from: number,
  to: number,
  length: number,
): Place[] {
  return Array.from({ length: to - from }, (_, n) => {
    const nth = from + n;
    const ordinal = uses[2 * nth] ?? 0;
    const file = files[ordinal];
    if (file === undefined) throw new RangeError(`job has no file ${ordinal}`);
    const id = ids.subarray(nth * ID_BYTES, (nth + 1) * ID_BYTES);
    return { file, ordinal, at: uses[2 * nth + 1] ?? 0, length, id, secret: file.secret };
  });
}

function hasLane({ plain }: FrameRow, { file, at }: Place, open: OpenFiles): boolean {
  return plain >= WORTH_A_LANE && plain <= LANE_BYTES && at % PAGE === 0 && open.get(file).direct;
}

/** What is not compressed comes out in memory of its own. */
function moveTo(memory: Uint8Array, bytes: Uint8Array): Uint8Array {
  if (bytes.buffer === memory.buffer) return bytes;
  memory.set(bytes);
  return memory.subarray(0, bytes.length);
}

function write(open: OpenFile, { bytes }: OpenedFrame, { file, at }: Place): void {
  try {
    writeFullySync(open.fd, bytes, at, open.direct);
    open.end = Math.max(open.end, at + bytes.length);
  } catch (error) {
    throw failed(error, file);
  }
}

/** `back`: how it is read back, and into what memory; null where it is not. */
async function placeLarge(
  open: OpenFile,
  bytes: Uint8Array,
  place: Place,
  back: { readonly key: IdKey; readonly memory: Uint8Array } | null,
): Promise<void> {
  const { file, at } = place;
  const whole = bytes.length - (bytes.length % PAGE);
  open.busy += 1;
  try {
    try {
      await writeFully(open.fd, bytes.subarray(0, whole), at);
      if (whole < bytes.length) writeTail(open.fd, bytes.subarray(whole), at + whole);
      open.end = Math.max(open.end, at + bytes.length);
    } catch (error) {
      throw failed(error, file);
    }
    try {
      if (back !== null) await assertPieceLater(back.key, file, open.fd, place, back.memory);
    } catch (error) {
      throw notRead(error, file);
    }
  } finally {
    open.busy -= 1;
  }
}

/** Less than a page goes through the cache, by a descriptor of its own: others write past it at the same time. */
function writeTail(fd: number, bytes: Uint8Array, at: number): void {
  const own = openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY);
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(own, bytes, done, bytes.length - done, at + done);
  } finally {
    closeSync(own);
  }
}

function finish(file: JobFile, open: OpenFiles, lost: Set<string>): void {
  if (file.kind === "part") return;
  const { fd, end } = open.get(file);
  try {
    if (file.kind === "whole" && end < file.size) ftruncateSync(fd, file.size);
    const found = readBack(() => assertShape(file, fd, file.size, file.holes), file);
    applyMetadata({ fd, found }, file.metadata, lost);
  } catch (error) {
    throw failed(error, file);
  } finally {
    open.close(file);
  }
}

function readBack<T>(act: () => T, file: JobFile): T {
  try {
    return act();
  } catch (error) {
    throw notRead(error, file);
  }
}

function notRead(error: unknown, file: JobFile): Error {
  return fromSystemError(error, {
    what: "cannot read a restored file back",
    on: toText(file.path),
    otherwise: "integrity",
  });
}
