import { appendFileSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeRows, ROW_BYTES, rowsOf } from "../../../agent/backup/chunk-rows.ts";
import {
  appendPieces,
  entryHead,
  fingerprintOfLine,
  type LocalEntry,
  lineOf,
  lineToEntry,
  pathOfLine,
  piecesAfter,
} from "../../../agent/backup/entry-line.ts";
import { createJournal, readReceived, rowRange } from "../../../agent/backup/journal.ts";
import { chunkBytes, sealBudget, workerCount } from "../../../agent/backup/limits.ts";
import { createSummedFile, hasSum, openLines, readLines } from "../../../agent/backup/local-files.ts";
import { readRunHead, readRunRecord } from "../../../agent/backup/run-files.ts";
import { makeSameLines } from "../../../agent/backup/same-lines.ts";
import type { FrozenEntry } from "../../../agent/freeze/types.ts";
import { tempDir } from "../../support/tmp.ts";

const MIB = 1 << 20;

describe("a run's local files", () => {
  it("give back every line, however long and wherever blocks cut it, and know when they were changed", () => {
    const dir = tempDir();
    let n = 0;
    const line = fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.integer({ min: MIB - 3, max: MIB + 3 }).map((k) => "é".repeat(k / 2)),
    );
    fc.assert(
      fc.property(
        fc.array(
          line.map((text) => text.replaceAll("\n", " ")),
          { maxLength: 6 },
        ),
        (lines) => {
          n += 1;
          const path = join(dir, String(n));
          const file = createSummedFile(path);
          for (const text of lines) file.add(`${text}\n`);
          const sum = file.finish();
          expect([...readLines(path)]).toEqual(lines);
          expect(hasSum(path, sum)).toBe(true);
          appendFileSync(path, "x");
          expect(hasSum(path, sum)).toBe(false);
          expect([...readLines(path)]).toEqual(lines);
        },
      ),
      { numRuns: 25 },
    );
    expect(hasSum(join(dir, "missing"), { size: 0, sha256: "" })).toBe(false);
  });

  it("are private and never overwritten", () => {
    const path = join(tempDir(), "entries");
    createSummedFile(path).finish();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(() => createSummedFile(path)).toThrow(/EEXIST/);
  });

  it("keep an entry with any names, targets, attributes and pieces", () => {
    const bytes = fc
      .array(fc.integer({ min: 0, max: 255 }), { maxLength: 20 })
      .map((b) => Buffer.from(b).toString("latin1"));
    const pieces = fc.array(fc.integer());
    const entry: fc.Arbitrary<LocalEntry> = fc.record({
      path: bytes,
      type: fc.constantFrom("file", "directory", "symlink", "hardlink"),
      mode: fc.nat(0o7777),
      uid: fc.nat(0xffff_ffff),
      gid: fc.nat(0xffff_ffff),
      mtime: fc.tuple(fc.integer({ min: -1e9, max: 4e9 }), fc.nat(999_999_999)),
      size: fc.nat(Number.MAX_SAFE_INTEGER),
      secret: fc.boolean(),
      fingerprint: fc.stringMatching(/^[am0-9:]{0,40}$/),
      target: fc.option(bytes),
      xattrs: fc.array(fc.tuple(fc.string(), bytes), { maxLength: 3 }),
      pieces,
    });
    fc.assert(
      fc.property(entry, pieces, (e, others) => {
        const size = e.type === "file" ? e.size : 0;
        const head = entryHead(frozen(e), e.path);
        const line = lineOf(head, e.pieces);
        expect(line.indexOf("\n")).toBe(line.length - 1);
        expect(lineToEntry(line.slice(0, -1))).toEqual({ ...e, size });
        expect([pathOfLine(line), fingerprintOfLine(line)]).toEqual([e.path, e.fingerprint]);
        expect(piecesAfter(lineOf(head, others).slice(0, -1), head)).toEqual(others);
        expect(piecesAfter(line.slice(0, -1), entryHead(frozen({ ...e, mode: e.mode + 1 }), e.path))).toBeNull();
      }),
    );
  });

  function frozen(e: LocalEntry): FrozenEntry {
    const { type, mode, uid, gid, mtime, size, secret, fingerprint, target, xattrs } = e;
    const latin1 = (text: string) => Buffer.from(text, "latin1");
    return {
      ...{ type, mode, uid, gid, size, secret, fingerprint },
      path: latin1(e.path),
      mtime: { seconds: mtime[0], nanoseconds: mtime[1] },
      ...(target === null ? {} : { target: latin1(target) }),
      xattrs: xattrs.map(([name, value]) => ({ name, value: latin1(value) })),
      ...{ source: Buffer.alloc(0), offset: 0, linked: false, mutability: "mutable", sparse: false, known: false },
    };
  }

  it("are read line by line, or past those that are of no interest", () => {
    const path = join(tempDir(), "lines");
    const all = Array.from({ length: 5000 }, (_, i) => `${i} ${"é".repeat((i * 7919) % 700)}`);
    writeFileSync(path, `${all.join("\n")}\ntorn`);
    fc.assert(
      fc.property(fc.array(fc.nat(2000), { maxLength: 12 }), (steps) => {
        const lines = openLines(path);
        let at = 0;
        for (const step of steps) {
          lines.skip(step);
          at += step;
          expect(lines.next()).toBe(all[at] ?? null);
          at += 1;
        }
        lines.close();
      }),
      { numRuns: 30 },
    );
    expect(openLines(join(tempDir(), "none")).next()).toBeNull();
  });

  it("know which lines say the same as the parent's, in stretches", () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(5)), { maxLength: 40 }), (steps) => {
        const same = makeSameLines();
        let parent = 0;
        const parents = steps.map((step, line) => {
          if (step === null) return null;
          // Mostly the next one.
          parent += step < 4 ? 1 : step;
          same.add(line, parent);
          return parent;
        });
        for (const [line, expected] of parents.entries()) {
          const found = same.from(line);
          expect(found?.parent ?? null).toBe(expected);
          for (let i = 0; i < (found?.lines ?? 0); i += 1) expect(parents[line + i]).toBe((expected ?? 0) + i);
          if (found !== null) expect(parents[line + found.lines]).not.toBe((expected ?? 0) + found.lines);
        }
      }),
    );
  });

  it("join the parts of a file: holes that touch are one hole", () => {
    const pieces: number[] = [];
    appendPieces(pieces, [1, -10]);
    appendPieces(pieces, [-5, 2]);
    appendPieces(pieces, Float64Array.of(2, -1));
    expect(pieces).toEqual([1, -15, 2, 2, -1]);
  });

  it("keep rows of chunks whole where blocks cut them", () => {
    const id = Buffer.alloc(32, 7);
    const place = { origin: 3, pack: 9, frame: 5, offset: 4_000_000_000, stored: 17, plain: 1 };
    const codecOf = (row: number) => (row === 1 ? (1 as const) : (0 as const));
    const table = { id: () => id, place: (row: number) => ({ ...place, codec: codecOf(row) }) };
    const all = Buffer.from(encodeRows(Uint32Array.of(1, 4_294_967_294), table));
    for (const cut of [1, 63, 64, 65, 127]) {
      const rows = [...rowsOf([all.subarray(0, cut), all.subarray(cut)])];
      expect(rows.map((r) => [r.row, r.offset, r.codec])).toEqual([
        [1, 4_000_000_000, 1],
        [4_294_967_294, 4_000_000_000, 0],
      ]);
    }
    expect([...rowsOf([all.subarray(0, 100)])]).toHaveLength(1);
  });

  it("count a pack as received only by its receipt, whatever of the journal a crash left", async () => {
    const folder = tempDir();
    const journal = createJournal(folder);
    const note = { salt: "s", commit: "c", secret: false };
    const row = Buffer.alloc(ROW_BYTES);
    await journal.intent({ name: "key.json", size: 1, sha256: "00" });
    journal.receipt("key.json");
    await journal.intent(
      { name: "00000.pack", size: 1, sha256: "00" },
      { index: 0, ...note },
      Buffer.concat([row, row]),
    );
    await journal.intent({ name: "00001.pack", size: 1, sha256: "00" }, { index: 1, ...note }, row);
    journal.receipt("00001.pack");
    expect(readReceived(folder).map((r) => [r.name, rowRange(r.pack)])).toEqual([["00001.pack", [128, 192]]]);
    journal.receipt("00000.pack");
    journal.close();
    const path = join(folder, "journal");
    const whole = readFileSync(path);
    expect(readReceived(folder).map((r) => r.pack.index)).toEqual([1, 0]);
    for (let length = whole.length - 1; length >= 0; length -= 1) {
      truncateSync(path, length);
      expect(readReceived(folder).length).toBeLessThan(2);
    }
  });

  it("are as good as lost where they are damaged", () => {
    const folder = tempDir();
    expect([readRunHead(folder), readRunRecord(folder)]).toEqual([null, null]);
    for (const text of [
      "",
      "{",
      "[]",
      "null",
      '{"version":1}',
      '{"version":2,"snapshot":"x"}',
      '{"version":1,"entries":1}',
    ]) {
      writeFileSync(join(folder, "run.json"), text, { mode: 0o600 });
      writeFileSync(join(folder, "record.json"), text, { mode: 0o600 });
      expect([readRunHead(folder), readRunRecord(folder)]).toEqual([null, null]);
    }
  });
});

