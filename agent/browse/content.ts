import { timingSafeEqual } from "node:crypto";
import { ColdkeepError } from "../../vault/names/index.ts";
import { chunkId, comparePaths } from "../../vault/sealed/index.ts";
import type { EntryPiece, ManifestEntry } from "../../vault/sealed/types.ts";
import {
  advise,
  chunkKeyOf,
  explainDamage,
  type FrameRange,
  fetchRange,
  makeRangeStream,
  openerOf,
} from "../open/index.ts";
import { showByteName } from "./byte-names.ts";
import { notThere, type Tree } from "./tree.ts";
import type { Listed } from "./types.ts";

/** Plain bytes and pieces fetched together; while one such batch is given out, the next is fetched. */
const BATCH_BYTES = 8 << 20;
const BATCH_PIECES = 4096;
const ZEROS = new Uint8Array(64 << 10);

/** Some bytes of a file, that lie side by side. */
export interface Span {
  readonly first: number;
  readonly length: number;
}

/**
 * The bytes of one file, or those of a span of it, in order: each frame authenticated and compared with its chunk id
 * before any of it is given out. Of a hard link the content it shares. Memory does not grow with the file.
 * @throws ColdkeepError `not-found`; `refused` for what is no file; `integrity` for damage, in the middle of it.
 */
export async function* readContent(tree: Tree, path: Uint8Array, span?: Span): AsyncGenerator<Uint8Array> {
  const all = partsOf(tree, path, true);
  const found = span === undefined ? null : piecesWithin(all, span);
  let left = span?.length ?? Number.POSITIVE_INFINITY;
  for await (const step of inOrder(batches(found?.parts ?? all), (batch) => fetchPieces(tree, batch))) {
    if (!(step instanceof Uint8Array)) continue;
    // A piece is opened whole, so what comes first may begin before the span, and what comes last end after it.
    const before = found?.before() ?? 0;
    const bytes = step.subarray(before, before + left);
    found?.began();
    left -= bytes.length;
    if (bytes.length > 0) yield bytes;
    if (left <= 0) return;
  }
}

/** The pieces that a span lies in, and how many bytes of the first of them are before it. */
function piecesWithin(all: AsyncIterable<Part>, { first, length }: Span) {
  const end = first + length;
  let cut = 0;
  async function* parts(): AsyncGenerator<Part> {
    let at = 0;
    for await (const part of all) {
      const pieces: EntryPiece[] = [];
      for (const piece of part.pieces) {
        const size = "hole" in piece ? piece.hole : piece.plain;
        const start = at;
        at += size;
        if (at <= first || start >= end) continue;
        if ("hole" in piece) pieces.push({ hole: Math.min(at, end) - Math.max(start, first) });
        else {
          pieces.push(piece);
          if (start < first) cut = first - start;
        }
      }
      if (pieces.length > 0) yield { ...part, pieces };
      if (at >= end) return;
    }
  }
  return {
    parts: parts(),
    before: () => cut,
    began: () => {
      cut = 0;
    },
  };
}

/** What comes by in a walk through the tree: a thing, and after a file all bytes of it. */
export type Walked = { readonly entry: Listed } | { readonly bytes: Uint8Array };

/**
 * All things of a snapshot that are wanted, in the order of the tree, each file followed by its bytes, in one pass: what
 * lies side by side in the vault is fetched together. Checked and bounded as in `readContent`. A hard link is told as one,
 * without bytes: it comes after the path whose content it shares.
 * @throws ColdkeepError `integrity` for damage, in the middle of it.
 */
export async function* readTree(tree: Tree, wants: (path: Uint8Array) => boolean): AsyncGenerator<Walked> {
  for await (const step of inOrder(batches(stepsOf(tree, wants)), (batch) => fetchPieces(tree, batch))) {
    yield step instanceof Uint8Array ? { bytes: step } : step;
  }
}

async function* stepsOf(tree: Tree, wants: (path: Uint8Array) => boolean): AsyncGenerator<Part> {
  for await (const entries of tree.source.segments()) {
    for (const entry of entries) {
      if (!wants(entry.path)) continue;
      const pieces = entry.type === "file" ? entry.pieces : [];
      yield { ...(entry.from === undefined ? { entry } : {}), pieces, secret: entry.secret === true };
    }
  }
}

interface Part {
  /** Told before its pieces, where it is to be told. */
  readonly entry?: Listed;
  readonly pieces: readonly EntryPiece[];
  readonly secret: boolean;
}

