import { execFileSync } from "node:child_process";
import { chmodSync, linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { TarGuard } from "../../../agent/exchange/tar-guard.ts";
import { tempDir } from "../../support/tmp.ts";

const END = Buffer.alloc(1024);

/** All that may be unpacked, the archive coming in pieces of these sizes. */
function letThrough(archive: Uint8Array, piece: (nth: number) => number = () => archive.length): Buffer {
  const guard = new TarGuard("a.tar", (path) => {
    if (path.startsWith("no")) throw new Error("not admitted");
  });
  const out: Uint8Array[] = [];
  for (let at = 0, nth = 0; at < archive.length; nth += 1) {
    const bytes = archive.subarray(at, at + Math.max(1, piece(nth)));
    out.push(Buffer.from(guard.let(bytes)));
    at += bytes.length;
  }
  guard.end();
  return Buffer.concat(out);
}

interface Header {
  readonly path: string;
  readonly type?: string;
  readonly size?: number;
  readonly target?: string;
  readonly prefix?: string;
  readonly sum?: number;
  readonly numbers?: string;
}

function header({ path, type = "0", size = 0, target = "", prefix = "", sum = 0, numbers }: Header): Buffer {
  const block = Buffer.alloc(512);
  block.write(path, 0, "latin1");
  block.write("0000644\0", 100);
  block.write(numbers ?? `${size.toString(8).padStart(11, "0")}\0`, 124, "latin1");
  block.write("        ", 148);
  block.write(type, 156, "latin1");
  block.write(target, 157, "latin1");
  block.write("ustar\u000000", 257, "latin1");
  block.write(prefix, 345, "latin1");
  const all = block.reduce((of, byte) => of + byte, sum);
  block.write(`${all.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

const body = (text: string) => Buffer.concat([Buffer.from(text), Buffer.alloc((512 - (text.length % 512)) % 512)]);
const pax = (text: string, type = "x") => [header({ path: "pax", type, size: text.length }), body(text)];
const record = (rest: string) => {
  const length = rest.length + 1;
  const whole = length + String(length).length;
  return `${length + String(whole).length} ${rest}`;
};

const archive = (...blocks: readonly (Uint8Array | readonly Uint8Array[])[]) => Buffer.concat([...blocks.flat(), END]);

/** A folder with what a P-Rep's may hold: long names, links, files that are empty and large. */
function tree(): string {
  const home = tempDir();
  const deep = join(home, ".storage", ..."abcdefgh".split("").map((letter) => letter.repeat(40)));
  mkdirSync(deep, { recursive: true });
  writeFileSync(join(deep, `${"long".repeat(40)}.ldb`), Buffer.alloc(70_000, 7));
  writeFileSync(join(home, ".storage/empty"), "");
  writeFileSync(join(home, ".storage/blöcke"), "x");
  linkSync(join(home, ".storage/empty"), join(home, ".storage/hard"));
  symlinkSync("/srv/elsewhere", join(home, ".storage/soft"));
  symlinkSync(`${"t".repeat(150)}/x`, join(home, ".storage/far"));
  chmodSync(join(home, ".storage/empty"), 0o600);
  return home;
}

describe("an archive that is unpacked", () => {
  let home = "";
  beforeEach(() => {
    home = tree();
  });
  const made = (format: string, names: readonly string[] = [".storage"]) =>
    execFileSync("tar", ["--create", `--format=${format}`, "-C", home, ...names], { maxBuffer: 1 << 26 });

  it.each(["gnu", "posix", "ustar", "oldgnu"])("passes as GNU tar makes it: %s", (format) => {
    // What ustar has no room for.
    if (format === "ustar")
      for (const name of ["far", "a".repeat(40)]) rmSync(join(home, ".storage", name), { recursive: true });
    const bytes = made(format);
    const passed = letThrough(bytes);
    expect(bytes.subarray(0, passed.length - END.length).equals(passed.subarray(0, -END.length))).toBe(true);
    const names = (of: Buffer) => execFileSync("tar", ["--list", "--verbose"], { input: of }).toString();
    expect(names(passed)).toBe(names(bytes));
    expect(letThrough(made(format, ["."])).length).toBeGreaterThan(0);
  });

  it("is read the same in whatever pieces it comes", () => {
    const bytes = made("posix");
    const whole = letThrough(bytes);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 40 }), (sizes) => {
        const passed = letThrough(bytes, (nth) => sizes[nth % sizes.length] ?? 1);
        expect(passed.equals(whole)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });
});

describe("an archive is refused", () => {
  it.each<[string, readonly Uint8Array[], RegExp]>([
    ["above the folder", [header({ path: "a/../../b" })], /holds what it must not.*a\/\.\.\/\.\.\/b/],
    ["at the root", [header({ path: "/etc/passwd" })], /\/etc\/passwd/],
    ["above it by the field for long names", [header({ path: "b", prefix: "../a" })], /\.\.\/a\/b/],
    ["above it by a pax header", [...pax(record("path=../x\n")), header({ path: "a" })], /\.\.\/x/],
    [
      "above it by GNU's long name",
      [header({ path: "l", type: "L", size: 5 }), body("../x\0"), header({ path: "a" })],
      /\.\.\/x/,
    ],
    [
      "behind a link",
      [header({ path: "l", type: "2", target: ".." }), header({ path: "l/x" })],
      /behind a symbolic link/,
    ],
    [
      "in a link's place",
      [header({ path: "l", type: "2", target: ".." }), header({ path: "l" })],
      /behind a symbolic link/,
    ],
    ["a hard link to what is outside", [header({ path: "l", type: "1", target: "../kept" })], /\.\.\/kept/],
    [
      "a hard link behind a link",
      [header({ path: "l", type: "2", target: "/" }), header({ path: "h", type: "1", target: "l/x" })],
      /behind/,
    ],
    ["a hard link to nothing", [header({ path: "l", type: "1", target: "./" })], /link to nothing/],
    ["a device", [header({ path: "d", type: "3" })], /neither file, folder nor link/],
    ["a pipe", [header({ path: "d", type: "6" })], /neither file, folder nor link/],
    ["GNU's sparse file", [header({ path: "d", type: "S" })], /neither file, folder nor link/],
    ["a sparse file by pax", [...pax(record("GNU.sparse.name=x\n")), header({ path: "a" })], /GNU\.sparse/],
    ["a name for all", [...pax(record("path=x\n"), "g"), header({ path: "a" })], /all that follows/],
    ["two names for one", [...pax(record("path=x\n") + record("path=y\n")), header({ path: "a" })], /told twice/],
    ["a pax header without an end", [...pax("99 path=x\n"), header({ path: "a" })], /pax header cannot be read/],
    ["a folder with bytes", [header({ path: "d/", size: 5 }), body("abcde")], /folder of 5 bytes/],
    ["a link with bytes", [header({ path: "l", type: "2", target: "x", size: 5 }), body("abcde")], /no file and has 5/],
    ["names without end", [header({ path: "l", type: "L", size: 1e9 })], /followed by 1000000000 bytes/],
    ["a wrong checksum", [header({ path: "a", sum: 1 })], /checksum/],
    ["a number that is none", [header({ path: "a", numbers: "-0000000001\0" })], /number in a header/],
    [
      "a number below zero",
      [header({ path: "a", numbers: "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" })],
      /number in a header/,
    ],
    ["a NUL in a name", [...pax(record("path=a\0b\n")), header({ path: "a" })], /holds what it must not/],
    ["an entry without a name", [header({ path: "" })], /without a name/],
  ])("that has %s", (_, blocks, why) => {
    expect(() => letThrough(archive(blocks))).toThrow(why);
  });

  it("where it is cut off, be it between two entries", () => {
    const whole = Buffer.concat([header({ path: "a", size: 5 }), body("abcde"), header({ path: "b" })]);
    for (const length of [0, 100, 512, 600, 1024, whole.length]) {
      expect(() => letThrough(whole.subarray(0, length))).toThrow(/cut off/);
    }
    expect(letThrough(archive(whole)).length).toBe(whole.length + END.length);
  });

  it("before anything after its end is seen by anybody", () => {
    const bytes = Buffer.concat([header({ path: "a" }), Buffer.alloc(512), header({ path: "../x" }), END]);
    expect(letThrough(bytes).equals(Buffer.concat([header({ path: "a" }), END]))).toBe(true);
  });

  it("by whoever says what may be in it", () => {
    expect(() => letThrough(archive(header({ path: "no/x" })))).toThrow("not admitted");
    expect(() => letThrough(archive(header({ path: "l", type: "1", target: "no/x" })))).toThrow("not admitted");
  });
});
