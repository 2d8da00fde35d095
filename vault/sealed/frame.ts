import { releaseBytes } from "./bytes.ts";
import { decompress } from "./codec.ts";
import {
  damagedObject,
  FRAME_DATA,
  frameAad,
  frameNonce,
  HEADER_BYTES,
  MAX_FRAME_PLAIN,
  MAX_FRAMES,
  MAX_OBJECT,
  type ObjectIdentity,
  type ObjectSecrets,
} from "./layout.ts";
import { TAG_BYTES } from "./suites.ts";
import type { FrameRow, OpenedFrame } from "./types.ts";

/** What most frames have less of. Bytes. */
const PACKED_LEAST = 64 << 10;

/** What is authenticated and still compressed, from there to the end of `openFrame`: used again and again by this thread. */
let packed: Uint8Array = new Uint8Array(0);

function memoryForPacked(length: number): Uint8Array {
  if (packed.length < length) packed = new Uint8Array(Math.max(PACKED_LEAST, 2 * length));
  return packed;
}

/**
 * Opens one data frame: authenticates, then decompresses, into `memory` where it can. The one place where an OpenedFrame is
 * made.
 * @throws ColdkeepError `integrity` where the tag, or what comes out, is not as the row says.
 */
export function openFrame(
  o: ObjectIdentity,
  secrets: ObjectSecrets,
  row: FrameRow,
  sealed: Uint8Array,
  memory?: Uint8Array,
): OpenedFrame {
  if (!isFrameRow(row)) throw damagedObject(o, "impossible place of a frame", `frame ${row.frame} is out of bounds`);
  if (sealed.length !== row.stored) {
    throw damagedObject(o, "truncated", `frame ${row.frame} has ${sealed.length} bytes, ${row.stored} are recorded`);
  }
  const { suite, key, nonceBase } = secrets;
  const aad = frameAad(FRAME_DATA, row.frame, row.codec, row.plain);
  const into = row.codec === 0 ? memory : memoryForPacked(row.stored);
  const body = suite.open(key, frameNonce(nonceBase, row.frame), aad, sealed, into);
  if (body === null) {
    throw damagedObject(o, "damaged frame", `frame ${row.frame} at byte ${row.offset} does not authenticate`);
  }
  const bytes = decompress(row.codec, body, row.plain, `frame ${row.frame} of ${o.name}`, memory);
  if (bytes !== body && body.buffer !== packed.buffer) releaseBytes(body);
  return { bytes } as OpenedFrame;
}

/** Whether a row could be a frame's of any object: all limits of the format. */
export function isFrameRow({ frame, offset, stored, plain, codec }: FrameRow): boolean {
  const known = codec === 0 ? stored === plain + TAG_BYTES : codec === 1 && stored < plain + TAG_BYTES;
  return (
    known &&
    isWithin(frame, 0, MAX_FRAMES - 1) &&
    isWithin(plain, 0, MAX_FRAME_PLAIN) &&
    isWithin(stored, TAG_BYTES, MAX_FRAME_PLAIN + TAG_BYTES) &&
    isWithin(offset, HEADER_BYTES, MAX_OBJECT - stored)
  );
}

function isWithin(value: number, low: number, high: number): boolean {
  return Number.isSafeInteger(value) && value >= low && value <= high;
}
