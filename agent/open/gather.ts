import { ColdkeepError } from "../../vault/names/index.ts";
import type { ChunkPlace, FrameRow } from "../../vault/sealed/types.ts";
import type { PackRow, PackTable } from "./pack-table.ts";

/** One frame that is wanted, and what for. */
export interface WantedFrame<Use> {
  readonly row: FrameRow;
  readonly uses: Use[];
}

/** Neighbouring frames of one pack that are fetched by one request. */
export interface FrameRange<Use> {
  readonly pack: PackRow;
  readonly offset: number;
  readonly length: number;
  /** Bytes of the frames once opened. */
  readonly plain: number;
  readonly frames: readonly WantedFrame<Use>[];
}

export interface GatherLimits {
  /** Largest request, bytes; a frame that is larger by itself gets a request of its own. */
  readonly range: number;
  /** Most frames of one request: each costs memory of its own on the way. */
  readonly perRange: number;
  /** Largest stretch that is read over rather than asked for apart, bytes. */
  readonly gap: number;
  /** How much is gathered before it is sorted into requests: plain bytes, and frames. */
  readonly plain: number;
  readonly frames: number;
}

const NOWHERE = new Float64Array(0);

/** Largest request for data, bytes; a single frame may be larger. */
export const LARGEST_REQUEST = 4 << 20;

const GATHER: GatherLimits = { range: LARGEST_REQUEST, perRange: 512, gap: 128 << 10, plain: 256 << 20, frames: 4096 };

/**
 * Collects frames as they are wanted, in any order, and gives them back as few, large requests in the order they lie in
 * their packs. What is wanted twice within one gathering is fetched once. Memory is bounded by the limits.
 */
export interface Gatherer<Use> {
  add(place: ChunkPlace, use: Use): void;
  /** Tells of a frame that need not be fetched: none of the requests of this gathering reads over it. */
  skip(place: ChunkPlace): void;
  readonly full: boolean;
  /** All that was gathered, which is then forgotten. */
  take(): FrameRange<Use>[];
}

export function makeGatherer<Use>(packs: PackTable, limits: GatherLimits = GATHER): Gatherer<Use> {
  let wanted = new Map<PackRow, Map<number, WantedFrame<Use>>>();
  let skipped = new Map<PackRow, number[]>();
  let plain = 0;
  let frames = 0;
  return {
    add: (place, use) => {
      const pack = packs.find(place);
      let ofPack = wanted.get(pack);
      if (ofPack === undefined) {
        ofPack = new Map();
        wanted.set(pack, ofPack);
      }
      const known = ofPack.get(place.frame);
      if (known !== undefined) {
        if (!sameRow(known.row, place)) throw contradiction(pack, place.frame);
        known.uses.push(use);
        return;
      }
      const { frame, offset, stored, codec } = place;
      ofPack.set(frame, { row: { frame, offset, stored, plain: place.plain, codec }, uses: [use] });
      plain += place.plain;
      frames += 1;
    },
    skip: (place) => {
      const pack = packs.find(place);
      const ofPack = skipped.get(pack);
      if (ofPack === undefined) skipped.set(pack, [place.offset]);
      else ofPack.push(place.offset);
      frames += 1;
    },
    get full() {
      return plain >= limits.plain || frames >= limits.frames;
    },
    take: () => {
      const ranges = [...wanted].flatMap(([pack, ofPack]) => {
        const around = Float64Array.from(skipped.get(pack) ?? []).sort();
        return toRanges(pack, [...ofPack.values()], limits, around);
      });
      wanted = new Map();
      skipped = new Map();
      plain = 0;
      frames = 0;
      return ranges;
    },
  };
}

/**
 * Sorts frames of one pack by place and joins neighbours.
 * @param around Where frames begin that are not read over, ascending.
 */
export function toRanges<Use>(
  pack: PackRow,
  frames: readonly WantedFrame<Use>[],
  limits: Pick<GatherLimits, "range" | "perRange" | "gap">,
  around: Float64Array = NOWHERE,
): FrameRange<Use>[] {
  const ranges: FrameRange<Use>[] = [];
  let run: WantedFrame<Use>[] = [];
  let start = 0;
  let end = 0;
  let next = 0;
  const close = () => {
    if (run.length === 0) return;
    const plain = run.reduce((sum, { row }) => sum + row.plain, 0);
    ranges.push({ pack, offset: start, length: end - start, plain, frames: run });
  };
  for (const frame of frames.toSorted((a, b) => a.row.offset - b.row.offset)) {
    const { offset, stored } = frame.row;
    const reach = Math.max(end, offset + stored);
    while ((around[next] ?? Number.POSITIVE_INFINITY) < end) next += 1;
    const near = offset - end <= limits.gap && reach - start <= limits.range && !((around[next] ?? offset) < offset);
    if (run.length > 0 && run.length < limits.perRange && near) {
      run.push(frame);
      end = reach;
      continue;
    }
    close();
    run = [frame];
    start = offset;
    end = offset + stored;
  }
  close();
  return ranges;
}

function sameRow(a: FrameRow, b: FrameRow): boolean {
  return a.offset === b.offset && a.stored === b.stored && a.plain === b.plain && a.codec === b.codec;
}

function contradiction(pack: PackRow, frame: number): ColdkeepError {
  return new ColdkeepError("integrity", {
    what: "the manifest contradicts itself",
    on: pack.object,
    why: `it gives frame ${frame} two places`,
    todo: "it was sealed by a faulty or hostile host: use another snapshot",
  });
}

/** What a range costs on its way, for a budget in bytes: its own, and what describes each frame and its uses. */
export function costOf(range: FrameRange<unknown>): number {
  return range.length + range.frames.length * PER_FRAME;
}

/** Measured, with what is cloned for the worker thread. */
const PER_FRAME = 8192;
