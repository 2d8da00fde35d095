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

/** Plain bytes and pieces fetched together; while one such batch is given out, the next is fetched. */
const BATCH_BYTES = 8 << 20;
const BATCH_PIECES = 4096;
const ZEROS = new Uint8Array(64 << 10);

/**
 * The bytes of one file, in order: each frame authenticated and compared with its chunk id before any of it is given
 * out. Of a hard link the content it shares. Memory does not grow with the file.
 * @throws ColdkeepError `not-found`; `refused` for what is no file; `integrity` for damage, in the middle of it.
 */
export async function* readContent(tree: Tree, path: Uint8Array): AsyncGenerator<Uint8Array> {
  yield* inOrder(batches(partsOf(tree, path, true)), (batch) => fetchPieces(tree, batch));
}

interface Part {
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

async function* batches(parts: AsyncIterable<Part>): AsyncGenerator<readonly Piece[]> {
  let batch: Piece[] = [];
  let bytes = 0;
  for await (const { pieces, secret } of parts) {
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
  all: AsyncIterable<readonly Piece[]>,
  fetch: (batch: readonly Piece[]) => Promise<(Uint8Array | number)[]>,
): AsyncGenerator<Uint8Array> {
  let before: Promise<(Uint8Array | number)[]> | null = null;
  for await (const batch of all) {
    const next = fetch(batch);
    // Told where it is waited for; until then it is no failure that nobody handles.
    next.catch(() => {});
    if (before !== null) yield* bytesOf(await before);
    before = next;
  }
  if (before !== null) yield* bytesOf(await before);
}

function* bytesOf(pieces: readonly (Uint8Array | number)[]): Generator<Uint8Array> {
  for (const piece of pieces) {
    if (typeof piece !== "number") yield piece;
    else for (let left = piece; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, Math.min(left, ZEROS.length));
  }
}

/** Beside each piece its bytes; of a hole its length. */
async function fetchPieces({ opened, packs, signal }: Tree, batch: readonly Piece[]): Promise<(Uint8Array | number)[]> {
  const { store, manifest } = opened;
  const key = chunkKeyOf(opened);
  const content: (Uint8Array | number)[] = batch.map((piece) => ("hole" in piece ? piece.hole : 0));

  async function open(range: FrameRange<number>): Promise<void> {
    const { pack, offset, length, frames } = range;
    const bytes = await fetchRange(store, pack.object, offset, length);
    const opener = openerOf(await packs.opening(pack));
    for (const { row, uses } of frames) {
      const start = row.offset - offset;
      const plain = opener.open(row, bytes.subarray(start, start + row.stored)).bytes;
      for (const use of uses) {
        const piece = batch[use];
        if (piece === undefined || "hole" in piece) continue;
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
  for (const [n, piece] of batch.entries()) if (!("hole" in piece)) await stream.add(piece, n);
  await stream.end();
  return content;
}
