import { createRequire } from "node:module";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { Compression } from "../names/index.ts";

/**
 * Decompresses one frame into memory that is there.
 * @returns how many bytes came out; an error code of zstd's, which is no length there is room for, where none did.
 */
export type UnzstdInto = (from: Uint8Array, into: Uint8Array, room: number) => number;

/**
 * Compresses one frame into memory that is there, which must have `zstdRoom` bytes and not overlap `from`.
 * @returns how many bytes came out; an error code of zstd's, which is no length there is room for, where none did.
 */
export type ZstdInto = (from: Uint8Array, into: Uint8Array) => number;

/** No content checksum: the AEAD tag covers more. No size in the header: a frame's row has it. */
export const FORMER_ZSTD_PARAMS: Readonly<Record<number, number>> = {
  [constants.ZSTD_c_compressionLevel]: 1,
  [constants.ZSTD_c_checksumFlag]: 0,
  [constants.ZSTD_c_contentSizeFlag]: 0,
};

/**
 * `balanced`: level 1 looks for matches of 7 bytes in chunks above 256 KiB, and of 6 above 16 KiB. What repeats in tables is
 * short: of 5 bytes there are more, for the same work. `fast`: a hash table that stays in the processor's nearest cache.
 * `small`: tables have many matches of 4 bytes, which pay once they are looked for thoroughly (docs/BENCHMARKS.md, "Stored
 * bytes").
 */
export const ZSTD_PARAMS: Readonly<Record<Compression, Readonly<Record<number, number>>>> = {
  fast: { ...FORMER_ZSTD_PARAMS, [constants.ZSTD_c_hashLog]: 12, [constants.ZSTD_c_minMatch]: 6 },
  balanced: { ...FORMER_ZSTD_PARAMS, [constants.ZSTD_c_minMatch]: 5 },
  small: { ...FORMER_ZSTD_PARAMS, [constants.ZSTD_c_compressionLevel]: 5, [constants.ZSTD_c_minMatch]: 4 },
};

let unzstd: UnzstdInto | null | undefined;
const zstd = new Map<Compression, ZstdInto | null>();

/**
 * The decompressor of the zstd that this very Node carries, or was linked with, called without node:zlib around it: that
 * makes a context and memory for each call, which takes several times as long as opening a small frame. Once a thread;
 * null where it cannot be had, or does not do what it should.
 */
export function unzstdInto(): UnzstdInto | null {
  unzstd ??= believed(loadUnzstd, unpacks);
  return unzstd;
}

/** The compressor beside it, for the same reasons and on the same terms. */
export function zstdInto(how: Compression): ZstdInto | null {
  let found = zstd.get(how);
  if (found === undefined) {
    found = believed(() => loadZstd(ZSTD_PARAMS[how]), packs);
    zstd.set(how, found);
  }
  return found;
}

/** Bytes that a frame of so many plain bytes has at most, and some more (ZSTD_COMPRESSBOUND of zstd.h). */
export function zstdRoom(plain: number): number {
  return plain + (plain >> 8) + 1024;
}

/** What comes out of a library found by name is believed only after it was seen. */
function believed<T>(load: () => T | null, works: (found: T) => boolean): T | null {
  try {
    const found = load();
    return found !== null && works(found) ? found : null;
  } catch {
    return null;
  }
}

/** A context in memory of ours, so that it goes when the thread does; the pointer alone would not keep the memory. */
interface Kept {
  readonly memory: Uint8Array;
  readonly context: unknown;
}

function loadUnzstd(): UnzstdInto | null {
  const own = symbols();
  const size = own.func("size_t ZSTD_estimateDCtxSize()")();
  const kept = keep(size, own.func("void *ZSTD_initStaticDCtx(void *memory, size_t size)"));
  const call = own.func(
    "size_t ZSTD_decompressDCtx(void *context, void *into, size_t room, const void *from, size_t length)",
  );
  if (kept.context === null) return null;
  return (from, into, room) => {
    if (room > into.length) throw new RangeError(`there is room for ${into.length} bytes, not for ${room}`);
    return Number(call(kept.context, into, room, from, from.length));
  };
}

function loadZstd(params: Readonly<Record<number, number>>): ZstdInto | null {
  const own = symbols();
  const level = params[constants.ZSTD_c_compressionLevel];
  const size = own.func("size_t ZSTD_estimateCCtxSize(int level)")(level);
  const kept = keep(size, own.func("void *ZSTD_initStaticCCtx(void *memory, size_t size)"));
  if (kept.context === null) return null;
  const isError = own.func("unsigned int ZSTD_isError(size_t code)");
  const set = own.func("size_t ZSTD_CCtx_setParameter(void *context, int parameter, int value)");
  for (const [parameter, value] of Object.entries(params)) {
    if (isError(set(kept.context, Number(parameter), value)) !== 0) return null;
  }
  const call = own.func(
    "size_t ZSTD_compress2(void *context, void *into, size_t room, const void *from, size_t length)",
  );
  return (from, into) => {
    if (into.length < zstdRoom(from.length)) throw new RangeError("no room for what zstd may make of it");
    return Number(call(kept.context, into, into.length, from, from.length));
  };
}

/** Of this very process. */
function symbols() {
  const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
  return koffi.load(null);
}

function keep(size: unknown, init: (memory: Uint8Array, size: number) => unknown): Kept {
  const memory = Buffer.allocUnsafeSlow(Number(size));
  return { memory, context: init(memory, memory.length) };
}

const SAMPLE = Buffer.from("seen before it is believed, ".repeat(40));

function unpacks(unzstd: UnzstdInto): boolean {
  const packed = zstdCompressSync(SAMPLE);
  const into = Buffer.alloc(SAMPLE.length);
  return (
    unzstd(packed, into, SAMPLE.length) === SAMPLE.length &&
    into.equals(SAMPLE) &&
    unzstd(packed, into, SAMPLE.length - 1) > SAMPLE.length &&
    unzstd(SAMPLE, into, SAMPLE.length) > SAMPLE.length
  );
}

function packs(zstd: ZstdInto): boolean {
  const into = Buffer.alloc(zstdRoom(SAMPLE.length));
  return [1, 2].every(() => {
    const length = zstd(SAMPLE, into);
    return length < SAMPLE.length / 10 && zstdDecompressSync(into.subarray(0, length)).equals(SAMPLE);
  });
}
