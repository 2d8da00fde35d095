import { ColdkeepError } from "../../vault/names/index.ts";
import type { Codec } from "../../vault/sealed/types.ts";

/** Bytes of a chunk id (docs/FORMAT.md, "Keys"). */
export const ID_BYTES = 32;
/**
 * 32-bit words of a row's place, each field's low bits first: offset | origin 8, pack 20, frame 4 | stored 25, frame 7 |
 * plain 25, codec 1, frame 6. A million rows are all there is of some backups, so their memory counts.
 */
const PLACE_WORDS = 4;
const BITS_25 = 0x1ff_ffff;
/** What fits: more than the format allows of origins, packs and plain bytes, and than a pack is given frames. */
const MOST = { origin: 0xff, pack: 0xf_ffff, frame: 0x1_ffff, offset: 0xffff_ffff, stored: BITS_25, plain: BITS_25 };
const FREE = 0;

/** Where a chunk lies; `origin` is an index into the run's own list of origins. */
export interface TablePlace {
  readonly origin: number;
  readonly pack: number;
  readonly frame: number;
  readonly offset: number;
  readonly stored: number;
  readonly plain: number;
  readonly codec: Codec;
}

/** What threads share of a table: plain shared memory, to be handed to `new ChunkTable`. */
export interface ChunkTableMemory {
  readonly index: SharedArrayBuffer;
  readonly ids: SharedArrayBuffer;
  readonly places: SharedArrayBuffer;
  readonly counters: SharedArrayBuffer;
}

/**
 * Memory for `chunks` distinct chunks: 48 bytes each, and an index that is at most two thirds full. Pages that are
 * never touched cost nothing, so the rows may be counted generously.
 */
export function makeTableMemory(chunks: number): ChunkTableMemory {
  const rows = Math.max(1024, Math.ceil(chunks));
  const slots = 2 ** Math.ceil(Math.log2(rows * 1.5));
  if (slots > 2 ** 30) {
    throw new ColdkeepError("refused", {
      what: "too many chunks for one snapshot",
      why: `about ${rows} are to be expected, at most ${Math.floor(2 ** 30 / 1.5)} are allowed`,
      todo: "split the node's roots into several nodes",
    });
  }
  return {
    index: new SharedArrayBuffer(slots * 4),
    ids: new SharedArrayBuffer(rows * ID_BYTES),
    places: new SharedArrayBuffer(rows * PLACE_WORDS * 4),
    counters: new SharedArrayBuffer(8),
  };
}

/**
 * Chunk ids and their places, shared by all threads of a run: open addressing over rows that are never removed. A row's
 * id is written before the index names the row (Atomics), so whoever finds a row sees its whole id; whoever claims an
 * id alone stores the chunk, and everybody else refers to the row. Ids are keyed digests, so their first bytes are a
 * hash already and no input can make them collide on purpose.
 */
export class ChunkTable {
  readonly memory: ChunkTableMemory;
  private readonly index: Int32Array;
  private readonly ids: Uint8Array;
  private readonly words: Int32Array;
  private readonly places: Uint32Array;
  private readonly counters: Int32Array;
  private readonly mask: number;
  private readonly capacity: number;
  private spare = -1;
  private seen: Uint8Array | null = null;
  private seenView: DataView = new DataView(new ArrayBuffer(ID_BYTES));

  constructor(memory: ChunkTableMemory) {
    this.memory = memory;
    this.index = new Int32Array(memory.index);
    this.ids = new Uint8Array(memory.ids);
    this.words = new Int32Array(memory.ids);
    this.places = new Uint32Array(memory.places);
    this.counters = new Int32Array(memory.counters);
    this.mask = this.index.length - 1;
    this.capacity = this.ids.length / ID_BYTES;
  }

  /** Rows in use, a few of them perhaps lost in races. */
  get rows(): number {
    return Atomics.load(this.counters, 0);
  }

  /** What it takes once it is full. Bytes. */
  get bytes(): number {
    const { index, ids, places } = this.memory;
    return index.byteLength + ids.byteLength + places.byteLength;
  }

  /** A number no other thread of the run was given: 0, 1, 2 … the index of a new pack. */
  takePackIndex(): number {
    return Atomics.add(this.counters, 1, 1);
  }

