import { timingSafeEqual } from "node:crypto";
import { names } from "../../vault/names/index.ts";
import { chunkId, chunkIdKey } from "../../vault/sealed/chunk-id.ts";
import { type Compressor, WAYS } from "../../vault/sealed/codec.ts";
import { ObjectRemaker } from "../../vault/sealed/remake-object.ts";
import type { FrameRow } from "../../vault/sealed/types.ts";
import { type KnownFrame, type KnownPack, rowsOf } from "./known-frames.ts";
import { readOrigin } from "./node-files.ts";

/** A pack's bytes as they were put first, or why they cannot be had. */
export type Remade =
  | { readonly bytes: Uint8Array; readonly how: string }
  | { readonly bytes: null; readonly how: string; readonly files: readonly string[] };

/** Files named of what is lost. */
const MOST_FILES = 100;

/**
 * Makes a damaged pack again from what still opens of it and from the node's own files.
 * @param rest What lies in its place; null where nothing does.
 * @param sha256 Lower-case hex, as the pack list has it.
 */
export function remakePack(
  known: KnownPack,
  rest: Uint8Array | null,
  sha256: string,
  roots: ReadonlyMap<string, string>,
): Remade {
  const [usual, ...others] = WAYS;
  let last = attempt(usual, known, rest, sha256, roots);
  for (const way of others) {
    if (!last.another) break;
    last = attempt(way, known, rest, sha256, roots);
  }
  return last.made;
}

interface Attempt {
  readonly made: Remade;
  /** Frames compressed in another way might come out right. */
  readonly another: boolean;
}

function attempt(
  compress: Compressor,
  known: KnownPack,
  rest: Uint8Array | null,
  sha256: string,
  roots: ReadonlyMap<string, string>,
): Attempt {
  const { scope, index, key, salt, commit } = known.opening;
  if (!(key instanceof Uint8Array)) throw new RangeError("a pack is made again by its node's key alone");
  const name = names.packName(index);
  const remaker = new ObjectRemaker(
    { scope, kind: "pack", index, name, key, salt, commit, size: known.size, sha256 },
    compress,
  );
  const rows = rowsOf(known) ?? (rest === null ? null : remaker.rowsOf(rest));
  if (rows === null)
    return settled(lost("no snapshot tells of all its frames, and its own footer is not there to tell", []));
  const idKey = chunkIdKey(known.chunkKey);
  const missing: KnownFrame[] = [];
  const figures = { kept: 0, read: 0, unknown: 0, other: 0 };

  /** Of the node's files: the very bytes that were captured. */
  function fromNode(frame: KnownFrame): Buffer | null {
    for (const origin of frame.origins) {
      const plain = readOrigin(roots, origin, frame.row.plain);
      if (plain === null) continue;
      if (timingSafeEqual(chunkId(scope.suite, idKey, plain, frame.secret), frame.id)) return plain;
    }
    return null;
  }

  function bodyOf(row: FrameRow): Uint8Array | null {
    const kept = rest === null ? null : remaker.bodyIn(rest, row);
    if (kept !== null) {
      figures.kept += 1;
      return kept;
    }
    const frame = known.frames.get(row.frame);
    const plain = frame === undefined ? null : fromNode(frame);
    if (plain === null) {
      if (frame === undefined) figures.unknown += 1;
      else missing.push(frame);
      return null;
    }
    const body = remaker.bodyOf(plain, row);
    if (body === null) figures.other += 1;
    else figures.read += 1;
    return body;
  }

  let whole = true;
  for (const row of rows) {
    const body = bodyOf(row);
    if (body === null || (whole && !remaker.add(body, row))) whole = false;
  }
  const bytes = whole ? remaker.finish() : null;
  const { kept, read, unknown, other } = figures;
  if (bytes !== null) {
    return settled({
      bytes,
      how: `${kept} of its ${rows.length} frames still opened, ${read} were sealed again from the node's files`,
    });
  }
  if (missing.length > 0) {
    const lists = missing.filter(({ origins }) => origins.length === 0).length;
    const why = lists > 0 ? `, ${lists} of them of the list of files, which the vault alone has` : "";
    return settled(
      lost(`${missing.length} of its ${rows.length} frames are in none of the node's files any more${why}`, missing),
    );
  }
  if (unknown > 0)
    return settled(lost(`${unknown} of its frames do not open, and no snapshot tells what they held`, []));
  const zstd = other > 0 ? `${other} of its frames compress otherwise` : "it comes out with another SHA-256";
  return { made: lost(`the node has all of it, and ${zstd} with this version of zstd`, []), another: true };
}

/** What another way of compressing would not change. */
function settled(made: Remade): Attempt {
  return { made, another: false };
}

function lost(how: string, frames: readonly KnownFrame[]): Remade {
  const paths = new Set(frames.flatMap(({ origins }) => origins.map(({ path }) => path)));
  const files = [...paths].sort().slice(0, MOST_FILES);
  return { bytes: null, how, files: files.map((path) => Buffer.from(path, "latin1").toString("utf8")) };
}
