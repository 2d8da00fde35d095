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
import { fileURLToPath } from "node:url";
import { randomBytes } from "./data.ts";
import { measure } from "./peers/measure.ts";

const COLDKEEP = process.env.COLDKEEP ?? fileURLToPath(new URL("../dist/coldkeep.mjs", import.meta.url));
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
  writeFileSync(join(home, "config.yaml"), config(data));
  writeFileSync(join(home, "running"), "");
  console.log(`${gib} GiB in ${files} files of ${(size / 2 ** 20).toFixed(0)} MiB`);
  await say("key generate", `key generate --aes-256 --to ${join(home, "key")}`);
  await say("init", "init");
  await say("backup, first", "backup --json");
  await say("backup, no change", "backup --json");
  await say("verify --read-data", "verify --read-data --json");
  await say("restore --dry-run", `restore latest --dry-run --to ${join(home, "out")} --json`);
  await say("restore", `restore latest --to ${join(home, "out")} --json`);
}

function writeSparse(path: string, size: number, random: (length: number) => Buffer): void {
  const fd = openSync(path, "w");
  writeSync(fd, random(PIECE), 0, PIECE, Math.floor(size / 2));
  ftruncateSync(fd, size);
  closeSync(fd);
  // Long ago: what was written within the hour is looked at again while the node is down.
  utimesSync(path, 1_700_000_000, 1_700_000_000);
}

async function say(label: string, words: string): Promise<void> {
  const command = `exec ${process.execPath} ${COLDKEEP} ${words} --config ${join(home, "config.yaml")}`;
  const { wall, cpu, rss, status, said } = await measure(command, process.env);
  const figures = `${wall.toFixed(1).padStart(7)} s ${cpu.toFixed(1).padStart(7)} s CPU ${(rss / 2 ** 20).toFixed(0).padStart(5)} MiB`;
  const own = /"freezeMs":\s*([\d.]+)/.exec(said)?.[1];
  const freeze = own === undefined ? "" : `   outage, its own part: ${Number(own).toFixed(0)} ms`;
  console.log(`${label.padEnd(20)} ${figures}${freeze}${status === 0 ? "" : `   FAILED (${status}): ${said}`}`);
}

function config(data: string): string {
  const running = join(home, "running");
  return [
    "version: 1",
    "vault_id: v5J2BYLFz3BLk1mC9U6Rig",
    `vault: file://${join(home, "vault")}`,
    `state_dir: ${join(home, "state")}`,
    `encrypt_key: ${join(home, "key")}`,
    "nodes:",
    "  terabyte:",
    "    profile: files",
    `    roots: { data: ${data} }`,
    "    immutable: ['**/*.ldb']",
    `    service: { manager: command, stop: 'rm ${running}', start: 'touch ${running}', is_running: 'test -e ${running}' }`,
    "",
  ].join("\n");
}
