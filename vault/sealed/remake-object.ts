import { createHash, timingSafeEqual } from "node:crypto";
import { toHex } from "../names/index.ts";
import type { Compressor } from "./codec.ts";
import { isFrameRow } from "./frame.ts";
import {
  boundHeader,
  FOOTER_ROW_BYTES,
  FRAME_DATA,
  frameAad,
  frameNonce,
  type ObjectIdentity,
  type ObjectSecrets,
  objectSecrets,
  PADDED_TO,
  TRAILER_BYTES,
} from "./layout.ts";
import { ObjectSealer } from "./object-sealer.ts";
import { openObject } from "./open-object.ts";
import { TAG_BYTES } from "./suites.ts";
import type { Codec, FrameRow } from "./types.ts";

/** An object that was sealed before, as whoever has its key, its salt and a record of its bytes knows it. */
export type KnownObject = ObjectIdentity & {
  readonly key: Uint8Array;
  readonly salt: Uint8Array;
  readonly commit: Uint8Array;
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
};

/**
 * Makes an object again, byte for byte. A salt seals once: what comes out under this one is either the very bytes that
 * were sealed under it before, or is never seen, as the SHA-256 of the whole decides whether it leaves this class.
 */
export class ObjectRemaker {
  readonly #compress: Compressor;
  readonly #known: KnownObject;
  readonly #secrets: ObjectSecrets;
  readonly #sealer: ObjectSealer;

  /**
   * @param compress the one way in which all of its frames were: of small ones, two ways often come to one length and not to the
   *   same bytes
   * @throws RangeError where key and salt are not those of the commitment.
   */
  constructor(known: KnownObject, compress: Compressor) {
    this.#known = known;
    this.#compress = compress;
    this.#secrets = objectSecrets(known, known.key, boundHeader(known, known.salt));
    if (!timingSafeEqual(known.commit, this.#secrets.commit)) throw new RangeError("another object's key or salt");
    this.#sealer = new ObjectSealer({ ...known, random: () => known.salt });
  }

  /** The rows of an object that is whole but for some of its frames; null where its footer cannot be believed. */
  rowsOf(bytes: Uint8Array): readonly FrameRow[] | null {
    if (bytes.length !== this.#known.size) return null;
    try {
      return openObject({ ...this.#known, bytes }).rows;
    } catch {
      return null;
    }
  }

  /** What a frame held as its codec left it, out of bytes that may be damaged; null where they do not authenticate. */
  bodyIn(bytes: Uint8Array, row: FrameRow): Uint8Array | null {
    const sealed = bytes.subarray(row.offset, row.offset + row.stored);
    if (!isFrameRow(row) || sealed.length !== row.stored) return null;
    const { suite, key, nonceBase } = this.#secrets;
    const aad = frameAad(FRAME_DATA, row.frame, row.codec, row.plain);
    return suite.open(key, frameNonce(nonceBase, row.frame), aad, sealed);
  }

  /** The same from its plaintext; null where this zstd makes something else of it than the one that wrote the frame. */
  bodyOf(plain: Uint8Array, row: FrameRow): Uint8Array | null {
    // Where both come to one length the bytes are as good as surely the same, and if not the whole object's sum tells.
    const { codec, bytes } = this.#compress(plain);
    return codec === row.codec && bytes.length + TAG_BYTES === row.stored ? bytes : null;
  }

  /** Takes the next frame, in order; false where it does not come to lie where it lay. */
  add(body: Uint8Array, row: FrameRow): boolean {
    const made = this.#sealer.add(body, row.codec as Codec, row.plain);
    return made.frame === row.frame && made.offset === row.offset && made.stored === row.stored;
  }

  /** The object's bytes, or null where they are not those that are recorded. */
  finish(): Uint8Array | null {
    const { bytes } = this.#sealer.finish();
    const isIt =
      bytes.length === this.#known.size && toHex(createHash("sha256").update(bytes).digest()) === this.#known.sha256;
    if (!isIt) bytes.fill(0);
    return isIt ? bytes : null;
  }
}

/** Bytes of an object whose data frames end at `end`, padding, footer and trailer included. */
export function closedSize(frames: number, end: number): number {
  const closed = end + frames * FOOTER_ROW_BYTES + TAG_BYTES + TRAILER_BYTES;
  if (closed % PADDED_TO === 0) return closed;
  const withFrame = closed + FOOTER_ROW_BYTES + TAG_BYTES;
  return Math.ceil(withFrame / PADDED_TO) * PADDED_TO;
}
