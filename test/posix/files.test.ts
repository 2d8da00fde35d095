import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  existsSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { posixCapabilities } from "../../posix/capabilities.ts";
import { copyFileSparse, tryReflink } from "../../posix/copy.ts";
import { dataExtents } from "../../posix/holes.ts";
import { cString, libcTrouble } from "../../posix/libc.ts";
import { syncFileSystem } from "../../posix/sync.ts";
import { setMtime, toFileTime } from "../../posix/times.ts";
import { nameFromText, nameToText, readXattrs, setXattr } from "../../posix/xattrs.ts";
import { tempDir } from "../support/tmp.ts";

const MIB = 1 << 20;
const trouble = libcTrouble();
const withLibc = trouble === null ? "" : ` (skipped, libc cannot be called: ${trouble})`;
const root = process.getuid?.() === 0;

/** A file of data and holes in turn; `parts` are lengths, a negative one is a hole. */
function patchwork(path: string, parts: readonly number[]): Buffer {
  const fd = openSync(path, "wx");
  let at = 0;
  for (const part of parts) {
    if (part > 0) writeSync(fd, randomBytes(part), 0, part, at);
    at += Math.abs(part);
  }
  ftruncateSync(fd, at);
  closeSync(fd);
  return readFileSync(path);
}

describe.skipIf(trouble !== null)(`holes${withLibc}`, () => {
  it("are told from data, and the length asked for bounds them", () => {
    const path = join(tempDir(), "file");
    patchwork(path, [-4 * MIB, MIB, -3 * MIB, 5, -MIB]);
    const fd = openSync(path, "r");
    expect(dataExtents(fd, 9 * MIB + 5)).toEqual([
      { offset: 4 * MIB, length: MIB },
      { offset: 8 * MIB, length: 4096 },
    ]);
    expect(dataExtents(fd, 4 * MIB + 10)).toEqual([{ offset: 4 * MIB, length: 10 }]);
    expect(dataExtents(fd, 4 * MIB)).toEqual([]);
    expect(dataExtents(fd, 0)).toEqual([]);
    closeSync(fd);
  });

  it("outside of all extents there are only zeros", () => {
    const part = fc.oneof(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: -300_000, max: -1 }));
    const folder = tempDir();
    let made = 0;
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const path = join(folder, `file-${made++}`);
        const content = patchwork(path, parts);
        const fd = openSync(path, "r");
        const rebuilt = Buffer.alloc(content.length);
        let end = 0;
        for (const { offset, length } of dataExtents(fd, content.length)) {
          expect(offset).toBeGreaterThanOrEqual(end);
          content.copy(rebuilt, offset, offset, offset + length);
          end = offset + length;
        }
        closeSync(fd);
        expect(rebuilt.equals(content)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });
});

describe.skipIf(trouble !== null)(`times${withLibc}`, () => {
  it("are set to the nanosecond, before 1970 and after 2038, on files and on symlinks themselves", () => {
    const folder = tempDir();
    const file = join(folder, "file");
    const link = join(folder, "link");
    writeFileSync(file, "x");
    symlinkSync("file", link);
    for (const ns of [1_234_567_891_123_456_789n, 4_000_000_000_000_000_001n, -1n, 0n]) {
      setMtime(Buffer.from(link), toFileTime(ns));
      setMtime(file, toFileTime(ns + 1n));
      expect(lstatSync(link, { bigint: true }).mtimeNs).toBe(ns);
      expect(statSync(file, { bigint: true }).mtimeNs).toBe(ns + 1n);
    }
    const fd = openSync(file, "r+");
    setMtime(fd, { seconds: 7, nanoseconds: 999_999_999 });
    closeSync(fd);
    expect(statSync(file, { bigint: true }).mtimeNs).toBe(7_999_999_999n);
    expect(() => setMtime(join(folder, "none"), { seconds: 1, nanoseconds: 0 })).toThrow(/ENOENT/);
  });
});

