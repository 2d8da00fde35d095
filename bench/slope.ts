/**
 * Whether memory grows with the number of backups made: cycles of backup and confirmation in one process, a tree in which a
 * little changes each time, and what is resident every tenth cycle. Prints MiB, and the slope of a line through the second
 * half, in MiB per 100 cycles; the first half is V8 finding its size.
 *
 *     node --expose-gc bench/slope.ts [cycles]        default: 100; 500 take some minutes. BENCH_DIR says where
 *
 * A command is a process of its own and gives everything back at its end. What would grow all the same from run to run is what
 * a host remembers and an index lists: `node bench/slope.ts 100 commands` runs the packaged command line that often, and prints
 * the peak of each; wants `npm run build`.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { initVault } from "../agent/backup/index.ts";
import { backupHost } from "../test/support/backup-host.ts";
import { openDirectoryStore } from "../vault/store/index.ts";
import { measure } from "./peers/measure.ts";

const COLDKEEP = process.env.COLDKEEP ?? fileURLToPath(new URL("../dist/coldkeep.mjs", import.meta.url));
const FILES = 500;
const cycles = Number(process.argv[2] ?? 100);
const base = process.env.BENCH_DIR ?? tmpdir();
mkdirSync(base, { recursive: true });
const home = mkdtempSync(join(base, "coldkeep-slope-"));
try {
  if (process.argv[3] === "commands") await inCommands();
  else await inOneProcess();
} finally {
  rmSync(home, { recursive: true, force: true });
}

async function inOneProcess(): Promise<void> {
  const store = await openDirectoryStore(join(home, "vault"), { create: true });
  await initVault({ store, now: 0 });
  const host = backupHost(home, store);
  makeTree(host.root);
  const collect = (globalThis as { gc?: () => void }).gc;
  const resident: number[] = [];
  const heap: number[] = [];
  for (let cycle = 0; cycle < cycles; cycle += 1) {
    change(host.root, cycle);
    const { snapshot } = await host.backup({ isImmutable: (path) => path.endsWith(".ldb") });
    if (!(await host.confirm(snapshot))) throw new Error("the snapshot was not confirmed");
    collect?.();
    const { rss, heapUsed } = process.memoryUsage();
    resident.push(rss / 2 ** 20);
    heap.push(heapUsed / 2 ** 20);
    if (cycle % Math.ceil(cycles / 10) === 0) {
      console.log(
        `after ${String(cycle + 1).padStart(4)}: ${told(resident.at(-1))} MiB, objects ${told(heap.at(-1))} MiB`,
      );
    }
  }
  tell(resident);
  console.log(`of objects alone: slope ${(100 * slopeOf(heap.slice(heap.length >> 1))).toFixed(2)} MiB per 100 cycles`);
}

async function inCommands(): Promise<void> {
  const root = join(home, "root");
  mkdirSync(root);
  mkdirSync(join(home, "vault"), { mode: 0o700 });
  makeTree(root);
  const config = join(home, "config.yaml");
  writeFileSync(
    config,
    [
      "version: 1",
      "vault_id: v5J2BYLFz3BLk1mC9U6Rig",
      `vault: file://${join(home, "vault")}`,
      `state_dir: ${join(home, "state")}`,
      `encrypt_key: ${join(home, "key")}`,
      `nodes: { slope: { profile: files, roots: { data: ${root} }, immutable: ['**/*.ldb'], service: { manager: none } } }`,
      "",
    ].join("\n"),
  );
  const run = async (words: string) => {
    const step = await measure(`exec ${process.execPath} ${COLDKEEP} ${words} --config ${config}`, process.env);
    if (step.status !== 0) throw new Error(`${words}: ${step.said}`);
    return step.rss / 2 ** 20;
  };
  await run(`key generate --aes-256 --to ${join(home, "key")}`);
  await run("init");
  const peaks: number[] = [];
  for (let cycle = 0; cycle < cycles; cycle += 1) {
    change(root, cycle);
    peaks.push(await run("backup"));
    if (cycle % Math.ceil(cycles / 10) === 0)
      console.log(`run ${String(cycle + 1).padStart(4)}: peak ${told(peaks.at(-1))} MiB`);
  }
  tell(peaks);
}

function makeTree(root: string): void {
  for (let n = 0; n < FILES; n += 1) writeFileSync(join(root, `${n}.ldb`), `${n} `.repeat(2000));
}

function change(root: string, cycle: number): void {
  writeFileSync(join(root, `new-${cycle}.ldb`), `${cycle} `.repeat(3000));
  rmSync(join(root, `${cycle % FILES}.ldb`), { force: true });
  writeFileSync(join(root, "LOG"), `cycle ${cycle}\n`);
}

function tell(all: readonly number[]): void {
  const half = all.slice(all.length >> 1);
  console.log(
    `at first ${told(all[0])}, half-way ${told(half[0])}, at last ${told(half.at(-1))} MiB, most ${told(Math.max(...all))}`,
  );
  console.log(`slope ${(100 * slopeOf(half)).toFixed(2)} MiB per 100 cycles`);
}

/** Of the line that fits best (least squares), a step. */
function slopeOf(all: readonly number[]): number {
  const x = (all.length - 1) / 2;
  const y = all.reduce((sum, value) => sum + value, 0) / all.length;
  const top = all.reduce((sum, value, n) => sum + (n - x) * (value - y), 0);
  return top / all.reduce((sum, _, n) => sum + (n - x) ** 2, 0);
}

function told(mib: number | undefined): string {
  return (mib ?? Number.NaN).toFixed(1);
}
