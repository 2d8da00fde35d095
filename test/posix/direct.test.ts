import { randomBytes } from "node:crypto";
import { closeSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { alignedBytes, alignedView, isAligned, PAGE, roundUp } from "../../posix/aligned.ts";
import { isCached, readFully, readFullySync, setDirect, writeFully, writeFullySync } from "../../posix/direct.ts";
import { libcTrouble } from "../../posix/libc.ts";
import { tempDir } from "../support/tmp.ts";

const trouble = libcTrouble();
const withLibc = trouble === null ? "" : ` (skipped, libc cannot be called: ${trouble})`;

function withFile<T>(bytes: Uint8Array, use: (fd: number, path: string) => T): T {
  const path = join(tempDir(), "file");
  writeFileSync(path, bytes);
  return use(openSync(path, "r+"), path);
}

describe.skipIf(trouble !== null)(`aligned memory${withLibc}`, () => {
  it("begins at a page, and stays there when it is given to another thread", () => {
    for (const length of [PAGE, 100_000, 1 << 20, 18 << 20]) {
      const bytes = alignedBytes(length);
      expect(bytes.length).toBe(length);
      expect(isAligned(bytes)).toBe(true);
      expect(isAligned(bytes.subarray(1))).toBe(false);
      expect(isAligned(bytes.subarray(PAGE - 1, PAGE + 1))).toBe(false);
      const moved = structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
      expect(isAligned(alignedView(moved).subarray(0, length))).toBe(true);
    }
    expect(alignedView(new ArrayBuffer(2 * PAGE)).length).toBeGreaterThanOrEqual(PAGE);
    expect([0, 1, PAGE, PAGE + 1].map(roundUp)).toEqual([0, PAGE, PAGE, 2 * PAGE]);
  });
});

describe("direct reads", () => {
  it("read what was written, from any length of file, up to its end and not past it", async () => {
    for (const length of [0, 1, 511, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE + 77, (1 << 20) + 5]) {
      const content = randomBytes(length);
      await withFile(content, async (fd) => {
        setDirect(fd, true);
        const into = alignedBytes(roundUp(length) + PAGE);
        expect(await readFully(fd, into, length, 0)).toBe(length);
        expect(Buffer.compare(into.subarray(0, length), content)).toBe(0);
        expect(await readFully(fd, into, into.length, 0)).toBe(length);
        if (length > 2 * PAGE) {
          expect(await readFully(fd, into, PAGE + 1, PAGE)).toBe(PAGE + 1);
          expect(Buffer.compare(into.subarray(0, PAGE + 1), content.subarray(PAGE, 2 * PAGE + 1))).toBe(0);
        }
        closeSync(fd);
      });
    }
  });

  it("go through the cache where memory or place are not aligned", async () => {
    const content = randomBytes(3 * PAGE);
    await withFile(content, async (fd) => {
      setDirect(fd, true);
      const odd = alignedBytes(4 * PAGE).subarray(3);
      expect(await readFully(fd, odd, PAGE, PAGE)).toBe(PAGE);
      expect(Buffer.compare(odd.subarray(0, PAGE), content.subarray(PAGE, 2 * PAGE))).toBe(0);
      setDirect(fd, true);
      const even = alignedBytes(4 * PAGE);
      expect(await readFully(fd, even, 2 * PAGE, 7)).toBe(2 * PAGE);
      expect(Buffer.compare(even.subarray(0, 2 * PAGE), content.subarray(7, 2 * PAGE + 7))).toBe(0);
      closeSync(fd);
    });
  });

  it("go through the cache where the file system has none", async () => {
    const fd = openSync("/proc/version", "r");
    expect(setDirect(fd, true)).toBe(false);
    const into = alignedBytes(PAGE);
    const got = await readFully(fd, into, PAGE, 0);
    expect(Buffer.from(into.subarray(0, got)).toString()).toBe(readFileSync("/proc/version", "utf8"));
    closeSync(fd);
  });

  it("do so in a thread that waits, too, and leave direct access as it was for the next", async () => {
    for (const length of [0, 1, PAGE, PAGE + 1, 10 * PAGE + 4095, (5 << 20) + 3]) {
      for (const shift of [0, 1]) {
        for (const position of [0, PAGE, 5]) {
          await withFile(Buffer.alloc(position, 7), async (fd, path) => {
            setDirect(fd, true);
            const bytes = alignedBytes(length + shift).subarray(shift);
            bytes.set(randomBytes(length));
            writeFullySync(fd, bytes, position);
            const wanted = Buffer.concat([Buffer.alloc(position, 7), bytes]);
            expect(Buffer.compare(readFileSync(path), wanted)).toBe(0);
            const next = alignedBytes(2 * PAGE);
            next.fill(3);
            writeFullySync(fd, next, 8 << 20);
            const into = alignedBytes(roundUp(wanted.length) + PAGE);
            expect(readFullySync(fd, into, wanted.length, 0)).toBe(wanted.length);
            expect(Buffer.compare(into.subarray(0, wanted.length), wanted)).toBe(0);
            expect(readFullySync(fd, into, 2 * PAGE, (8 << 20) + PAGE)).toBe(PAGE);
            closeSync(fd);
          });
        }
      }
    }
  });

  it("tell other errors as they are", async () => {
    const fd = openSync(tempDir(), "r");
    await expect(readFully(fd, alignedBytes(PAGE), PAGE, 0)).rejects.toMatchObject({ code: "EISDIR" });
    closeSync(fd);
  });
});

describe("direct writes", () => {
  it("write every byte, whatever the length, the place and the memory", async () => {
    for (const length of [0, 1, PAGE, PAGE + 1, 10 * PAGE, 10 * PAGE + 4095, (5 << 20) + 3]) {
      for (const shift of [0, 1]) {
        for (const position of [0, PAGE, 5]) {
          await withFile(Buffer.alloc(position, 7), async (fd, path) => {
            setDirect(fd, true);
            const bytes = alignedBytes(length + shift).subarray(shift);
            bytes.set(randomBytes(length));
            await writeFully(fd, bytes, position);
            closeSync(fd);
            expect(Buffer.compare(readFileSync(path), Buffer.concat([Buffer.alloc(position, 7), bytes]))).toBe(0);
          });
        }
      }
    }
  });

  it("do so in a thread that waits, too, and leave direct access as it was for the next", async () => {
    for (const length of [0, 1, PAGE, PAGE + 1, 10 * PAGE + 4095, (5 << 20) + 3]) {
      for (const shift of [0, 1]) {
        for (const position of [0, PAGE, 5]) {
          await withFile(Buffer.alloc(position, 7), async (fd, path) => {
            setDirect(fd, true);
            const bytes = alignedBytes(length + shift).subarray(shift);
            bytes.set(randomBytes(length));
            writeFullySync(fd, bytes, position);
            const wanted = Buffer.concat([Buffer.alloc(position, 7), bytes]);
            expect(Buffer.compare(readFileSync(path), wanted)).toBe(0);
            const next = alignedBytes(2 * PAGE);
            next.fill(3);
            writeFullySync(fd, next, 8 << 20);
            const into = alignedBytes(roundUp(wanted.length) + PAGE);
            expect(readFullySync(fd, into, wanted.length, 0)).toBe(wanted.length);
            expect(Buffer.compare(into.subarray(0, wanted.length), wanted)).toBe(0);
            expect(readFullySync(fd, into, 2 * PAGE, (8 << 20) + PAGE)).toBe(PAGE);
            closeSync(fd);
          });
        }
      }
    }
  });

  it("tell other errors as they are", async () => {
    const fd = openSync("/dev/full", "w");
    setDirect(fd, true);
    await expect(writeFully(fd, alignedBytes(PAGE), 0)).rejects.toMatchObject({ code: "ENOSPC" });
    expect(() => writeFullySync(fd, alignedBytes(PAGE), 0)).toThrow(expect.objectContaining({ code: "ENOSPC" }));
    closeSync(fd);
  });
});

describe.skipIf(trouble !== null)(`the page cache${withLibc}`, () => {
  it("holds what was written through it", () => {
    withFile(new Uint8Array(0), (fd) => {
      expect(isCached(fd, 0, 1 << 20)).toBe(false);
      expect(isCached(fd, 0, 0)).toBe(false);
      writeSync(fd, randomBytes(1 << 20));
      readSync(fd, Buffer.alloc(1 << 20), 0, 1 << 20, 0);
      // A kernel before 6.5 does not tell, and then nothing counts as cached.
      expect([true, false]).toContain(isCached(fd, 0, 1 << 20));
      expect(isCached(fd, 0, 4 << 20)).toBe(false);
      closeSync(fd);
    });
  });
});
