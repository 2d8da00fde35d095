/**
 * How long a node is down for its backup: the script of ICON's guide (stop, tar -zcf, start) beside coldkeep's, on the same
 * data and the same node process, the demo's. Prints seconds and how many times less coldkeep takes.
 *
 *     node bench/downtime.ts [GiB] [sparse] [seconds]      default: 4 GiB of generated data; BENCH_DIR says where
 *
 * The node's own LevelDB lies beside a folder of tables of 2 MiB, half of which does not compress; `sparse`: tables of
 * 20 MiB without a byte in them, which tar reads and packs as zeros, faster than any data. The guide's `sleep 10` is left
 * out. What stopping and starting takes by itself is measured the same way, with nothing in between, and taken off both.
 * `seconds` cuts the guide's tar off after so long: what is printed of the guide then is the least that it can be, and what it
 * would be at the pace that tar had until then.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { demoNode } from "../demo/running-node.ts";

const COLDKEEP = fileURLToPath(new URL("../bin/coldkeep.mjs", import.meta.url));
const GIB = 2 ** 30;
const ROUNDS = 5;
const BLOCKS = 5000;

const gib = Number(process.argv[2] ?? 4);
const sparse = process.argv[3] === "sparse";
const limit = Number(process.argv[sparse ? 4 : 3] ?? Number.NaN);
const base = process.env.BENCH_DIR ?? tmpdir();
mkdirSync(base, { recursive: true });
const home = mkdtempSync(join(base, "coldkeep-downtime-"));
const node = demoNode(join(home, "node"));

try {
  await main();
} finally {
  await node.stop();
  rmSync(home, { recursive: true, force: true });
}

async function main(): Promise<void> {
  const tables = makeTables(join(node.home, "old"));
  node.start("--until", String(BLOCKS), "--while", String(process.pid));
  await node.reach(BLOCKS, new AbortController().signal);
  const config = join(home, "config.yaml");
  const coldkeep = (...words: string[]) =>
    execFileSync(process.execPath, [COLDKEEP, ...words, "--config", config], { encoding: "utf8", maxBuffer: 1 << 26 });
  mkdirSync(join(home, "vault"), { mode: 0o700 });
  const { start, stop, isRunning } = node.commands;
  coldkeep(
    ...["init", "--state-dir", join(home, "state"), "--vault", join(home, "vault"), "--key-file", join(home, "key")],
    ...[
      "--node",
      "demo",
      "--profile",
      "leveldb",
      "--root",
      `data=${node.data}`,
      "--root",
      `old=${join(node.home, "old")}`,
    ],
    ...["--stop", stop, "--start", start, "--is-running", isRunning, "--height-url", node.url("/height")],
  );

  const plain = median(await repeat(ROUNDS, () => outage(async () => {})));
  type Down = { figures: { freeze: { downtimeMs: number; freezeMs: number } } };
  const ours = await repeat(ROUNDS, async () => {
    // What was written before, last of all the vault, is on its way to the disk still; at night nothing is.
    execFileSync("sync");
    return (JSON.parse(coldkeep("backup", "--json")) as Down).figures.freeze;
  });
  const before = childSeconds();
  let cut = false;
  const guide = await outage(async () => {
    const words = ["-zcf", join(home, "guide.tar.gz"), "-C", node.home, "data", "old"];
    const timeout = Number.isNaN(limit) ? undefined : limit * 1000;
    const { status, signal } = spawnSync("tar", words, { stdio: "inherit", timeout });
    cut = timeout !== undefined && signal === "SIGTERM";
    if (status !== 0 && !cut) throw new Error(`tar ended with ${status}`);
  });
  const tarSeconds = childSeconds() - before;

  const down = median(ours.map(({ downtimeMs }) => downtimeMs));
  const own = median(ours.map(({ freezeMs }) => freezeMs));
  const packed = cut ? packedGib(join(home, "guide.tar.gz")) : gib;
  // The longer of what coldkeep says of itself and of what the whole outage says.
  const beyond = Math.max(own, down - plain);
  console.log(`${gib} GiB in ${tables} tables, ${sparse ? "sparse" : "generated"}`);
  console.log(`stop and start alone      ${plain.toFixed(0)} ms`);
  console.log(
    cut
      ? `guide: stop, tar, start   more than ${guide.toFixed(0)} ms: tar was cut off after ${limit} s, with ${packed.toFixed(2)} of ${gib} GiB packed`
      : `guide: stop, tar, start   ${guide.toFixed(0)} ms; tar and gzip took ${tarSeconds.toFixed(1)} s of the processor`,
  );
  console.log(
    `coldkeep                  ${down.toFixed(0)} ms (median of ${ROUNDS}), ${own.toFixed(0)} ms of it its own`,
  );
  console.log(
    `each                      ${ours.map(({ downtimeMs, freezeMs }) => `${downtimeMs.toFixed(0)} (${freezeMs.toFixed(0)})`).join(", ")}`,
  );
  const times = (ms: number) => (ms / beyond).toFixed(0);
  if (cut) {
    console.log(`attributable to backups   at least ${times(guide - plain)} times less than the guide's`);
    console.log(`at tar's pace until then  ${times((limit * 1000 * gib) / packed)} times`);
    const whole = (tarSeconds * 1000 * gib) / packed;
    console.log(
      `the same by tar's processor time alone: ${times(whole)} times (${tarSeconds.toFixed(1)} s of it until then)`,
    );
    return;
  }
  console.log(`attributable to backups   ${times(guide - plain)} times less than the guide's`);
  console.log(`the same by tar's processor time alone: ${times(tarSeconds * 1000)} times`);
}

/** Milliseconds from the stop being asked for until the node tells its height again. */
async function outage(between: () => Promise<void>): Promise<number> {
  const began = performance.now();
  const sh = (command: string) => spawnSync("sh", ["-c", command], { stdio: "ignore" }).status === 0;
  sh(node.commands.stop);
  while (sh(node.commands.isRunning)) await wait(10);
  await between();
  sh(node.commands.start);
  while (!Number.isFinite(await node.height().catch(() => Number.NaN))) await wait(10);
  return performance.now() - began;
}

