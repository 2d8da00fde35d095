import { randomBytes } from "node:crypto";
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { BytePath } from "../../../agent/restore/byte-path.ts";
import { assertBytes, assertPiece, assertPieceLater, assertShape } from "../../../agent/restore/read-back.ts";
import { makeSecondLook } from "../../../agent/restore/second-look.ts";
import type { SelectedEntry } from "../../../agent/restore/selection.ts";
import { alignedBytes } from "../../../posix/aligned.ts";
import { setDirect } from "../../../posix/direct.ts";
import { chunkId } from "../../../vault/sealed/chunk-id.ts";
import { tempDir } from "../../support/tmp.ts";
import { restoreFixture } from "./fixture.ts";

const key = { suite: "aes-256-gcm", chunkKey: randomBytes(32) } as const;
const file = { base: "/staging" as BytePath, path: "data/f" as BytePath };
const idOf = (bytes: Uint8Array, secret = false) => chunkId(key.suite, key.chunkKey, bytes, secret);

async function withFile(write: (fd: number) => void, use: (fd: number) => void | Promise<void>): Promise<void> {
  const fd = openSync(join(tempDir(), "f"), "wx+");
  try {
    write(fd);
    await use(fd);
  } finally {
    closeSync(fd);
  }
}

describe("what was written is read back", () => {
  const bytes = randomBytes(1_000_003);
  // Where a single byte is asked after, it is none that a hole would have as well.
  bytes[0] = bytes[4095] = 1;

  it.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])("and a bit that differs is found (direct access: %s, later: %s)", async (direct, later) => {
    await withFile(
      (fd) => writeSync(fd, bytes),
      async (fd) => {
        if (direct) setDirect(fd, true);
        const memory = alignedBytes(1 << 20);
        const check = async (at: number, length: number, of = bytes.subarray(at, at + length), secret = false) => {
          const piece = { at, length, id: idOf(of), secret };
          if (!later) assertPiece(key, file, fd, piece);
          else {
            // What was read before is no excuse for what was not.
            memory.set(of);
            await assertPieceLater(key, file, fd, piece, memory);
          }
        };
        for (const [at, length] of [
          [0, bytes.length],
          [4096, 8192],
          [5, 4096],
          [999_424, 579],
        ] as const) {
          await check(at, length);
          const other = Buffer.from(bytes.subarray(at, at + length));
          other.writeUInt8(other.readUInt8(length - 1) ^ 1, length - 1);
          await expect(check(at, length, other)).rejects.toThrow(/not what was backed up/);
        }
        await expect(check(0, 100, bytes.subarray(0, 100), true)).rejects.toThrow(/not what was backed up/);
        await expect(check(999_424, 600, bytes.subarray(999_424))).rejects.toThrow(/ends before/);
      },
    );
  });

  it("or, where it is not, proven before it is written", () => {
    const piece = { at: 0, length: bytes.length, id: idOf(bytes), secret: false };
    assertBytes(key, file, bytes, piece);
    const other = Buffer.from(bytes);
    other.writeUInt8(other.readUInt8(77) ^ 1, 77);
    expect(() => assertBytes(key, file, other, piece)).toThrow(/not what was backed up/);
    expect(() => assertBytes(key, file, bytes, { ...piece, secret: true })).toThrow(/not what was backed up/);
  });

  it("so are size and holes", async () => {
    await withFile(
      (fd) => {
        ftruncateSync(fd, 10 << 20);
        writeSync(fd, bytes, 0, 4096, 1 << 20);
        writeSync(fd, "x", 9 << 20);
      },
      (fd) => {
        const size = 10 << 20;
        const holes = [0, 1 << 20, (1 << 20) + 4096, (8 << 20) - 4096, (9 << 20) + 1, (1 << 20) - 1];
        expect(assertShape(file, fd, size, holes).size).toBe(size);
        expect(() => assertShape(file, fd, size + 1, holes)).toThrow(/10485760 bytes/);
        for (const wrong of [
          [0, (1 << 20) + 1],
          [(1 << 20) + 4095, 10],
          [4096, 10, 9 << 20, 1],
        ]) {
          expect(() => assertShape(file, fd, size, wrong)).toThrow(/should be zeros/);
        }
      },
    );
  });
});

describe("large files", () => {
  it.each([true, false])(
    "of odd sizes, with chunks and holes of odd sizes, come back as they were (read back: %s)",
    async (readBack) => {
      const noise = (length: number) => randomBytes(length);
      const contents: (string | Buffer | number)[][] = [
        [noise(1 << 20), noise((1 << 20) + 1), noise(3)],
        [noise(700_001), noise(300_007), 5000, noise(262_144), 1],
        [1 << 20, noise(262_144 - 1), noise(1), 4096],
        [noise(262_144)],
        [noise(262_143)],
        [Buffer.alloc(2 << 20, "text that shrinks "), noise(4096), noise(4095)],
      ];
      const items = contents.map((content, n) => ({ path: `data/${n}`, content }));
      const { dir, restore } = await restoreFixture([{ path: "data" }, ...items]);
      const { notes } = await restore({ workers: 2, readBack });
      expect(notes.filter((note) => /not read back/.test(note))).toHaveLength(readBack ? 0 : 1);
      contents.forEach((content, n) => {
        const expected = Buffer.concat(
          content.map((part) => (typeof part === "number" ? Buffer.alloc(part) : Buffer.from(part))),
        );
        expect(Buffer.compare(readFileSync(join(dir, "out", "data", `${n}`)), expected)).toBe(0);
      });
    },
  );
});

describe("a second look at what is no file", () => {
  const entries = (count: number, type: "file" | "directory") =>
    Array.from({ length: count }, (_, n) => ({ entry: { type }, path: `${type}${n}` }) as unknown as SelectedEntry);
  async function collect(batches: AsyncIterable<readonly SelectedEntry[]>): Promise<string[]> {
    const all: string[] = [];
    for await (const batch of batches) all.push(...batch.map(({ path }) => path));
    return all;
  }

  it.each([
    [3, 1],
    [20_000, 1],
    [20_001, 2],
  ])("of %i folders takes %i walk(s), and shows all of them", async (folders, expected) => {
    let walks = 0;
    const look = makeSecondLook(async function* () {
      walks += 1;
      yield entries(5, "file");
      yield entries(folders, "directory");
    });
    expect(await collect(look.first)).toHaveLength(5 + folders);
    const again = (await collect(look.again())).filter((path) => path.startsWith("directory"));
    expect(again).toHaveLength(folders);
    expect(again.at(-1)).toBe(`directory${folders - 1}`);
    expect(walks).toBe(expected);
  });
});
