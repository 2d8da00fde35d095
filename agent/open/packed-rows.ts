import type { Codec, FrameRow } from "../../vault/sealed/types.ts";

/**
 * Places of frames as they cross to another thread: numbers side by side. An object each costs more on its way than a small
 * frame does to open.
 */
export type PackedRows = Float64Array<ArrayBuffer>;

const FIELDS = 5;

export function packRows(rows: readonly FrameRow[]): PackedRows {
  const packed = new Float64Array(rows.length * FIELDS);
  let at = 0;
  for (const { frame, offset, stored, plain, codec } of rows) {
    packed[at] = frame;
    packed[at + 1] = offset;
    packed[at + 2] = stored;
    packed[at + 3] = plain;
    packed[at + 4] = codec;
    at += FIELDS;
  }
  return packed;
}

export function countRows(packed: PackedRows): number {
  return packed.length / FIELDS;
}

/** @throws RangeError where there are not so many. */
export function rowAt(packed: PackedRows, n: number): FrameRow {
  const at = n * FIELDS;
  const [frame, offset, stored, plain, codec] = [
    packed[at],
    packed[at + 1],
    packed[at + 2],
    packed[at + 3],
    packed[at + 4],
  ];
  if (frame === undefined || offset === undefined || stored === undefined || plain === undefined)
    throw new RangeError(`there is no row ${n}`);
  // Opening a frame refuses a codec that is none.
  return { frame, offset, stored, plain, codec: codec as Codec };
}