describe.skipIf(trouble !== null)(`extended attributes${withLibc}`, () => {
  it("of any bytes come back, on names that are no UTF-8 and hold newlines", () => {
    const path = Buffer.concat([Buffer.from(`${tempDir()}/`), Buffer.from([0xff, 0x0a, 0x80])]);
    writeFileSync(path, "");
    const xattrs = [
      { name: "user.big", value: randomBytes(3000) },
      { name: "user.empty", value: Buffer.alloc(0) },
      { name: nameToText(Buffer.from([0x75, 0x73, 0x65, 0x72, 0x2e, 0xff, 0xc3])), value: Buffer.from([0, 1, 0]) },
      { name: "user.für", value: Buffer.from("é") },
    ].sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const xattr of xattrs) setXattr(path, xattr);
    expect(readXattrs(path).map(({ name, value }) => [name, Buffer.from(value)])).toEqual(
      xattrs.map(({ name, value }) => [name, value]),
    );
  });

  it("of a symlink are its own, never its target's", () => {
    const folder = tempDir();
    writeFileSync(join(folder, "file"), "");
    setXattr(join(folder, "file"), { name: "user.a", value: Buffer.from("b") });
    symlinkSync("file", join(folder, "link"));
    expect(readXattrs(join(folder, "link"))).toEqual([]);
    expect(() => readXattrs(join(folder, "none"))).toThrow(/ENOENT/);
  });
});

describe("names of attributes", () => {
  it("each have one text and come back from it", () => {
    fc.assert(
      fc.property(fc.uint8Array({ min: 1, minLength: 1, maxLength: 40 }), (bytes) => {
        expect(nameFromText(nameToText(bytes))).toEqual(Buffer.from(bytes));
      }),
    );
    const lookalike = Buffer.from("\uefff");
    expect(nameToText(lookalike)).not.toBe(nameToText(Buffer.from([0xff])));
    expect(nameFromText(nameToText(lookalike))).toEqual(lookalike);
    expect(nameToText(Buffer.from("user.für"))).toBe("user.für");
  });
});

describe("a copy", () => {
  it.skipIf(trouble !== null)(`has the content, mode, mtime, attributes and holes of its source${withLibc}`, () => {
    const folder = tempDir();
    const [from, to] = [join(folder, "from"), join(folder, "to")];
    const content = patchwork(from, [-8 * MIB, 5000, -8 * MIB, 17]);
    setXattr(from, { name: "user.a", value: Buffer.from("b") });
    chmodSync(from, 0o440);
    setMtime(from, { seconds: 1_000_000_000, nanoseconds: 123_456_789 });
    const { copied, reflinked } = copyFileSparse(Buffer.from(from), Buffer.from(to));
    expect(readFileSync(to).equals(content)).toBe(true);
    const info = lstatSync(to, { bigint: true });
    expect([info.mode & 0o7777n, info.mtimeNs]).toEqual([0o440n, 1_000_000_000_123_456_789n]);
    expect(readXattrs(to)).toEqual(readXattrs(from));
    expect(Number(info.blocks) * 512).toBeLessThan(MIB);
    if (!reflinked) expect(copied).toBeLessThan(100_000);
  });

  it("neither follows a symlink nor overwrites, and leaves nothing where it fails", () => {
    const folder = tempDir();
    writeFileSync(join(folder, "file"), "x");
    writeFileSync(join(folder, "there"), "y");
    symlinkSync("file", join(folder, "link"));
    expect(() => copyFileSparse(join(folder, "link"), join(folder, "to"))).toThrow(/ELOOP/);
    expect(() => copyFileSparse(join(folder, "file"), join(folder, "there"))).toThrow(/EEXIST/);
    expect(readFileSync(join(folder, "there"), "latin1")).toBe("y");
    expect(() => copyFileSparse(join(folder, "none"), join(folder, "to"))).toThrow(/ENOENT/);
    expect(existsSync(join(folder, "to"))).toBe(false);
    expect(readlinkSync(join(folder, "link"))).toBe("file");
  });

  it("that cannot be a reflink is told so, with nothing left", () => {
    const folder = tempDir();
    writeFileSync(join(folder, "file"), "x");
    const done = tryReflink(join(folder, "file"), join(folder, "to"));
    expect(existsSync(join(folder, "to"))).toBe(done);
  });

  it.skipIf(!root)(
    `onto a full file system is refused with ENOSPC and leaves nothing${root ? "" : " (needs root)"}`,
    () => {
      const folder = tempDir();
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "none", folder]);
      try {
        const from = join(tempDir(), "from");
        writeFileSync(from, randomBytes(200_000));
        expect(() => copyFileSparse(from, join(folder, "to"))).toThrow(/ENOSPC/);
        expect(existsSync(join(folder, "to"))).toBe(false);
      } finally {
        execFileSync("umount", ["--lazy", folder]);
      }
    },
  );
});

