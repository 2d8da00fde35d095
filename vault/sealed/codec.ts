import { constants, type ZstdOptions, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { ColdkeepError, type Compression } from "../names/index.ts";
import { releaseBytes } from "./bytes.ts";
import type { Codec } from "./types.ts";
import { FORMER_ZSTD_PARAMS, unzstdInto, ZSTD_PARAMS, zstdInto, zstdRoom } from "./zstd.ts";

/** What `compress` made of a frame's plaintext. */
export interface Compressed {
  readonly codec: Codec;
  readonly bytes: Uint8Array;
}

/** How frames are compressed; tests that need the same bytes from every zstd put in their own. */
export type Compressor = (plain: Uint8Array) => Compressed;

// A frame's plaintext has at most 2^24 bytes, so no honest frame needs a larger window.
const DECOMPRESS = { [constants.ZSTD_d_windowLogMax]: 24 };
/** Below this many bytes zstd's own framing eats what it saves. */
const WORTH_TRYING = 64;
const NO_BYTES: Uint8Array = new Uint8Array(0);

/** zstd (RFC 8878), or the plaintext itself where that does not save at least 1/32. */
export function compress(plain: Uint8Array, how: Compression = "balanced"): Compressed {
  return compressBy(plain, ZSTD_PARAMS[how]);
}

/** All ways that objects were ever compressed, the likely ones first: for those who have to make the same bytes again. */
export const WAYS: readonly [Compressor, ...Compressor[]] = [
  (plain) => compressBy(plain, ZSTD_PARAMS.balanced),
  (plain) => compressBy(plain, FORMER_ZSTD_PARAMS),
  (plain) => compressBy(plain, ZSTD_PARAMS.fast),
  (plain) => compressBy(plain, ZSTD_PARAMS.small),
];

function compressBy(plain: Uint8Array, params: Readonly<Record<number, number>>): Compressed {
  if (plain.length < WORTH_TRYING) return { codec: 0, bytes: plain };
  const options: ZstdOptions = {
    // Never ZSTD_c_nbWorkers: through node:zlib it truncates output.
    params,
    pledgedSrcSize: plain.length,
    // Room for the worst case, so that the output is one buffer and is not joined from pieces.
    chunkSize: zstdRoom(plain.length),
  };
  return orPlain(plain, zstdCompressSync(plain, options));
}

/**
 * The same for many frames: what the compressor answers is good until it is called again, when its memory is used anew.
 * Without that, most of the time of small frames and much of the garbage collector's goes into memory of single calls.
 */
export function makeCompressor(how: Compression = "balanced", zstd = zstdInto(how)): Compressor {
  let memory = NO_BYTES;
  if (zstd === null) {
    return (plain) => {
      releaseBytes(memory);
      const made = compress(plain, how);
      memory = made.codec === 1 ? made.bytes : NO_BYTES;
      return made;
    };
  }
  return (plain) => {
    if (plain.length < WORTH_TRYING) return { codec: 0, bytes: plain };
    const room = zstdRoom(plain.length);
    if (memory.length < room) memory = new Uint8Array(room);
    const length = zstd(plain, memory);
    return length > room ? { codec: 0, bytes: plain } : orPlain(plain, memory.subarray(0, length));
  };
}

function orPlain(plain: Uint8Array, bytes: Uint8Array): Compressed {
  return bytes.length <= plain.length - (plain.length >> 5) ? { codec: 1, bytes } : { codec: 0, bytes: plain };
}

/**
 * Undoes `compress`. `bytes` must come out of an authenticated frame.
 * @param plain The exact length the result must have; never one byte more is produced.
 * @param on Names the frame, for the message.
 * @param memory To put the result in, where it is larger than the result and decompressing can use it.
 * @throws ColdkeepError `integrity` where anything else comes out.
 */
export function decompress(
  codec: Codec,
  bytes: Uint8Array,
  plain: number,
  on = "frame",
  memory?: Uint8Array,
): Uint8Array {
  if (codec === 0) {
    if (bytes.length !== plain) throw refuse(on, `${bytes.length} bytes found, ${plain} recorded`);
    return bytes;
  }
  const out = unzstdTo(bytes, plain, on, memory) ?? unzstd(bytes, plain, on);
  if (out.length !== plain) throw refuse(on, `it expands to ${out.length} bytes, ${plain} are recorded`);
  return out;
}

/** Null where zstd cannot be called directly. */
function unzstdTo(bytes: Uint8Array, plain: number, on: string, memory?: Uint8Array): Uint8Array | null {
  const unzstd = unzstdInto();
  if (unzstd === null) return null;
  const into = memory !== undefined && memory.length >= plain ? memory : new Uint8Array(plain);
  if (unzstd(bytes, into, plain) !== plain) throw refuse(on, `it does not decompress to the ${plain} bytes recorded`);
  return into.subarray(0, plain);
}

function unzstd(bytes: Uint8Array, plain: number, on: string): Uint8Array {
  const room = Math.max(plain, 64);
  try {
    const out = zstdDecompressSync(bytes, { params: DECOMPRESS, maxOutputLength: room, chunkSize: room });
    return new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
  } catch (cause) {
    throw refuse(on, `it does not decompress to the ${plain} bytes recorded`, cause);
  }
}

function refuse(on: string, why: string, cause?: unknown): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: "wrong length after decompression",
    on,
    why,
    ...(cause === undefined ? {} : { cause }),
  });
}
