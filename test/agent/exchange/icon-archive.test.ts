import { statfsSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { createGzip, gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import {
  iconArchiveLine,
  isInIconArchive,
  readIconArchive,
  type TarItem,
  tarBytes,
  withBackupLine,
} from "../../../agent/exchange/index.ts";
import { tempDir } from "../../support/tmp.ts";
import { canMount, mountTmpfs, WITH_MOUNTS } from "../../support/tmpfs.ts";

const line = (day: string, time = "0000", height = 1) => `${day}/PRep_BH${height}_data-${day}_${time}.tar.gz`;

it("a backup_list has the newest first and each once, and loses no line", () => {
  const list = `${line("20260102")}\n${line("20260101", "1200")}\n# by hand\n${line("20260101")}\n`;
  const newest = iconArchiveLine("PRep_BH9_data-20260103_0430.tar.gz");
  expect(newest).toBe(line("20260103", "0430", 9));
  expect(withBackupLine(list, newest).split("\n")).toEqual([
    newest,
    line("20260102"),
    line("20260101", "1200"),
    line("20260101"),
    "# by hand",
    "",
  ]);
  // An older one that is exported later does not come first: the guide restores the first.
  expect(withBackupLine(list, line("20260101", "0600")).split("\n")[2]).toBe(line("20260101", "0600"));
  expect(withBackupLine(withBackupLine(list, newest), newest)).toBe(withBackupLine(list, newest));
  expect(withBackupLine("", newest)).toBe(`${newest}\n`);
});

it("an archive holds .score_data and .storage and nothing that only looks like them", () => {
  const paths = [".score_data", ".storage/a/b", ".storages", "x/.storage", ".score_data2/a", "cert/key.pem"];
  expect(paths.filter(isInIconArchive)).toEqual([".score_data", ".storage/a/b"]);
});

/** One file of `size` zeros, which gzip makes a thousandth of. */
async function* zeros(size: number): AsyncGenerator<TarItem> {
  const about = { mode: 0o640, uid: 0, gid: 0, mtime: 0 } as const;
  yield { entry: { ...about, path: Buffer.from(".storage"), type: "directory", size: 0 } };
  yield { entry: { ...about, path: Buffer.from(".storage/x"), type: "file", size } };
  const block = Buffer.alloc(1 << 20);
  for (let left = size; left > 0; left -= block.length)
    yield { bytes: block.subarray(0, Math.min(left, block.length)) };
}

async function unpack(folder: string, bytes: AsyncIterable<Uint8Array>) {
  await readIconArchive("a.tar.gz", bytes, folder, AbortSignal.timeout(60_000));
}

it.skipIf(!canMount)(`an archive that expands without end does not fill the disk ${WITH_MOUNTS}`, async () => {
  const disk = tempDir("coldkeep-bomb");
  mountTmpfs(disk, "200M");
  const bomb = Readable.from(tarBytes(zeros(1_000_000_000))).pipe(createGzip({ level: 1 }));
  await expect(unpack(join(disk, "a"), bomb)).rejects.toMatchObject({ kind: "no-space" });
  const { bavail, bsize } = statfsSync(disk);
  expect(bavail * bsize).toBeGreaterThan(0);
});

it("an archive whose checksum is wrong, or that ends too early, is damaged", async () => {
  const all: Uint8Array[] = [];
  for await (const bytes of tarBytes(zeros(5000))) all.push(bytes);
  const zipped = gzipSync(Buffer.concat(all));
  const wrong = Uint8Array.from(zipped);
  wrong[zipped.length - 6] = (wrong[zipped.length - 6] ?? 0) ^ 1;
  for (const bytes of [wrong, zipped.subarray(0, zipped.length - 9), Buffer.from("no gzip at all")]) {
    await expect(unpack(join(tempDir(), "a"), Readable.from([bytes]))).rejects.toMatchObject({ kind: "integrity" });
  }
  await expect(unpack(join(tempDir(), "a"), Readable.from([zipped]))).resolves.toBeUndefined();
});
