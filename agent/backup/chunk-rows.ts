import { ID_BYTES, type TablePlace } from "./chunk-table.ts";

/** Bytes of a chunk's row on disk: id, then eight little-endian 32-bit words. */
export const ROW_BYTES = ID_BYTES + 32;

/** A chunk as local files keep it; `row` is the number by which the same run's entries name it. */
export interface ChunkRow extends TablePlace {
  readonly id: Uint8Array;
  readonly row: number;
}

export function encodeRow(row: number, id: Uint8Array, place: TablePlace): Uint8Array {
  const bytes = Buffer.allocUnsafe(ROW_BYTES);
  bytes.set(id, 0);
  const { origin, pack, frame, offset, stored, plain, codec } = place;
  let at = ID_BYTES;
  for (const word of [row, origin, pack, frame, offset, stored, plain, codec]) at = bytes.writeUInt32LE(word, at);
  return bytes;
}

function decodeRow(bytes: Buffer, at: number): ChunkRow {
  const word = (n: number) => bytes.readUInt32LE(at + ID_BYTES + n * 4);
  return {
    id: bytes.subarray(at, at + ID_BYTES),
    row: word(0),
    origin: word(1),
    pack: word(2),
    frame: word(3),
    offset: word(4),
    stored: word(5),
    plain: word(6),
    codec: word(7) === 1 ? 1 : 0,
  };
}

/** The rows in a sequence of blocks, which may cut them anywhere. Each row's id is a view that the next one may overwrite. */
export function* rowsOf(blocks: Iterable<Buffer>): Generator<ChunkRow> {
  let rest: Buffer = Buffer.alloc(0);
  for (const block of blocks) {
    const bytes = rest.length === 0 ? block : Buffer.concat([rest, block]);
    let at = 0;
    for (; at + ROW_BYTES <= bytes.length; at += ROW_BYTES) yield decodeRow(bytes, at);
    rest = Buffer.from(bytes.subarray(at));
  }
}
