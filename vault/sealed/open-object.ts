import { timingSafeEqual } from "node:crypto";
import { viewOf } from "./bytes.ts";
import { contextTag } from "./derive.ts";
import { isFrameRow, openFrame } from "./frame.ts";
import {
  BOUND_BYTES,
  damagedObject,
  FOOTER_ROW_BYTES,
  FRAME_DATA,
  FRAME_FOOTER,
  FRAME_PADDING,
  frameAad,
  frameNonce,
  HEADER_BYTES,
  HEADER_MAGIC,
  KIND,
  MAX_FRAMES,
  OBJECT_VERSION,
  type ObjectIdentity,
  type ObjectSecrets,
  objectSecrets,
  PADDED_TO,
  TRAILER_BYTES,
  TRAILER_MAGIC,
} from "./layout.ts";
import { suiteOf, TAG_BYTES } from "./suites.ts";
import type { FrameRow, ObjectKey, OpenedFrame } from "./types.ts";

/** A whole object whose header, footer and padding have been checked. Frames are opened on demand. */
export interface ObjectOpener {
  readonly salt: Uint8Array;
  readonly commit: Uint8Array;
  /** The data frames, in order. */
  readonly rows: readonly FrameRow[];
  readonly count: number;
  /** @throws ColdkeepError `integrity` where frame `i` does not authenticate. */
  frame(i: number): OpenedFrame;
}

/**
 * Opens a whole object. The caller has compared size and SHA-256 with the card where it has one; then follow, each with
 * a message of its own: magic and version, context tag, commitment, the footer's tag, the footer's sums.
 * @throws ColdkeepError `integrity`, or `refused` where the object's version is newer.
 */
export function openObject(o: ObjectIdentity & { key: ObjectKey; bytes: Uint8Array }): ObjectOpener {
  const { bytes } = o;
  assertHeader(o, bytes);
  const bound = bytes.subarray(0, BOUND_BYTES);
  const secrets = objectSecrets(o, o.key, bound);
  if (!timingSafeEqual(bytes.subarray(BOUND_BYTES, HEADER_BYTES), secrets.commit)) {
    throw damagedObject(o, "wrong key or damaged header", "the key at hand does not fit the object's commitment");
  }
  const rows = openFooter(o, secrets, bytes);
  return {
    salt: bytes.slice(32, BOUND_BYTES),
    commit: secrets.commit,
    rows,
    count: rows.length,
    frame(i) {
      const row = rows[i];
      if (row === undefined) throw new RangeError(`${o.name} has ${rows.length} frames, asked for number ${i}`);
      return openFrame(o, secrets, row, bytes.subarray(row.offset, row.offset + row.stored));
    },
  };
}

const ZEROS = new Uint8Array(PADDED_TO);

function assertHeader(o: ObjectIdentity, bytes: Uint8Array): void {
  if (bytes.length < HEADER_BYTES) {
    throw damagedObject(o, "truncated", `${bytes.length} bytes found, a header alone has ${HEADER_BYTES}`);
  }
  if (!HEADER_MAGIC.equals(bytes.subarray(0, 8)))
    throw damagedObject(o, "not a coldkeep object", "its magic is another");
  const [version, suite, kind, zero] = bytes.subarray(8, 12);
  if (version !== OBJECT_VERSION) {
    throw damagedObject(o, "unknown version", `it has version ${version}, this coldkeep reads ${OBJECT_VERSION}`);
  }
  const expected = suiteOf(o.scope.suite).number;
  const same = suite === expected && kind === KIND[o.kind] && zero === 0 && viewOf(bytes).getUint32(12) === o.index;
  if (!same || !timingSafeEqual(bytes.subarray(16, 32), contextTag(o.scope, o.name))) {
    throw damagedObject(
      o,
      "another object lies under this name",
      "its header names another vault, node, snapshot, kind, suite or number",
    );
  }
}

function openFooter(o: ObjectIdentity, secrets: ObjectSecrets, bytes: Uint8Array): FrameRow[] {
  if (bytes.length < HEADER_BYTES + TAG_BYTES + TRAILER_BYTES) throw truncated(o, `${bytes.length} bytes found`);
  const trailer = bytes.subarray(bytes.length - TRAILER_BYTES);
  if (!TRAILER_MAGIC.equals(trailer.subarray(8))) throw truncated(o, "its trailer is missing");
  const stored = viewOf(trailer).getUint32(0);
  const n = viewOf(trailer).getUint32(4);
  const start = bytes.length - TRAILER_BYTES - stored;
  if (n > MAX_FRAMES || stored !== n * FOOTER_ROW_BYTES + TAG_BYTES || start < HEADER_BYTES) {
    throw truncated(o, "its trailer names a footer that cannot be");
  }
  const { suite, key, nonceBase } = secrets;
  const aad = frameAad(FRAME_FOOTER, n, 0, n * FOOTER_ROW_BYTES);
  const footer = suite.open(key, frameNonce(nonceBase, n), aad, bytes.subarray(start, start + stored));
  if (footer === null) throw damagedObject(o, "damaged frame", "the footer does not authenticate");
  return checkRows(o, secrets, footer, bytes, start);
}

/** Rows of the data frames; they must fill the object exactly, with at most one padding frame, which comes last. */
function checkRows(
  o: ObjectIdentity,
  s: ObjectSecrets,
  footer: Uint8Array,
  bytes: Uint8Array,
  end: number,
): FrameRow[] {
  const view = viewOf(footer);
  const n = footer.length / FOOTER_ROW_BYTES;
  const rows: FrameRow[] = [];
  let offset = HEADER_BYTES;
  for (let frame = 0; frame < n; frame++) {
    const at = frame * FOOTER_ROW_BYTES;
    const type = view.getUint8(at);
    const codec = view.getUint8(at + 1);
    const row = { frame, offset, stored: view.getUint32(at + 2), plain: view.getUint32(at + 6), codec } as FrameRow;
    const allowed = type === FRAME_DATA || (type === FRAME_PADDING && frame === n - 1 && codec === 0);
    if (!allowed || !isFrameRow(row)) throw damagedObject(o, "impossible frame", `row ${frame} of the footer`);
    offset += row.stored;
    if (offset > end) break;
    if (type === FRAME_PADDING) assertPadding(o, s, row, bytes);
    else rows.push(row);
  }
  if (offset !== end) throw truncated(o, `its frames end at byte ${offset}, its footer begins at byte ${end}`);
  if (bytes.length % PADDED_TO !== 0) throw truncated(o, `${bytes.length} bytes are no multiple of 64 KiB`);
  return rows;
}

function assertPadding(o: ObjectIdentity, { suite, key, nonceBase }: ObjectSecrets, row: FrameRow, bytes: Uint8Array) {
  const sealed = bytes.subarray(row.offset, row.offset + row.stored);
  const aad = frameAad(FRAME_PADDING, row.frame, 0, row.plain);
  const plain = suite.open(key, frameNonce(nonceBase, row.frame), aad, sealed);
  if (plain === null) throw damagedObject(o, "damaged frame", "the padding does not authenticate");
  if (plain.length >= PADDED_TO || Buffer.compare(plain, ZEROS.subarray(0, plain.length)) !== 0) {
    throw damagedObject(o, "impossible frame", "the padding is not fewer than 65,536 zero bytes");
  }
}

function truncated(o: ObjectIdentity, why: string) {
  return damagedObject(o, "truncated", why);
}