/** The parts of the file at that path, as the list of files has them. */
async function* partsOf(tree: Tree, path: Uint8Array, follow: boolean): AsyncGenerator<Part> {
  let found = false;
  for await (const entries of tree.source.segments()) {
    for (const entry of entries) {
      const compared = comparePaths(entry.path, path);
      if (compared < 0) continue;
      if (compared > 0) {
        if (!found) throw notThere(tree.opened, path);
        return;
      }
      found = true;
      if (entry.type === "hardlink" && entry.target !== undefined && follow) {
        yield* partsOf(tree, entry.target, false);
        return;
      }
      assertFile(entry);
      yield { pieces: entry.pieces, secret: entry.secret === true };
    }
  }
  if (!found) throw notThere(tree.opened, path);
}

function assertFile({ path, type, target }: ManifestEntry): void {
  if (type === "file") return;
  const to = target === undefined ? "" : ` to ${showByteName(target)}`;
  throw new ColdkeepError("refused", {
    what: "this is no file",
    on: showByteName(path),
    why: `it is a ${type}${to}`,
    todo: type === "directory" ? "`coldkeep ls` shows what is in it" : "name the file itself",
  });
}

type Piece = EntryPiece & { readonly secret?: boolean };
interface Told {
  readonly entry: Listed;
}
/** Bytes of a piece, the length of a hole, or what is told in between. */
type Content = Uint8Array | number | Told;

async function* batches(parts: AsyncIterable<Part>): AsyncGenerator<readonly (Piece | Told)[]> {
  let batch: (Piece | Told)[] = [];
  let bytes = 0;
  for await (const { entry, pieces, secret } of parts) {
    if (entry !== undefined) {
      if (batch.length >= BATCH_PIECES) {
        yield batch;
        batch = [];
        bytes = 0;
      }
      batch.push({ entry });
    }
    for (const piece of pieces) {
      const plain = "hole" in piece ? 0 : piece.plain;
      if (batch.length > 0 && (bytes + plain > BATCH_BYTES || batch.length >= BATCH_PIECES)) {
        yield batch;
        batch = [];
        bytes = 0;
      }
      batch.push(secret ? { ...piece, secret } : piece);
      bytes += plain;
    }
  }
  if (batch.length > 0) yield batch;
}

/** Gives out one batch while the next one is on its way. */
async function* inOrder(
  all: AsyncIterable<readonly (Piece | Told)[]>,
  fetch: (batch: readonly (Piece | Told)[]) => Promise<Content[]>,
): AsyncGenerator<Uint8Array | Told> {
  let before: Promise<Content[]> | null = null;
  for await (const batch of all) {
    const next = fetch(batch);
    // Told where it is waited for; until then it is no failure that nobody handles.
    next.catch(() => {});
    if (before !== null) yield* bytesOf(await before);
    before = next;
  }
  if (before !== null) yield* bytesOf(await before);
}

function* bytesOf(pieces: readonly Content[]): Generator<Uint8Array | Told> {
  for (const piece of pieces) {
    if (typeof piece !== "number") yield piece;
    else for (let left = piece; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, Math.min(left, ZEROS.length));
  }
}

/** Beside each piece its bytes; of a hole its length. */
async function fetchPieces({ opened, packs, signal }: Tree, batch: readonly (Piece | Told)[]): Promise<Content[]> {
  const { store, manifest } = opened;
  const key = chunkKeyOf(opened);
  const content: Content[] = batch.map((step) => ("entry" in step ? step : "hole" in step ? step.hole : 0));

  async function open(range: FrameRange<number>): Promise<void> {
    const { pack, offset, length, frames } = range;
    const bytes = await fetchRange(store, pack.object, offset, length);
    const opener = openerOf(await packs.opening(pack));
    for (const { row, uses } of frames) {
      const start = row.offset - offset;
      const plain = opener.open(row, bytes.subarray(start, start + row.stored)).bytes;
      for (const use of uses) {
        const piece = batch[use];
        if (piece === undefined || "entry" in piece || "hole" in piece) continue;
        if (!timingSafeEqual(piece.id, chunkId(manifest.suite, key, plain, piece.secret === true))) {
          throw new ColdkeepError("integrity", {
            what: "a frame holds other content than the manifest says",
            on: pack.object,
            why: `frame ${row.frame} opens, but is not the chunk that was asked for`,
          });
        }
        content[use] = plain;
      }
    }
  }

  const stream = makeRangeStream<number>({
    packs,
    signal,
    arrive: async (range) => {
      try {
        await open(range);
      } catch (error) {
        throw advise(await explainDamage(store, packs, range.pack, error), range.pack.object);
      }
    },
  });
  for (const [n, piece] of batch.entries()) if (!("entry" in piece || "hole" in piece)) await stream.add(piece, n);
  await stream.end();
  return content;
}
