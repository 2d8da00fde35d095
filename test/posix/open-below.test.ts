import { closeSync, constants, mkdirSync, openSync, readFileSync, readlinkSync, symlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openBelow } from "../../posix/open-below.ts";
import { tempDir } from "../support/tmp.ts";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR, O_DIRECTORY } = constants;
const MAKE = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW;

/** A folder by a descriptor, and by its path. */
function bases(dir: string): { base: string; close: () => void }[] {
  const folder = openSync(dir, O_DIRECTORY);
  return [
    { base: `/proc/self/fd/${folder}`, close: () => closeSync(folder) },
    { base: dir, close: () => {} },
  ];
}

describe("opening below a folder", () => {
  it("makes and finds files by any name, from a descriptor and from a path", () => {
    const dir = tempDir();
    const name = Buffer.concat([Buffer.from("in/"), Buffer.from([0xff, 0x20, 0xe4]), Buffer.from("x")]);
    mkdirSync(join(dir, "in"));
    for (const [n, { base, close }] of bases(dir).entries()) {
      const path = `${name.toString("latin1")}${n}`;
      const fd = openBelow(base, path, MAKE, 0o640);
      writeSync(fd, `${n}`);
      expect(readlinkSync(`/proc/self/fd/${fd}`, "latin1")).toBe(`${dir}/${path}`);
      closeSync(fd);
      expect(readFileSync(Buffer.from(`${dir}/${path}`, "latin1"), "utf8")).toBe(`${n}`);
      expect(() => openBelow(base, path, MAKE, 0o640)).toThrow(expect.objectContaining({ code: "EEXIST" }));
      expect(() => openBelow(base, "gone/x", MAKE, 0o640)).toThrow(expect.objectContaining({ code: "ENOENT" }));
      close();
    }
  });

  it("follows no symlink, and no child process inherits what it opened", () => {
    const dir = tempDir();
    mkdirSync(join(dir, "in"));
    symlinkSync("/etc/passwd", join(dir, "in/link"));
    for (const { base, close } of bases(dir)) {
      expect(() => openBelow(base, "in/link", O_RDWR | O_NOFOLLOW, 0)).toThrow(
        expect.objectContaining({ code: "ELOOP" }),
      );
      const fd = openBelow(base, `in/${base.length}`, MAKE, 0o600);
      const flags = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1] ?? "0";
      expect(Number.parseInt(flags, 8) & 0o2000000).not.toBe(0);
      closeSync(fd);
      close();
    }
  });
});
