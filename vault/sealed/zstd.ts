import { createRequire } from "node:module";
import { zstdCompressSync } from "node:zlib";

/**
 * Decompresses one frame into memory that is there.
 * @returns how many bytes came out; an error code of zstd's, which is no length there is room for, where none did.
 */
export type UnzstdInto = (from: Uint8Array, into: Uint8Array, room: number) => number;

let loaded: UnzstdInto | null | undefined;

/**
 * The decompressor of the zstd that this very Node carries, or was linked with, called without node:zlib around it: that
 * makes a context and memory for each call, which takes several times as long as opening a small frame. Once a thread;
 * null where it cannot be had, or does not do what it should.
 */
export function unzstdInto(): UnzstdInto | null {
  if (loaded === undefined) {
    loaded = load();
    if (loaded !== null && !works(loaded)) loaded = null;
  }
  return loaded;
}

function load(): UnzstdInto | null {
  try {
    const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
    const own = koffi.load(null);
    const size = own.func("size_t ZSTD_estimateDCtxSize()")();
    // In memory of ours, so that it goes when the thread does.
    const memory = Buffer.allocUnsafeSlow(Number(size));
    const init = own.func("void *ZSTD_initStaticDCtx(void *memory, size_t size)");
    // The pointer alone would not keep the memory.
    const kept = { memory, context: init(memory, memory.length) };
    if (kept.context === null) return null;
    const call = own.func(
      "size_t ZSTD_decompressDCtx(void *context, void *into, size_t room, const void *from, size_t length)",
    );
    return (from, into, room) => {
      if (room > into.length) throw new RangeError(`there is room for ${into.length} bytes, not for ${room}`);
      return Number(call(kept.context, into, room, from, from.length));
    };
  } catch {
    return null;
  }
}

/** What comes out of a library found by name is believed only after it was seen. */
function works(unzstd: UnzstdInto): boolean {
  const plain = Buffer.from("seen before it is believed, ".repeat(40));
  const packed = zstdCompressSync(plain);
  const into = Buffer.alloc(plain.length);
  return (
    unzstd(packed, into, plain.length) === plain.length &&
    into.equals(plain) &&
    unzstd(packed, into, plain.length - 1) > plain.length &&
    unzstd(plain, into, plain.length) > plain.length
  );
}
