import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { folderOf, fsyncFolder, readBounded, writeFileDurable } from "../../posix/durable.ts";
import { showPath } from "../../posix/system-error.ts";
import { isColdkeepError } from "../../vault/names/index.ts";
import { tempDir } from "../support/tmp.ts";

const isRoot = process.getuid?.() === 0;
const kind = (name: Parameters<typeof isColdkeepError>[1]) =>
  expect.toSatisfy((e: unknown) => isColdkeepError(e, name));

describe("a durable file", () => {
  it("is new or old as a whole, with the mode asked for whatever the umask is", () => {
    const path = join(tempDir(), "state.json");
    const before = process.umask(0o777);
    try {
      writeFileDurable(path, Buffer.from("one"), 0o640);
    } finally {
      process.umask(before);
    }
    expect(statSync(path).mode & 0o7777).toBe(0o640);
    writeFileDurable(path, Buffer.from("two"));
    expect(readFileSync(path, "utf8")).toBe("two");
    expect(statSync(path).mode & 0o7777).toBe(0o600);
  });

  it("may have any bytes as its name", () => {
    const folder = tempDir();
    const path = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0x0a, 0xfe])]);
    writeFileDurable(path, Buffer.from("x"));
    expect(readBounded(path, 10)?.toString()).toBe("x");
    expect(readdirSync(folder, "buffer")).toEqual([Buffer.from([0xff, 0x0a, 0xfe])]);
  });

  it("that cannot be put leaves nothing, and says why", () => {
    const folder = tempDir();
    mkdirSync(join(folder, "taken"));
    expect(() => writeFileDurable(join(folder, "taken"), Buffer.from("x"))).toThrow(/cannot write a file: .*taken/);
    expect(() => writeFileDurable(join(folder, "no", "such"), Buffer.from("x"))).toThrow(kind("internal"));
    expect(readdirSync(folder)).toEqual(["taken"]);
  });

  it.skipIf(isRoot)(
    "in a folder one may not write to is a matter of permission (needs a user that is not root)",
    () => {
      const folder = tempDir();
      chmodSync(folder, 0o500);
      expect(() => writeFileDurable(join(folder, "x"), Buffer.from("x"))).toThrow(kind("permission"));
      chmodSync(folder, 0o700);
    },
  );

  it.skipIf(!isRoot)("on a full disk is a matter of space and leaves the old one (needs root)", () => {
    const folder = tempDir();
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "none", folder]);
    try {
      const path = join(folder, "state.json");
      writeFileDurable(path, Buffer.from("old"));
      expect(() => writeFileDurable(path, Buffer.alloc(200_000))).toThrow(kind("no-space"));
      expect(readFileSync(path, "utf8")).toBe("old");
      expect(readdirSync(folder)).toEqual(["state.json"]);
    } finally {
      execFileSync("umount", [folder]);
    }
  });
});

describe("a bounded read", () => {
  it("is whole, null or an error; never cut", () => {
    const path = join(tempDir(), "x");
    expect(readBounded(path, 10)).toBeNull();
    for (const size of [0, 1, 10]) {
      writeFileSync(path, Buffer.alloc(size, 1));
      expect(readBounded(path, 10)).toEqual(Buffer.alloc(size, 1));
    }
    writeFileSync(path, Buffer.alloc(11));
    expect(() => readBounded(path, 10)).toThrow(kind("integrity"));
    writeFileSync(path, Buffer.alloc(300_000, 2));
    expect(readBounded(path, 1 << 20)?.length).toBe(300_000);
  });

  it("reads files of /proc, whose size is told as 0, within the same bounds", () => {
    expect(readBounded("/proc/self/stat", 4096)?.toString()).toContain(String(process.pid));
    expect(() => readBounded("/proc/self/stat", 5)).toThrow(kind("integrity"));
  });

  it("follows no symlink, reads no folder, waits for no FIFO", () => {
    const folder = tempDir();
    symlinkSync("/etc/passwd", join(folder, "link"));
    execFileSync("mkfifo", [join(folder, "fifo")]);
    expect(() => readBounded(join(folder, "link"), 1 << 20)).toThrow(/cannot read a file/);
    expect(() => readBounded(folder, 1 << 20)).toThrow(kind("integrity"));
    expect(() => readBounded(join(folder, "fifo"), 1 << 20)).toThrow(kind("integrity"));
  });
});

describe("paths", () => {
  it("know their folder", () => {
    expect(["/a/b", "/a", "a", "a/b"].map((path) => String(folderOf(path)))).toEqual(["/a", "/", ".", "a"]);
    fsyncFolder(tempDir());
    expect(() => fsyncFolder("/proc/self/stat")).toThrow(/ENOTDIR/);
  });

  it("never carry control characters to a terminal", () => {
    expect(showPath(Buffer.from("a\u001b[2Jb\n\u009bc"))).toBe("a\\x1b[2Jb\\x0a\\x9bc");
  });
});
