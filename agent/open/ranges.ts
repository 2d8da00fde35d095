import type { ChunkPlace } from "../../vault/sealed/types.ts";
import type { Reader } from "../../vault/store/facets.ts";
import { fetchRange, toTransferable } from "./fetch.ts";
import { costOf, type FrameRange, makeGatherer } from "./gather.ts";
import type { LentMemory } from "./lent-memory.ts";
import type { FrameBatch } from "./open-frames.ts";
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
 * Fetches some frames of one pack that lie in `length` bytes from `offset`, and has a thread do something with them.
 * @param use Is given the bytes until it has ended, and what of them is handed over rather than shared.
 */
export async function withBatch<Answer>(
  store: Reader,
  packs: PackTable,
  { pack, offset, length, frames }: Omit<FrameRange<unknown>, "plain">,
  memory: LentMemory,
  use: (batch: FrameBatch, transfer: ArrayBuffer[]) => Promise<Answer>,
): Promise<Answer> {
  const opening = await packs.opening(pack);
  const lent = memory.take(length);
  const fetched = await fetchRange(store, pack.object, offset, length, lent);
  const isLent = lent !== undefined && fetched.buffer === lent.buffer;
  if (lent !== undefined && !isLent) memory.give(lent);
  const bytes = isLent ? fetched : toTransferable(fetched);
  const batch = { pack: opening, base: offset, bytes, rows: packRows(frames.map(({ row }) => row)) };
  const answer = await use(batch, bytes.buffer instanceof ArrayBuffer ? [bytes.buffer] : []);
  // Not after a failure: a thread may still be at it, and whoever failed begins nothing more.
  if (isLent) memory.give(lent);
  return answer;
}
