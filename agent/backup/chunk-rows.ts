import { type ChunkTable, ID_BYTES, type TablePlace } from "./chunk-table.ts";

/** Bytes of a chunk's row on disk: id, then eight little-endian 32-bit words. */
export const ROW_BYTES = ID_BYTES + 32;

/** A chunk as local files keep it; `row` is the number by which the same run's entries name it. */
export interface ChunkRow extends TablePlace {
  readonly id: Uint8Array;
  readonly row: number;
}

/** The rows of these numbers, one after the other in memory of their own. */
export function encodeRows(rows: Uint32Array, table: Pick<ChunkTable, "id" | "place">): Uint8Array {
  const bytes = Buffer.alloc(rows.length * ROW_BYTES);
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  for (const row of rows) {
    writeRow({ bytes, words }, at, row, table.id(row), table.place(row));
    at += ROW_BYTES;
  }
  return bytes;
}

/** Memory that rows are written to. */
interface RowMemory {
  readonly bytes: Uint8Array;
  /** The same bytes. */
  readonly words: DataView;
}

/** Writes a row at `at`. */
export function writeRow({ bytes, words }: RowMemory, at: number, row: number, id: Uint8Array, p: TablePlace): void {
  bytes.set(id, at);
  words.setUint32(at + ID_BYTES, row, true);
  words.setUint32(at + ID_BYTES + 4, p.origin, true);
  words.setUint32(at + ID_BYTES + 8, p.pack, true);
  words.setUint32(at + ID_BYTES + 12, p.frame, true);
  words.setUint32(at + ID_BYTES + 16, p.offset, true);
  words.setUint32(at + ID_BYTES + 20, p.stored, true);
  words.setUint32(at + ID_BYTES + 24, p.plain, true);
  words.setUint32(at + ID_BYTES + 28, p.codec, true);
}

/** The rows in a sequence of blocks, which may cut them anywhere. Each row's id lies in memory that the next one overwrites. */
export function* rowsOf(blocks: Iterable<Buffer>): Generator<ChunkRow> {
  const id = new Uint8Array(ID_BYTES);
  let rest: Buffer = Buffer.alloc(0);
  for (const block of blocks) {
    const bytes = rest.length === 0 ? block : Buffer.concat([rest, block]);
    const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let at = 0;
    for (; at + ROW_BYTES <= bytes.length; at += ROW_BYTES) {
      for (let i = 0; i < ID_BYTES; i += 1) id[i] = bytes[at + i] ?? 0;
      const word = at + ID_BYTES;
      yield {
        id,
        row: words.getUint32(word, true),
        origin: words.getUint32(word + 4, true),
        pack: words.getUint32(word + 8, true),
        frame: words.getUint32(word + 12, true),
        offset: words.getUint32(word + 16, true),
        stored: words.getUint32(word + 20, true),
        plain: words.getUint32(word + 24, true),
        codec: words.getUint32(word + 28, true) === 1 ? 1 : 0,
      };
    }
    rest = Buffer.from(bytes.subarray(at));
  }
}
