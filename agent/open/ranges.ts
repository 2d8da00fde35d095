import type { ChunkPlace } from "../../vault/sealed/types.ts";
import type { Reader } from "../../vault/store/facets.ts";
import { fetchRange, toTransferable } from "./fetch.ts";
import { costOf, type FrameRange, makeGatherer } from "./gather.ts";
import type { LentMemory } from "./lent-memory.ts";
import type { LentBatch } from "./open-frames.ts";
import type { PackTable } from "./pack-table.ts";
import { packRows } from "./packed-rows.ts";
import { makeTaskStream } from "./stream.ts";

/** Sealed bytes fetched and not yet opened, at most. */
const UNDER_WAY = 20 << 20;

export interface RangeOptions<Use> {
  readonly packs: PackTable;
  readonly signal: AbortSignal;
  /** Told of all ranges of one gathering before the first of them arrives. */
  readonly gathered?: (ranges: readonly FrameRange<Use>[]) => void;
  /** Several run side by side. What it throws ends the stream. */
  readonly arrive: (range: FrameRange<Use>) => Promise<void>;
}

/** Frames as they are wanted, turned into large requests that run side by side within a bound of memory. */
export interface RangeStream<Use> {
  /** Waits while too much is under way. @throws the first failure of any request, or the signal's reason. */
  add(place: ChunkPlace, use: Use): Promise<void>;
  /** Tells of a frame that was fetched before, in the order of `add`: it is not read over for its neighbours' sake. */
  skip(place: ChunkPlace): Promise<void>;
  /** Asks for the rest and waits for all. @throws as `add`. */
  end(): Promise<void>;
}

export function makeRangeStream<Use>(o: RangeOptions<Use>): RangeStream<Use> {
  const gatherer = makeGatherer<Use>(o.packs);
  const stream = makeTaskStream(UNDER_WAY, o.signal);
  const flush = async () => {
    const ranges = gatherer.take();
    o.gathered?.(ranges);
    try {
      for (const range of ranges) await stream.push(costOf(range), () => o.arrive(range));
    } catch (error) {
      await stream.settle();
      throw error;
    }
  };
  return {
    add: async (place, use) => {
      // Before it is added, so that nothing is asked for of which the caller has not heard yet.
      if (gatherer.full) await flush();
      gatherer.add(place, use);
    },
    skip: async (place) => {
      if (gatherer.full) await flush();
      gatherer.skip(place);
    },
    end: async () => {
      await flush();
      await stream.end();
    },
  };
}

/**
 * Fetches some frames of one pack that lie in `length` bytes from `offset`, ready to be handed to a thread whole. Where
 * the bytes lie in lent memory, that is for the caller to give back.
 */
export async function fetchBatch(
  store: Reader,
  packs: PackTable,
  { pack, offset, length, frames }: Omit<FrameRange<unknown>, "plain">,
  memory: LentMemory,
): Promise<LentBatch> {
  const opening = await packs.opening(pack);
  const lent = memory.take(length);
  const bytes = await fetchRange(store, pack.object, offset, length, lent);
  const batch = { pack: opening, base: offset, rows: packRows(frames.map(({ row }) => row)) };
  if (lent !== undefined && bytes.buffer === lent.buffer) return { ...batch, bytes: bytes as LentBatch["bytes"] };
  if (lent !== undefined) memory.give(lent.buffer);
  return { ...batch, bytes: toTransferable(bytes) };
}
