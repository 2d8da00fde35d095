import { randomBytes } from "node:crypto";
import { closeSync, ftruncateSync, openSync, readdirSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeReadAhead, type ReadAhead } from "../../../agent/backup/read-ahead.ts";
import type { FileTask } from "../../../agent/backup/seal-messages.ts";
import { tempDir } from "../../support/tmp.ts";

const MIB = 1 << 20;

function taskOf(source: string, size: number, changes: Partial<FileTask> = {}): FileTask {
  const whole = { source, offset: 0, shown: source, size, from: 0, to: size, chunk: MIB };
  return { ...whole, sparse: false, linked: true, secret: false, mtimeNs: null, ...changes };
}

/** All pieces of the task that is first in line, holes written out. */
async function contentOf(reader: ReadAhead): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let piece = await reader.next(); piece !== null; piece = await reader.next())
    pieces.push(typeof piece === "number" ? Buffer.alloc(piece) : Buffer.from(piece));
  return Buffer.concat(pieces);
}

function write(folder: string, name: string, content: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe("reading ahead", () => {
  it("gives each file's bytes in turn, whatever their size, place and kind, and leaves nothing open", async () => {
    const folder = tempDir();
    const sizes = [0, 1, 4095, 4096, 65_536, 65_537, 256 * 1024, MIB - 1, MIB, MIB + 1, 3 * MIB + 77, 9 * MIB];
    const open = () => readdirSync("/proc/self/fd").length;
    const before = open();
    const reader = makeReadAhead();
    const expected: Buffer[] = [];
    for (const linked of [true, false]) {
      for (const size of sizes) {
        const content = randomBytes(size);
        const path = write(folder, `${linked} ${size}`, content);
        reader.add([taskOf(path, size, { linked })]);
        expected.push(content);
        if (size > 2 * MIB) {
          reader.add([taskOf(path, size, { linked, from: 2 * MIB })]);
          expected.push(content.subarray(2 * MIB));
        }
      }
      // A copy that lies behind others in one file.
      const spool = randomBytes(3 * MIB);
      const path = write(folder, `${linked} spool`, spool);
      reader.add([taskOf(path, MIB + 9, { linked, offset: 12_345 })]);
      expected.push(spool.subarray(12_345, 12_345 + MIB + 9));
    }
    for (const content of expected) expect(Buffer.compare(await contentOf(reader), content)).toBe(0);
    expect(open()).toBe(before);
    await expect(reader.next()).rejects.toThrow("nothing was added");
  });

  it("gives chunks of chunks of 4 MiB, too", async () => {
    const content = randomBytes(9 * MIB + 1);
    const path = write(tempDir(), "large", content);
    const reader = makeReadAhead();
    reader.add([taskOf(path, content.length, { chunk: 4 * MIB }), taskOf(path, 100)]);
    expect(Buffer.compare(await contentOf(reader), content)).toBe(0);
    expect(Buffer.compare(await contentOf(reader), content.subarray(0, 100))).toBe(0);
  });

  it("gives holes, and chunks of zeros, as lengths", async () => {
    const path = join(tempDir(), "sparse");
    const fd = openSync(path, "wx");
    writeSync(fd, randomBytes(10), 0, 10, 5 * MIB);
    writeSync(fd, Buffer.alloc(MIB), 0, MIB, 7 * MIB);
    ftruncateSync(fd, 9 * MIB + 3);
    closeSync(fd);
    const reader = makeReadAhead();
    for (const sparse of [true, false]) {
      for (const linked of [true, false]) {
        reader.add([taskOf(path, 9 * MIB + 3, { sparse, linked })]);
        const pieces: (number | "bytes")[] = [];
        for (let piece = await reader.next(); piece !== null; piece = await reader.next())
          pieces.push(typeof piece === "number" ? piece : "bytes");
        expect(pieces).toEqual([MIB, MIB, MIB, MIB, MIB, "bytes", MIB, MIB, MIB, 3]);
      }
    }
  });

  it.each([true, false])("tells in its turn that a file is gone or ends early (linked: %s)", async (linked) => {
    const folder = tempDir();
    const good = randomBytes(100);
    const first = write(folder, "first", good);
    const short = write(folder, "short", randomBytes(5 * MIB));
    truncateSync(short, 3 * MIB + 10);
    const reader = makeReadAhead();
    reader.add([taskOf(first, 100, { linked }), taskOf(short, 5 * MIB, { linked })]);
    expect(Buffer.compare(await contentOf(reader), good)).toBe(0);
    await expect(contentOf(reader)).rejects.toMatchObject({
      kind: "integrity",
      why: `it ends at byte ${3 * MIB + 10}, ${5 * MIB} bytes were captured`,
    });
    const other = makeReadAhead();
    other.add([taskOf(first, 100, { linked }), taskOf(join(folder, "none"), 1, { linked })]);
    expect(Buffer.compare(await contentOf(other), good)).toBe(0);
    await expect(contentOf(other)).rejects.toMatchObject({ kind: "integrity", why: "it is gone" });
  });

  it.each([false, true])(
    "asks before each chunk, but not for holes, and reads the same (in its own name: %s)",
    async (itself) => {
      const folder = tempDir();
      const content = randomBytes(5 * MIB + 77);
      const whole = write(folder, "whole", content);
      const sparse = write(folder, "sparse", content.subarray(0, MIB));
      truncateSync(sparse, 4 * MIB);
      const asked: number[] = [];
      let allowed = 0;
      const reader = makeReadAhead({
        mayRead: async (bytes) => {
          asked.push(bytes);
          await new Promise((turn) => setImmediate(turn));
          allowed += bytes;
        },
        readsItself: () => itself,
      });
      reader.add([
        taskOf(whole, content.length),
        taskOf(sparse, 4 * MIB, { sparse: true }),
        taskOf(whole, content.length, { linked: false }),
      ]);
      let read = 0;
      const next = async () => {
        const piece = await reader.next();
        if (piece instanceof Uint8Array) {
          read += piece.length;
          expect(allowed).toBeGreaterThanOrEqual(read);
        }
        return piece;
      };
      const counted = { ...reader, next };
      expect(Buffer.compare(await contentOf(counted), content)).toBe(0);
      const padded = Buffer.concat([content.subarray(0, MIB), Buffer.alloc(3 * MIB)]);
      expect(Buffer.compare(await contentOf(counted), padded)).toBe(0);
      expect(Buffer.compare(await contentOf(counted), content)).toBe(0);
      expect(asked.reduce((a, b) => a + b)).toBe(2 * content.length + MIB);
      expect(allowed).toBe(read);
    },
  );
});