describe("the bounds of a run", () => {
  it("cut files by their size alone, and keep pack buffers within 80 MiB for the usual workers", () => {
    expect([0, 2 ** 30, 2 ** 30 + 1].map(chunkBytes)).toEqual([MIB, MIB, 4 * MIB]);
    for (let workers = 1; workers <= 4; workers += 1) {
      const { target, buffers } = sealBudget(workers);
      expect(buffers).toBeGreaterThan(workers);
      expect(target).toBeGreaterThanOrEqual(16 * MIB);
      expect(target * buffers).toBeLessThanOrEqual(80 * MIB);
      const many = sealBudget(workers, 56 * MIB, 32 * 1024);
      expect(many.threads).toBe(workers);
      expect(many.buffers).toBeGreaterThan(workers);
      expect(many.target).toBeGreaterThanOrEqual(8 * MIB);
      expect(many.target * many.buffers).toBeLessThanOrEqual(40 * MIB);
      expect(sealBudget(workers, 56 * MIB, 1000)).toEqual({ threads: 1, target: 8 * MIB, buffers: 2 });
      expect(sealBudget(workers, MIB, 1000).threads).toBe(workers);
      // A terabyte has as many chunks, and its packs stay as few as they may be.
      expect(sealBudget(workers, 56 * MIB, MIB).target).toBeGreaterThanOrEqual(16 * MIB);
    }
    expect([
      workerCount(undefined, 1),
      workerCount(undefined, 4),
      workerCount(undefined, 64),
      workerCount(1, 64),
    ]).toEqual([2, 4, 4, 1]);
  });
});
