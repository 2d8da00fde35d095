import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toRanges, type WantedFrame } from "../../../agent/open/gather.ts";
import { makeGatherer, makeTaskStream, type PackRow, type PackTable } from "../../../agent/open/index.ts";
import { makeSnapshotId } from "../../../vault/names/index.ts";
import type { ChunkPlace } from "../../../vault/sealed/types.ts";

const origin = makeSnapshotId(0, new Uint8Array(8));
const none = new Uint8Array(32);
const pack: PackRow = { origin, index: 0, size: 1 << 30, salt: none, commit: none, object: "n/data/x/00000.pack" };
const packs: PackTable = {
  rows: [pack],
  find: () => pack,
  opening: () => Promise.reject(new Error("not asked for")),
};

const anyFrames = fc.array(fc.record({ gap: fc.nat(3000), stored: fc.integer({ min: 17, max: 5000 }) })).map((list) => {
  let offset = 96;
  return list.map(({ gap, stored }, frame): WantedFrame<number> => {
    offset += gap;
    const row = { frame, offset, stored, plain: stored, codec: 1 as const };
    offset += stored;
    return { row, uses: [frame] };
  });
});

describe("frames joined into requests", () => {
  it("every frame is in exactly one request, whole; none is larger than allowed; no long gap is read over", () => {
    fc.assert(
      fc.property(anyFrames, fc.integer({ min: 1, max: 20_000 }), fc.nat(2000), (frames, range, gap) => {
        const limits = { range, gap, perRange: 7 };
        const ranges = toRanges(pack, frames, limits);
        expect(ranges.flatMap((r) => r.frames.map(({ row }) => row.frame))).toEqual(frames.map(({ row }) => row.frame));
        for (const r of ranges) {
          expect(r.frames.length).toBeLessThanOrEqual(7);
          if (r.frames.length > 1) expect(r.length).toBeLessThanOrEqual(range);
          let end = r.offset;
          for (const { row } of r.frames) {
            expect(row.offset - end).toBeLessThanOrEqual(gap);
            end = row.offset + row.stored;
          }
          expect(end).toBe(r.offset + r.length);
        }
      }),
    );
  });

  it("what is told to be there already is read over by none, and the rest is asked for all the same", () => {
    fc.assert(
      fc.property(anyFrames, fc.array(fc.boolean()), (frames, there) => {
        const gatherer = makeGatherer<number>(packs);
        for (const [n, { row }] of frames.entries()) {
          const place: ChunkPlace = { origin, pack: 0, ...row };
          if (there[n] === true) gatherer.skip(place);
          else gatherer.add(place, n);
        }
        const ranges = gatherer.take();
        const wanted = frames.filter((_, n) => there[n] !== true).map(({ row }) => row.frame);
        expect(ranges.flatMap((r) => r.frames.map(({ row }) => row.frame))).toEqual(wanted);
        for (const [n, { row }] of frames.entries()) {
          if (there[n] !== true) continue;
          expect(ranges.some((r) => r.offset < row.offset + row.stored && row.offset < r.offset + r.length)).toBe(
            false,
          );
        }
      }),
    );
  });

  it("what is wanted twice is fetched once, for both", () => {
    const gatherer = makeGatherer<string>(packs);
    const place: ChunkPlace = { origin, pack: 0, frame: 1, offset: 96, stored: 100, plain: 84, codec: 0 };
    gatherer.add(place, "a");
    gatherer.add(place, "b");
    expect(gatherer.take()).toMatchObject([{ offset: 96, length: 100, plain: 84, frames: [{ uses: ["a", "b"] }] }]);
    expect(gatherer.take()).toEqual([]);
  });

  it("one frame at two places is a contradiction", () => {
    const gatherer = makeGatherer<string>(packs);
    const place: ChunkPlace = { origin, pack: 0, frame: 1, offset: 96, stored: 100, plain: 84, codec: 0 };
    gatherer.add(place, "a");
    expect(() => gatherer.add({ ...place, offset: 97 }, "b")).toThrow(/two places/);
  });
});

describe("tasks under a budget", () => {
  it("never more at once than the budget; one that is larger goes alone", async () => {
    const sizes = [5, 5, 5, 30, 1, 1, 9];
    let now = 0;
    let most = 0;
    const stream = makeTaskStream(10, new AbortController().signal);
    for (const size of sizes) {
      await stream.push(size, async () => {
        now += size;
        if (size <= 10) most = Math.max(most, now);
        else expect(now).toBe(size);
        await new Promise((go) => setImmediate(go));
        now -= size;
      });
    }
    await stream.end();
    expect(most).toBeLessThanOrEqual(10);
  });

  it("the first failure stops what has not begun, and is the one reported", async () => {
    const stream = makeTaskStream(1, new AbortController().signal);
    const began: number[] = [];
    const push = async () => {
      for (let n = 0; n < 5; n += 1) {
        await stream.push(1, async () => {
          began.push(n);
          if (n === 1) throw new Error("the first");
        });
      }
      await stream.end();
    };
    await expect(push()).rejects.toThrow("the first");
    expect(began).toEqual([0, 1]);
  });
});
