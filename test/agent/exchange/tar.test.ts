import { execFileSync } from "node:child_process";
import { lstatSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { type TarItem, tarBytes } from "../../../agent/exchange/index.ts";
import { tempDir } from "../../support/tmp.ts";

type Entry = Extract<TarItem, { entry: unknown }>["entry"];

const entry = (path: string, more: Partial<Entry> = {}): TarItem => ({
  entry: {
    ...{ path: Buffer.from(path, "latin1"), type: "file", mode: 0o640, uid: 0, gid: 0, mtime: 1_700_000_000, size: 0 },
    ...more,
  },
});

async function* of(items: readonly TarItem[]) {
  yield* items;
}

async function pack(items: readonly TarItem[]): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const bytes of tarBytes(of(items))) all.push(bytes);
  return Buffer.concat(all);
}

it("what tar unpacks is what went in: long names and targets, odd bytes, links, sizes on the edge of a block", async () => {
  const folder = "f".repeat(90);
  const long = `${folder}/${"n".repeat(200)}`;
  const sized = (path: string, size: number): TarItem[] => [
    entry(path, { size }),
    ...(size > 1 ? [{ bytes: Buffer.alloc(1, "a") }] : []),
    ...(size > 0 ? [{ bytes: Buffer.alloc(size - (size > 1 ? 1 : 0), "b") }] : []),
  ];
  const archive = await pack([
    entry(folder, { type: "directory", mode: 0o750 }),
    ...[0, 1, 511, 512, 513, 70_000].flatMap((size) => sized(`${folder}/${size}`, size)),
    ...sized(long, 7),
    entry(`${folder}/hard`, { type: "hardlink", target: Buffer.from(long) }),
    entry(`${folder}/soft`, { type: "symlink", target: Buffer.from("t".repeat(150)) }),
    ...sized("odd \u00e9\u00ff", 3),
  ]);
  const to = tempDir("tar");
  writeFileSync(join(to, "x.tar"), archive);
  execFileSync("tar", ["-xf", "x.tar"], { cwd: to });
  expect(archive.length % 512).toBe(0);
  const read = (path: string) => readFileSync(join(to, path), "latin1");
  for (const size of [0, 1, 511, 512, 513, 70_000]) expect(read(`${folder}/${size}`)).toHaveLength(size);
  expect(read(`${folder}/513`)).toBe(`a${"b".repeat(512)}`);
  expect(read(long)).toBe("abbbbbb");
  expect(lstatSync(join(to, folder, "hard")).ino).toBe(lstatSync(join(to, long)).ino);
  expect(readlinkSync(join(to, folder, "soft"))).toBe("t".repeat(150));
  expect(readdirSync(to, { encoding: "latin1" })).toContain("odd \u00e9\u00ff");
  const { mode, mtimeMs } = lstatSync(join(to, folder, "1"));
  expect([mode & 0o777, mtimeMs]).toEqual([0o640, 1_700_000_000_000]);
  expect(lstatSync(join(to, folder)).mode & 0o777).toBe(0o750);
});

it("a size above 8 GiB is told by a header of its own, as tar reads it", async () => {
  const size = 2 ** 33 + 5;
  // Only the headers are looked at: the bytes never come, which is told as a defect.
  const seen: Uint8Array[] = [];
  const reading = async () => {
    for await (const bytes of tarBytes(of([entry("huge", { size, uid: 3_000_000 })]))) seen.push(bytes);
  };
  await expect(reading()).rejects.toThrow(/another length than was said/);
  const to = tempDir("tar");
  writeFileSync(join(to, "x.tar"), Buffer.concat(seen));
  const listed = execFileSync("sh", ["-c", "tar --numeric-owner -tvf x.tar 2>/dev/null; true"], {
    cwd: to,
    encoding: "utf8",
  });
  expect(listed).toMatch(/3000000\/0 +8589934597 .* huge/);
});

it("a file that is longer than was said is a defect", async () => {
  await expect(pack([entry("a", { size: 1 }), { bytes: Buffer.from("ab") }])).rejects.toThrow(/another length/);
  await expect(pack([entry("a", { size: 3 }), { bytes: Buffer.from("ab") }, entry("b")])).rejects.toThrow(
    /another length/,
  );
});
