import { lstatSync, mkdirSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isFile, isFolder, isSymlink, lookAt, lookBelow } from "../../posix/stat.ts";
import { readXattrs, readXattrsBelow, setXattr } from "../../posix/xattrs.ts";
import { tempDir } from "../support/tmp.ts";

const latin1 = (path: string) => Buffer.from(path).toString("latin1");

describe("a look at a path", () => {
  it("says what lstat says, of files, folders and links, whatever bytes their names are", () => {
    const dir = tempDir();
    const odd = Buffer.concat([Buffer.from(`${dir}/`), Buffer.from([0xff, 0x20, 0xc3, 0xa9])]);
    writeFileSync(odd, "odd");
    writeFileSync(join(dir, "old"), "old");
    utimesSync(join(dir, "old"), -1.5, -1.5);
    writeFileSync(join(dir, "sparse"), "");
    truncateSync(join(dir, "sparse"), 5 * 2 ** 32 + 1);
    mkdirSync(join(dir, "folder"));
    symlinkSync("nowhere", join(dir, "link"));
    const names = [...["old", "sparse", "folder", "link"].map((name) => Buffer.from(join(dir, name))), odd];
    for (const path of [...names, Buffer.from("/dev/null"), Buffer.from("/proc/self"), Buffer.from("/")]) {
      const { dev, ino, mode, nlink, uid, gid, size, blocks, mtimeNs, ctimeNs } = lstatSync(path, { bigint: true });
      const numbers = [mode, nlink, uid, gid, size, blocks].map(Number);
      const found = lookAt(path.toString("latin1"));
      const told = found && [found.mode, found.nlink, found.uid, found.gid, found.size, found.blocks];
      expect([found?.dev, found?.ino, told, found?.mtimeNs, found?.ctimeNs]).toEqual([
        dev,
        ino,
        numbers,
        mtimeNs,
        ctimeNs,
      ]);
    }
    const kinds = names.map((path) => {
      const info = lookAt(path.toString("latin1"));
      return info === null ? null : [isFile(info), isFolder(info), isSymlink(info)].indexOf(true);
    });
    expect(kinds).toEqual([0, 0, 1, 2, 0]);
  });

  it("tells the names of one folder apart, and of the next", () => {
    const dir = tempDir();
    for (const [at, size] of [
      ["a/long name", 1],
      ["a/x", 2],
      ["b/x", 3],
    ] as const) {
      mkdirSync(join(dir, at, ".."), { recursive: true });
      writeFileSync(join(dir, at), "x".repeat(size));
    }
    const [a, b] = [latin1(join(dir, "a")), latin1(join(dir, "b"))];
    expect([lookBelow(a, "long name"), lookBelow(a, "x"), lookBelow(b, "x")].map((i) => i?.size)).toEqual([1, 2, 3]);
  });

  it("is null where nothing is, and else the system's error", () => {
    const dir = tempDir();
    writeFileSync(join(dir, "file"), "");
    expect(lookBelow(latin1(dir), "none")).toBeNull();
    expect(lookBelow(latin1(join(dir, "file")), "below")).toBeNull();
    expect(() => lookBelow(latin1(dir), "n".repeat(300))).toThrow(/ENAMETOOLONG/);
    expect(() => lookBelow(latin1(dir), "n".repeat(9000))).toThrow(/ENAMETOOLONG/);
    expect(() => lookBelow(latin1(dir), "file\0more")).toThrow();
  });

  it("reads the attributes of a name as of its path", () => {
    const dir = tempDir();
    writeFileSync(join(dir, "file"), "");
    expect(readXattrsBelow(latin1(dir), "file")).toEqual(readXattrs(join(dir, "file")));
    for (const name of [
      "user.b",
      `user.${"long".repeat(60)}`,
      `user.${"more".repeat(60)}`,
      `user.${"most".repeat(60)}`,
    ])
      setXattr(join(dir, "file"), { name, value: Buffer.from(name) });
    expect(readXattrsBelow(latin1(dir), "file")).toEqual(readXattrs(join(dir, "file")));
    expect(readXattrsBelow(latin1(dir), "file")).toHaveLength(4);
    expect(() => readXattrsBelow(latin1(dir), "none")).toThrow(/ENOENT/);
  });
});