/** What an archive that was cut off holds, in GiB. */
function packedGib(archive: string): number {
  const words = `gzip -dc ${archive} 2>/dev/null | wc -c`;
  return Number(execFileSync("sh", ["-c", words], { encoding: "utf8" })) / GIB;
}

/** A folder as LevelDB leaves one of finished tables; how many there are. */
function makeTables(folder: string): number {
  mkdirSync(folder, { recursive: true });
  const bytes = sparse ? 20 << 20 : 2 << 20;
  const count = Math.ceil((gib * GIB) / bytes);
  const half = Buffer.alloc(bytes);
  for (let n = 1; n <= count; n += 1) {
    const fd = openSync(join(folder, `${String(n).padStart(6, "0")}.ldb`), "w");
    if (sparse) ftruncateSync(fd, bytes);
    else {
      // gzip looks back 32 KiB: what is random in steps of 4 KiB is as much work each time.
      const noise = randomBytes(bytes / 2);
      for (let at = 0; at < bytes; at += 4096) noise.copy(half, at, at / 2, at / 2 + 2048);
      writeSync(fd, half);
    }
    closeSync(fd);
  }
  writeFileSync(join(folder, `${count + 1}.log`), randomBytes(1 << 20));
  writeFileSync(join(folder, "MANIFEST-000001"), randomBytes(1 << 16));
  writeFileSync(join(folder, "CURRENT"), "MANIFEST-000001\n");
  return count;
}

/** The processor's seconds of all children that have ended, by /proc/self/stat: cutime and cstime, 100 a second. */
function childSeconds(): number {
  const fields =
    execFileSync("sh", ["-c", `cat /proc/${process.pid}/stat`], { encoding: "latin1" })
      .split(") ")[1]
      ?.split(" ") ?? [];
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

async function repeat<T>(count: number, once: () => Promise<T>): Promise<T[]> {
  const all: T[] = [];
  for (let n = 0; n < count; n += 1) all.push(await once());
  return all;
}

function median(all: readonly number[]): number {
  return all.toSorted((a, b) => a - b)[all.length >> 1] ?? Number.NaN;
}
