import { alignedView } from "../../posix/aligned.ts";
import { names } from "../../vault/names/index.ts";
import { makeCompressor } from "../../vault/sealed/codec.ts";
import { ObjectSealer } from "../../vault/sealed/object.ts";
import { sealPack } from "../../vault/sealed/pack.ts";
import type { SealedPack } from "../../vault/sealed/types.ts";
import type { ChunkTable } from "./chunk-table.ts";
import { MAX_PACK_FRAMES } from "./limits.ts";
import type { SealWorkerData } from "./seal-messages.ts";

/** A pack that is full: its bytes, and the rows of the chunk table that lie in it. */
export interface FullPack {
  readonly sealed: SealedPack;
  readonly rows: Uint32Array;
}

/** Compresses and seals chunks into one open pack after the other, and records each chunk's place. */
export interface PackWriter {
  /** True where a chunk of so many plain bytes may not fit any more: seal first. */
  isFull(plain: number): boolean;
  /** True where there is no open pack: `begin` must be called before `add`. */
  readonly isClosed: boolean;
  /** Opens a pack that is sealed into `buffer`; it takes its number and its salt here, once. */
  begin(buffer: SharedArrayBuffer | null): void;
  add(row: number, plain: Uint8Array): void;
  /** Seals the open pack; null where there is none. */
  seal(): FullPack | null;
}

/** Room for the header, padding and trailer of a pack. */
const FRAME_OVERHEAD = 16 + 10;
const PACK_OVERHEAD = 96 + 16 + 16 + 26;

export function makePackWriter(data: SealWorkerData, table: ChunkTable, secret: boolean): PackWriter {
  let sealer: ObjectSealer | null = null;
  let index = 0;
  let rows: number[] = [];
  const compress = makeCompressor(data.compression);
  return {
    get isClosed() {
      return sealer === null;
    },
    isFull: (plain) => {
      if (sealer === null || sealer.frames === 0) return false;
      const size = sealer.size + plain + (rows.length + 1) * FRAME_OVERHEAD + PACK_OVERHEAD;
      return size > data.packTarget || rows.length >= MAX_PACK_FRAMES;
    },
    begin: (buffer) => {
      index = table.takePackIndex();
      rows = [];
      sealer = new ObjectSealer({
        scope: data.scope,
        kind: "pack",
        index,
        name: names.packName(index),
        key: data.packKey,
        // Aligned, so that a store on this machine can hand the pack to the disk as it is.
        ...(buffer === null ? {} : { into: alignedView(buffer) }),
      });
    },
    add: (row, plain) => {
      if (sealer === null) throw new RangeError("no pack is open");
      const body = compress(plain);
      const place = sealer.add(body.bytes, body.codec, plain.length);
      table.setPlace(row, {
        origin: data.ownOrigin,
        pack: index,
        frame: place.frame,
        offset: place.offset,
        stored: place.stored,
        plain: place.plain,
        codec: place.codec,
      });
      rows.push(row);
    },
    seal: () => {
      if (sealer === null || rows.length === 0) return null;
      const sealed = sealPack(sealer, index, secret);
      sealer = null;
      return { sealed, rows: Uint32Array.from(rows) };
    },
  };
}
