import { createHash } from "node:crypto";
import { viewOf } from "./bytes.ts";
import { SECRET_BYTES, systemRandom } from "./derive.ts";
import {
  BOUND_BYTES,
  boundHeader,
  FOOTER_ROW_BYTES,
  FRAME_DATA,
  FRAME_FOOTER,
  FRAME_PADDING,
  frameAad,
  frameNonce,
  HEADER_BYTES,
  MAX_FRAME_PLAIN,
  MAX_FRAMES,
  MAX_OBJECT,
  type ObjectIdentity,
  type ObjectSecrets,
  objectSecrets,
  PADDED_TO,
  placeOf,
  TRAILER_BYTES,
  TRAILER_MAGIC,
} from "./layout.ts";
import { TAG_BYTES } from "./suites.ts";
import type { Codec, FrameRow, RandomSource } from "./types.ts";

/** A finished object: header, frames, padding, footer and trailer. */
export interface SealedObject {
  /** A view on the sealer's buffer. */
  readonly bytes: Uint8Array;
  readonly sha256: Uint8Array;
  readonly salt: Uint8Array;
  readonly commit: Uint8Array;
  /** The data frames in order; padding is not among them. */
  readonly rows: readonly FrameRow[];
}

const FIRST_BUFFER = 1024 * 1024;
const NO_BYTES = new Uint8Array(0);

/**
 * Seals one object into one buffer. The salt is drawn here and nowhere else, and leaves only inside the finished bytes,
 * so a salt seals exactly one object; after `finish` the sealer is spent.
 */
export class ObjectSealer {
  readonly #identity: ObjectIdentity;
  readonly #secrets: ObjectSecrets;
  readonly #salt: Uint8Array;
  readonly #rows: FrameRow[] = [];
  readonly #footer: number[][] = [];
  /** Fed frame by frame, while each is still in the processor's cache. */
  readonly #sha256 = createHash("sha256");
  #buffer: Uint8Array;
  #size = HEADER_BYTES;
  #spent = false;

  /**
   * @param o.key The snapshot's key for this kind: `keys.pack` or `keys.manifest`.
   * @param o.into Buffer to write into; a larger one takes its place where it is too small.
   */
  constructor(o: ObjectIdentity & { key: Uint8Array; into?: Uint8Array; random?: RandomSource }) {
    this.#identity = o;
    this.#salt = Uint8Array.from((o.random ?? systemRandom)(SECRET_BYTES));
    const bound = boundHeader(o, this.#salt);
    this.#secrets = objectSecrets(o, o.key, bound);
    this.#buffer = o.into ?? new Uint8Array(FIRST_BUFFER);
    this.#reserve(HEADER_BYTES);
    this.#buffer.set(bound, 0);
    this.#buffer.set(this.#secrets.commit, BOUND_BYTES);
    this.#sha256.update(this.#buffer.subarray(0, HEADER_BYTES));
  }

  /** Bytes so far, header included. */
  get size(): number {
    return this.#size;
  }

  /** Frames so far. */
  get frames(): number {
    return this.#rows.length;
  }

  /**
   * Seals one frame.
   * @param body The frame's plaintext as its codec left it.
   * @param plain Bytes it expands to.
   */
  add(body: Uint8Array, codec: Codec, plain: number): FrameRow {
    this.#assertFresh();
    if (!(Number.isSafeInteger(plain) && plain >= 0 && plain <= MAX_FRAME_PLAIN)) {
      throw new RangeError(`a frame holds at most ${MAX_FRAME_PLAIN} plain bytes, got ${plain}`);
    }
    if (codec === 0 ? body.length !== plain : codec !== 1 || body.length >= plain) {
      throw new RangeError(`a frame of codec ${codec} with ${body.length} bytes cannot hold ${plain} plain bytes`);
    }
    // One frame is kept free for the padding.
    if (this.#rows.length >= MAX_FRAMES - 1) throw new RangeError(`an object has at most ${MAX_FRAMES} frames`);
    const frame = this.#rows.length;
    const offset = this.#seal(FRAME_DATA, codec, body, plain);
    const row = { frame, offset, stored: body.length + TAG_BYTES, plain, codec };
    this.#rows.push(row);
    return row;
  }

  /** Pads to 64 KiB, writes footer and trailer, and spends the sealer. */
  finish(): SealedObject {
    this.#assertFresh();
    this.#pad();
    const n = this.#footer.length;
    const footer = this.#footerBytes();
    this.#seal(FRAME_FOOTER, 0, footer, footer.length);
    this.#reserve(TRAILER_BYTES);
    const trailer = this.#buffer.subarray(this.#size, this.#size + TRAILER_BYTES);
    viewOf(trailer).setUint32(0, footer.length + TAG_BYTES);
    viewOf(trailer).setUint32(4, n);
    trailer.set(TRAILER_MAGIC, 8);
    this.#sha256.update(trailer);
    this.#size += TRAILER_BYTES;
    this.#spent = true;
    const bytes = this.#buffer.subarray(0, this.#size);
    return {
      bytes,
      sha256: this.#sha256.digest(),
      salt: this.#salt,
      commit: this.#secrets.commit,
      rows: this.#rows,
    };
  }

  /** Size the object would have if it ended now, unpadded. */
  #closedSize(): number {
    return this.#size + this.#footer.length * FOOTER_ROW_BYTES + TAG_BYTES + TRAILER_BYTES;
  }

  #pad(): void {
    const closed = this.#closedSize();
    if (closed % PADDED_TO === 0) return;
    const withFrame = closed + FOOTER_ROW_BYTES + TAG_BYTES;
    const zeros = (PADDED_TO - (withFrame % PADDED_TO)) % PADDED_TO;
    this.#seal(FRAME_PADDING, 0, zeros === 0 ? NO_BYTES : new Uint8Array(zeros), zeros);
  }

  /** Seals at the end of the buffer, notes the row for the footer, and answers the offset. */
  #seal(type: number, codec: number, body: Uint8Array, plain: number): number {
    const offset = this.#size;
    const stored = body.length + TAG_BYTES;
    const frame = this.#footer.length;
    this.#reserve(stored);
    const { suite, key, nonceBase } = this.#secrets;
    suite.sealInto(key, frameNonce(nonceBase, frame), frameAad(type, frame, codec, plain), body, this.#buffer, offset);
    this.#size += stored;
    this.#sha256.update(this.#buffer.subarray(offset, this.#size));
    this.#footer.push([type, codec, stored, plain]);
    return offset;
  }

  #footerBytes(): Uint8Array {
    const bytes = new Uint8Array(this.#footer.length * FOOTER_ROW_BYTES);
    const view = viewOf(bytes);
    this.#footer.forEach(([type = 0, codec = 0, stored = 0, plain = 0], i) => {
      const at = i * FOOTER_ROW_BYTES;
      view.setUint8(at, type);
      view.setUint8(at + 1, codec);
      view.setUint32(at + 2, stored);
      view.setUint32(at + 6, plain);
    });
    return bytes;
  }

  #reserve(more: number): void {
    const needed = this.#size + more;
    if (needed > MAX_OBJECT) throw new RangeError(`${placeOf(this.#identity)}: an object has at most 5 GiB`);
    if (needed <= this.#buffer.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
    larger.set(this.#buffer.subarray(0, this.#size));
    this.#buffer = larger;
  }

  #assertFresh(): void {
    if (this.#spent) throw new RangeError(`${placeOf(this.#identity)}: this object is sealed; a salt seals once`);
  }
}
