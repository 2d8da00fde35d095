/**
 * A node of a terabyte, most of which are holes: `node bench/terabyte.ts [GiB] [files]`, 1,024 GiB in 4,096 files by default,
 * half of them tables that never change and half that may be written anywhere, each with one piece of data. Prints, of
 * whole commands, seconds, the processor's seconds, the peak, and what coldkeep added to the outage. What a terabyte of data
 * takes to read and store is not measured by it; what grows with a file's length and the number of files is. Wants `npm run build`; BENCH_DIR says
 * where.
 */
import { execFileSync } from "node:child_process";
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomBytes } from "./data.ts";
import { configOf, say } from "./whole-commands.ts";

const PIECE = 16 * 1024;
const [gib = 1024, files = 4096] = process.argv.slice(2).map(Number);
const base = process.env.BENCH_DIR ?? tmpdir();
mkdirSync(base, { recursive: true });
const home = mkdtempSync(join(base, "coldkeep-terabyte-"));
try {
  await main();
} finally {
  execFileSync("rm", ["-rf", home]);
}

async function main(): Promise<void> {
  const data = join(home, "data");
  mkdirSync(data);
  mkdirSync(join(home, "vault"), { mode: 0o700 });
  const size = Math.floor((gib * 2 ** 30) / files);
  const random = randomBytes("terabyte");
  for (let n = 0; n < files; n += 1) writeSparse(join(data, `${n}.${n % 2 === 0 ? "ldb" : "db"}`), size, random);
  writeFileSync(join(home, "config.yaml"), configOf(home, { node: "terabyte", data, immutable: "**/*.ldb" }));
  writeFileSync(join(home, "running"), "");
  console.log(`${gib} GiB in ${files} files of ${(size / 2 ** 20).toFixed(0)} MiB`);
  await say(home, "key generate", `key generate --aes-256 --to ${join(home, "key")}`);
  await say(home, "init", "init");
  await say(home, "backup, first", "backup --json");
  await say(home, "backup, no change", "backup --json");
  await say(home, "verify --read-data", "verify --read-data --json");
  await say(home, "restore --dry-run", `restore latest --dry-run --to ${join(home, "out")} --json`);
  await say(home, "restore", `restore latest --to ${join(home, "out")} --json`);
}

function writeSparse(path: string, size: number, random: (length: number) => Buffer): void {
  const fd = openSync(path, "w");
  writeSync(fd, random(PIECE), 0, PIECE, Math.floor(size / 2));
  ftruncateSync(fd, size);
  closeSync(fd);
  // Long ago: what was written within the hour is looked at again while the node is down.
  utimesSync(path, 1_700_000_000, 1_700_000_000);
}