  /** The row of `id` where it is known (as `~row`, negative), else a fresh row that the caller must fill. */
  claim(id: Uint8Array): number {
    const view = this.viewOf(id);
    let slot = view.getUint32(0, true) & this.mask;
    for (;;) {
      const found = Atomics.load(this.index, slot);
      if (found === FREE) {
        const row = this.takeRow(id);
        const before = Atomics.compareExchange(this.index, slot, FREE, row + 1);
        if (before === FREE) return row;
        this.spare = row;
        if (this.holds(before - 1, view)) return ~(before - 1);
      } else if (this.holds(found - 1, view)) {
        return ~(found - 1);
      }
      slot = (slot + 1) & this.mask;
    }
  }

  /** The row of `id`, or -1. */
  find(id: Uint8Array): number {
    const view = this.viewOf(id);
    for (let slot = view.getUint32(0, true) & this.mask; ; slot = (slot + 1) & this.mask) {
      const found = Atomics.load(this.index, slot);
      if (found === FREE) return -1;
      if (this.holds(found - 1, view)) return found - 1;
    }
  }

  /** @throws ColdkeepError `internal` where a part of the place is larger than there is room for. */
  setPlace(row: number, { origin, pack, frame, offset, stored, plain, codec }: TablePlace): void {
    const fits =
      origin <= MOST.origin &&
      pack <= MOST.pack &&
      frame <= MOST.frame &&
      offset <= MOST.offset &&
      stored <= MOST.stored &&
      plain <= MOST.plain;
    if (!fits) {
      const on = `origin ${origin}, pack ${pack}, frame ${frame}, offset ${offset}, ${stored} bytes of ${plain}`;
      throw new ColdkeepError("internal", { what: "a chunk lies where none can be noted", on });
    }
    const at = row * PLACE_WORDS;
    this.places[at] = offset;
    this.places[at + 1] = origin | (pack << 8) | (frame << 28);
    this.places[at + 2] = stored | ((frame >>> 4) << 25);
    this.places[at + 3] = plain | (codec << 25) | ((frame >>> 11) << 26);
  }

  /** @throws ColdkeepError `internal` where the row's chunk was never stored. */
  place(row: number): TablePlace {
    const { places } = this;
    const at = row * PLACE_WORDS;
    const offset = places[at] ?? 0;
    const first = places[at + 1] ?? 0;
    const second = places[at + 2] ?? 0;
    const third = places[at + 3] ?? 0;
    const stored = second & BITS_25;
    if (stored === 0) throw new ColdkeepError("internal", { what: "a chunk has no place", on: `row ${row}` });
    return {
      origin: first & MOST.origin,
      pack: (first >>> 8) & MOST.pack,
      frame: (first >>> 28) | ((second >>> 25) << 4) | ((third >>> 26) << 11),
      offset,
      stored,
      plain: third & BITS_25,
      codec: ((third >>> 25) & 1) as Codec,
    };
  }

  /** A copy of the row's id. */
  id(row: number): Uint8Array {
    return this.ids.slice(row * ID_BYTES, (row + 1) * ID_BYTES);
  }

  /** Whoever loads many ids may hand over each in the same memory. */
  private viewOf(id: Uint8Array): DataView {
    if (this.seen !== id) {
      this.seen = id;
      this.seenView = new DataView(id.buffer, id.byteOffset, ID_BYTES);
    }
    return this.seenView;
  }

  private takeRow(id: Uint8Array): number {
    const row = this.spare >= 0 ? this.spare : Atomics.add(this.counters, 0, 1);
    this.spare = -1;
    if (row >= this.capacity) {
      throw new ColdkeepError("internal", {
        what: "the table of chunks is full",
        why: `${this.capacity} were expected from the figures of the frozen tree`,
      });
    }
    this.ids.set(id, row * ID_BYTES);
    return row;
  }

  private holds(row: number, id: DataView): boolean {
    const at = row * (ID_BYTES / 4);
    for (let word = 0; word < ID_BYTES / 4; word += 1) {
      if (this.words[at + word] !== id.getInt32(word * 4, true)) return false;
    }
    return true;
  }
}
