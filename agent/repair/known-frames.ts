import { fromBase64url, isColdkeepError, type SnapshotId } from "../../vault/names/index.ts";
import { closedSize } from "../../vault/sealed/remake-object.ts";
import type { ChunkPlace, FrameRow } from "../../vault/sealed/types.ts";
import {
  chunkKeyOf,
  makeEntrySource,
  makePackTable,
  type OpenedSnapshot,
  type OpenOptions,
  openSnapshot,
  type PackOpening,
} from "../open/index.ts";
import type { ChunkOrigin } from "./node-files.ts";

/** Files of one content that are tried, and remembered, a frame. */
const MOST_ORIGINS = 8;
const HEADER = 96;

export interface KnownFrame {
  readonly row: FrameRow;
  readonly id: Uint8Array;
  readonly secret: boolean;
  /** Empty for a piece of a list of files. */
  readonly origins: ChunkOrigin[];
}

/** A damaged pack, and what the snapshots that use it tell of its frames. */
export interface KnownPack {
  readonly opening: PackOpening;
  readonly chunkKey: Uint8Array;
  readonly size: number;
  readonly frames: Map<number, KnownFrame>;
}

export interface SoughtPack {
  readonly object: string;
  readonly origin: SnapshotId;
  readonly index: number;
}

type Opening = (snapshot: SnapshotId) => OpenOptions;

/**
 * Gathers what is known of the frames of some packs from the snapshots that use them, until all frames are known. A
 * snapshot that cannot be opened or walked tells what it can: it may be damaged by these very packs.
 */
export async function gatherFrames(
  sought: readonly SoughtPack[],
  snapshots: readonly SnapshotId[],
  opening: Opening,
  signal: AbortSignal,
): Promise<Map<string, KnownPack>> {
  const known = new Map<string, KnownPack>();
  for (const snapshot of snapshots) {
    if (sought.every(({ object }) => isComplete(known.get(object)))) break;
    signal.throwIfAborted();
    try {
      await gatherFrom(await openSnapshot(opening(snapshot)), sought, known, signal);
    } catch (error) {
      if (!isColdkeepError(error, "integrity") && !isColdkeepError(error, "not-found")) throw error;
    }
  }
  return known;
}

/** The rows of all data frames, in order; null where some are not known. */
export function rowsOf(known: KnownPack): FrameRow[] | null {
  const rows: FrameRow[] = [];
  let end = HEADER;
  for (let frame = 0; frame < known.frames.size; frame += 1) {
    const row = known.frames.get(frame)?.row;
    if (row === undefined || row.offset !== end) return null;
    rows.push(row);
    end += row.stored;
  }
  return rows.length > 0 && closedSize(rows.length, end) === known.size ? rows : null;
}

function isComplete(known: KnownPack | undefined): boolean {
  return known !== undefined && rowsOf(known) !== null;
}

async function gatherFrom(
  opened: OpenedSnapshot,
  sought: readonly SoughtPack[],
  known: Map<string, KnownPack>,
  signal: AbortSignal,
): Promise<void> {
  const table = makePackTable(opened);
  const mine = new Map<string, KnownPack>();
  const rows = new Map(table.rows.map((row) => [row.object, row]));
  for (const { object, origin, index } of sought) {
    const row = rows.get(object);
    if (row === undefined) continue;
    const found = known.get(object) ?? {
      opening: await table.opening(row),
      chunkKey: chunkKeyOf(opened),
      size: row.size,
      frames: new Map<number, KnownFrame>(),
    };
    known.set(object, found);
    mine.set(`${origin} ${index}`, found);
  }
  if (mine.size === 0) return;
  const packOf = (place: ChunkPlace) => mine.get(`${place.origin} ${place.pack}`);
  for (const segment of opened.manifest.segments) {
    const id = fromBase64url(segment.id, 32);
    const pack = packOf(segment);
    if (id !== null && pack !== undefined) note(pack, segment, id, false, null);
  }
  for await (const entries of makeEntrySource(opened, table, signal).segments()) {
    for (const { path, type, pieces, from, secret } of entries) {
      if (type !== "file") continue;
      let at = from ?? 0;
      for (const piece of pieces) {
        if ("hole" in piece) {
          at += piece.hole;
          continue;
        }
        const pack = packOf(piece);
        if (pack !== undefined) {
          const origin = { path: Buffer.from(path).toString("latin1"), at };
          note(pack, piece, piece.id, secret === true, origin);
        }
        at += piece.plain;
      }
    }
  }
}

function note(
  { frames }: KnownPack,
  { frame, offset, stored, plain, codec }: ChunkPlace,
  id: Uint8Array,
  secret: boolean,
  origin: ChunkOrigin | null,
): void {
  let known = frames.get(frame);
  if (known === undefined) {
    known = { row: { frame, offset, stored, plain, codec }, id: Uint8Array.from(id), secret, origins: [] };
    frames.set(frame, known);
  }
  if (origin === null || known.origins.length >= MOST_ORIGINS) return;
  if (!known.origins.some(({ path, at }) => path === origin.path && at === origin.at)) known.origins.push(origin);
}