describe("libc", () => {
  it("takes no name with a NUL in it", () => {
    expect(() => cString(Buffer.from([0x61, 0, 0x62]))).toThrow(/NUL/);
  });

  it("syncs a file system", () => {
    const fd = openSync(tempDir(), "r");
    expect(() => syncFileSystem(fd)).not.toThrow();
    closeSync(fd);
    expect(() => syncFileSystem(fd + 1000)).toThrow();
  });

  it("is there for worker threads too", async () => {
    const script = `
      import { parentPort } from "node:worker_threads";
      import { readXattrs } from "${new URL("../../posix/xattrs.ts", import.meta.url)}";
      import { libcTrouble } from "${new URL("../../posix/libc.ts", import.meta.url)}";
      readXattrs("/");
      parentPort.postMessage(libcTrouble());`;
    const url = new URL(`data:text/javascript,${encodeURIComponent(script)}`);
    const answers = await Promise.all(
      [1, 2].map(
        () =>
          new Promise((resolve, reject) => {
            const worker = new Worker(url);
            worker.once("message", resolve);
            worker.once("error", reject);
          }),
      ),
    );
    expect(answers).toEqual([trouble, trouble]);
  });

  it("where it cannot be loaded, everything still works with what Node has, and the loss is told", () => {
    const folder = tempDir();
    writeFileSync(join(folder, "file"), "content");
    const at = (name: string) => JSON.stringify(new URL(`../../posix/${name}.ts`, import.meta.url).href);
    const script = `
      const { posixCapabilities } = await import(${at("capabilities")});
      const { dataExtents } = await import(${at("holes")});
      const { readXattrs, setXattr } = await import(${at("xattrs")});
      const { setMtime } = await import(${at("times")});
      const { syncFileSystem } = await import(${at("sync")});
      const { copyFileSparse } = await import(${at("copy")});
      const { openSync, readFileSync, statSync } = await import("node:fs");
      const file = ${JSON.stringify(join(folder, "file"))};
      const fd = openSync(file, "r+");
      setMtime(fd, { seconds: 1000, nanoseconds: 500000000 });
      let refused = "";
      try { setXattr(file, { name: "user.a", value: Buffer.from("b") }); } catch (error) { refused = error.code; }
      syncFileSystem(fd);
      copyFileSparse(file, file + ".copy");
      console.log(JSON.stringify({
        extents: dataExtents(fd, 7), xattrs: readXattrs(file), mtime: statSync(file + ".copy").mtimeMs, refused,
        copy: readFileSync(file + ".copy", "latin1"),
        capabilities: posixCapabilities(),
      }));`;
    const out = execFileSync(process.execPath, ["--no-addons", "--input-type=module", "--eval", script]);
    const answer = JSON.parse(out.toString()) as Record<string, unknown>;
    expect(answer).toMatchObject({
      extents: [{ offset: 0, length: 7 }],
      xattrs: [],
      mtime: 1_000_500,
      refused: "ENOTSUP",
      copy: "content",
    });
    const told = answer.capabilities as ReturnType<typeof posixCapabilities>;
    expect(told.map((c) => c.available)).toEqual([false, false, false, false]);
    expect(told[1]?.detail).toMatch(/^attributes and ACLs are neither kept nor restored \(.+\)$/);
    expect(posixCapabilities().every((c) => c.available)).toBe(trouble === null);
  });
});
