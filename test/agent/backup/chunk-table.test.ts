import { createHash } from "node:crypto";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ChunkTable, makeTableMemory } from "../../../agent/backup/chunk-table.ts";

const idOf = (n: number) => createHash("sha256").update(`${n}`).digest();

describe("the table of chunks", () => {
  it("answers as a map does, also where ids begin alike and where they lie at odd addresses", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 200 }), fc.boolean(), (picks, alike) => {
        const table = new ChunkTable(makeTableMemory(64));
        const model = new Map<number, number>();
        for (const pick of picks) {
          const id = Buffer.alloc(33);
          idOf(pick).copy(id, 1);
          if (alike) id.fill(0, 1, 9);
          const before = model.get(pick);
          expect(table.find(id.subarray(1))).toBe(before ?? -1);
          const row = table.claim(id.subarray(1));
          if (before === undefined) {
            expect(row).toBe(model.size);
            model.set(pick, row);
          } else {
            expect(row).toBe(~before);
          }
          expect(table.id(row < 0 ? ~row : row)).toEqual(new Uint8Array(id.subarray(1)));
        }
        expect(table.rows).toBe(model.size);
      }),
      { numRuns: 60 },
    );
  });

  it("keeps places whole up to the largest chunk and the last byte of a pack", () => {
    const table = new ChunkTable(makeTableMemory(10));
    const row = table.claim(idOf(1));
    const place = {
      origin: 255,
      pack: 1_000_000,
      frame: 131_071,
      offset: 4_294_967_295,
      stored: 16_777_232,
      plain: 16_777_216,
      codec: 1 as const,
    };
    table.setPlace(row, place);
    expect(table.place(row)).toEqual(place);
    expect(() => table.place(table.claim(idOf(2)))).toThrow(/no place/);
  });

  it("keeps each part of a place apart from the others, and refuses what it has no room for", () => {
    const table = new ChunkTable(makeTableMemory(10));
    const row = table.claim(idOf(1));
    const most = { origin: 255, pack: 2 ** 20 - 1, frame: 2 ** 17 - 1, offset: 2 ** 32 - 1 };
    const all = { ...most, stored: 2 ** 25 - 1, plain: 2 ** 25 - 1 };
    const upTo = (max: number, min = 0) => fc.integer({ min, max });
    const places = fc.record({
      origin: upTo(all.origin),
      pack: upTo(all.pack),
      frame: upTo(all.frame),
      offset: upTo(all.offset),
      stored: upTo(all.stored, 1),
      plain: upTo(all.plain),
      codec: fc.constantFrom(0 as const, 1 as const),
    });
    fc.assert(
      fc.property(places, (place) => {
        table.setPlace(row, place);
        expect(table.place(row)).toEqual(place);
      }),
    );
    for (const [part, value] of Object.entries(all)) {
      const place = { origin: 0, pack: 0, frame: 0, offset: 0, stored: 1, plain: 1, codec: 0 as const };
      expect(() => table.setPlace(row, { ...place, [part]: value + 1 })).toThrow(/where none can be noted/);
    }
  });

  it("says so when it is full instead of losing a chunk", () => {
    const table = new ChunkTable(makeTableMemory(1));
    expect(() => {
      for (let n = 0; n <= 2000; n += 1) table.claim(idOf(n));
    }).toThrow(/table of chunks is full/);
  });

  it("gives each id to exactly one of several threads that claim it at once", async () => {
    const memory = makeTableMemory(40_000);
    const start = new SharedArrayBuffer(4);
    const ids = 10_000;
    const workers = Array.from({ length: 3 }, () => {
      return new Worker(new URL("./chunk-table.worker.ts", import.meta.url), { workerData: { memory, ids, start } });
    });
    await Promise.all(workers.map((worker) => once(worker, "message")));
    const answers = workers.map((worker) => once(worker, "message"));
    Atomics.store(new Int32Array(start), 0, 1);
    Atomics.notify(new Int32Array(start), 0);
    const rows = (await Promise.all(answers)).map(([message]) => message as Int32Array);
    await Promise.all(workers.map((worker) => worker.terminate()));
    const table = new ChunkTable(memory);
    for (let n = 0; n < ids; n += 1) {
      const claims = rows.map((of) => of[n] ?? 0);
      expect(claims.filter((row) => row >= 0)).toHaveLength(1);
      expect(new Set(claims.map((row) => (row < 0 ? ~row : row)))).toEqual(new Set([table.find(idOf(n))]));
    }
  });
});
