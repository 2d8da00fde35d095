/**
 * What coldkeep itself adds to an outage: a LevelDB-like tree of 2,000 tables of 2 MiB, and one of ten times the bytes,
 * frozen while its node is down. Prints milliseconds.
 *
 *     node bench/freeze.ts [folder]        default: a temporary folder
 *
 * The tables are sparse files with one block of data each: making 40 GiB takes minutes, and a link costs the same
 * whatever a file holds. Log, MANIFEST and CURRENT are real bytes, since those are copied. While the node "runs" between
 * preparation and stop, it adds tables and appends to its log, so that the folder must be read again. Between the runs
 * nothing is dropped from the page cache.
 */
import {
  appendFileSync,
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { prepareFreeze } from "../agent/freeze/index.ts";
import type { ServiceManager } from "../agent/node/types.ts";
import { profileOf } from "../agent/profiles/index.ts";
import { silent } from "../vault/names/index.ts";

const TABLES = 2000;
const LOG_BYTES = 4 << 20;
const ROUNDS = 5;

const manager: ServiceManager = {
  kind: "bench",
  label: "bench",
  controls: true,
  stop: async () => {},
  start: async () => {},
  isRunning: async () => running,
};
let running = false;

const home = mkdtempSync(join(process.argv[2] ?? tmpdir(), "coldkeep-bench-"));
process.on("exit", () => rmSync(home, { recursive: true, force: true }));

console.log("tree                     prelink    freezeMs (median of 5, each)");
for (const mebibytes of [2, 20]) {
  const data = join(home, `${mebibytes}`, "data");
  grow(data, mebibytes);
  const rounds: number[] = [];
  let prepareMs = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const began = performance.now();
    const prepared = await prepareFreeze({
      node: "bench",
      run: `run-${round}`,
      roots: [{ name: "data", path: data }],
      profile: profileOf("leveldb"),
      control: {
        name: "bench",
        manager: switching(),
        probe: null,
        limits: { stopMs: 1000, startMs: 1000, onStopTimeout: "fail" },
      },
      stateDir: join(home, `state-${mebibytes}`),
      progress: silent,
      signal: new AbortController().signal,
    });
    prepareMs = performance.now() - began;
    appendFileSync(join(data, "999999.log"), "more");
    table(join(data, `${String(TABLES + 100 + round).padStart(6, "0")}.ldb`), mebibytes);
    const tree = await prepared.capture();
    rounds.push(tree.figures.freezeMs);
    await tree.release();
  }
  const sorted = [...rounds].sort((a, b) => a - b);
  const size = `${TABLES} x ${mebibytes} MiB = ${((TABLES * mebibytes) / 1024).toFixed(1)} GiB`;
  const each = rounds.map((ms) => ms.toFixed(1)).join(", ");
  console.log(`${size.padEnd(24)} ${`${prepareMs.toFixed(0)} ms`.padEnd(10)} ${(sorted[2] ?? 0).toFixed(1)} (${each})`);
}

function switching(): ServiceManager {
  return {
    ...manager,
    stop: async () => {
      running = false;
    },
    start: async () => {
      running = true;
    },
  };
}

function grow(folder: string, mebibytes: number): void {
  mkdirSync(folder, { recursive: true });
  for (let i = 1; i <= TABLES; i += 1) table(join(folder, `${String(i).padStart(6, "0")}.ldb`), mebibytes);
  writeFileSync(join(folder, "999999.log"), Buffer.alloc(LOG_BYTES, "x"));
  writeFileSync(join(folder, "MANIFEST-000001"), Buffer.alloc(256 << 10, "m"));
  writeFileSync(join(folder, "CURRENT"), "MANIFEST-000001\n");
  writeFileSync(join(folder, "LOCK"), "");
}

function table(path: string, mebibytes: number): void {
  const fd = openSync(path, "wx");
  ftruncateSync(fd, mebibytes << 20);
  writeSync(fd, Buffer.alloc(4096, "t"), 0, 4096, 0);
  closeSync(fd);
}
