import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import { makeLevelDb, makeNodeData, randomBytes, transaction } from "../data.ts";

const MIB = 1 << 20;
const WAL = "wal/0000000000000000.wal";
const FILES_A_FOLDER = 1000;

/** A node's data of about `bytes` (see data.ts), and a preallocated log of up to 64 MiB of which a sixteenth is written. */
export async function makeFirstDay(folder: string, bytes: number): Promise<void> {
  await makeNodeData(folder, bytes);
  mkdirSync(join(folder, "wal"));
  mkdirSync(join(folder, "empty"));
  const log = openSync(join(folder, WAL), "w");
  const size = Math.min(64, Math.ceil(bytes / 16 / MIB));
  for (let at = 0; at < size; at += 1) writeSync(log, at < size / 16 ? random("wal", MIB) : Buffer.alloc(MIB));
  closeSync(log);
  symlinkSync("0000000000000000.wal", join(folder, "wal", "current"));
}

/**
 * What a day changes in place, as nodes do: 3 % of the tables new and 2 % gone, the last block file longer by 1 % of the
 * tables, one small file in fifty rewritten and one in twenty touched, a MiB written into the log.
 */
export async function makeSecondDay(folder: string): Promise<void> {
  const tables = list(join(folder, "state"), /\.ldb$/);
  const bytes = tables.reduce((sum, path) => sum + statSync(path).size, 0);
  await addTables(join(folder, "state"), bytes * 0.03);
  let gone = 0;
  for (const path of tables.reverse()) {
    const { size } = statSync(path);
    if (gone + size > bytes * 0.02) continue;
    gone += size;
    rmSync(path);
  }
  const blocks = list(join(folder, "blocks"), /^blockfile_/).at(-1) ?? "";
  const source = randomBytes("second day");
  for (let more = Math.max(MIB, bytes / 100); more > 0; ) {
    const piece = Buffer.concat(Array.from({ length: 1000 }, () => transaction(source)));
    appendFileSync(blocks, piece);
    more -= piece.length;
  }
  for (const [n, path] of list(join(folder, "objects"), /\.obj$/).entries()) {
    if (n % 50 === 7) writeFileSync(path, random(path, statSync(path).size));
    else if (n % 20 === 3) utimesSync(path, 1_800_000_000, 1_800_000_000);
  }
  const log = openSync(join(folder, WAL), "r+");
  writeSync(log, random("wal, second day", MIB), 0, MIB, Math.floor(statSync(join(folder, WAL)).size / 16));
  closeSync(log);
}

/** That many files of 4 KiB, a thousand a folder, half of each does not compress. */
export function makeSmallFiles(folder: string, count: number): void {
  const noise = randomBytes("small files");
  for (let n = 0; n < count; n += 1) {
    const inside = join(folder, String(Math.floor(n / FILES_A_FOLDER)).padStart(4, "0"));
    if (n % FILES_A_FOLDER === 0) mkdirSync(inside, { recursive: true });
    writeFileSync(join(inside, `${n}.obj`), Buffer.concat([noise(2048), Buffer.alloc(2048, `file ${n} `)]));
  }
}

/** Tables of a database of their own, under numbers that are still free. */
async function addTables(state: string, bytes: number): Promise<void> {
  const scratch = `${state}.new`;
  await makeLevelDb(scratch, bytes, 2);
  const again = new ClassicLevel(scratch);
  await again.open();
  await again.close();
  let number = Math.max(...readdirSync(state).map((name) => Number.parseInt(name.replace("MANIFEST-", ""), 10) || 0));
  for (const path of list(scratch, /\.ldb$/)) {
    number += 1;
    renameSync(path, join(state, `${String(number).padStart(6, "0")}.ldb`));
  }
  rmSync(scratch, { recursive: true });
}

/** Paths of the files whose name is like that, below a folder, in order. */
function list(folder: string, name: RegExp): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && name.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function random(seed: string, length: number): Buffer {
  return Buffer.from(randomBytes(seed)(length));
}
