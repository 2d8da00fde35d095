import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { findProgram, findTools, searchPath } from "./peers/find.ts";
import { saveResult } from "./peers/results.ts";
import { type Row, runOnce } from "./peers/run.ts";
import { startGateway } from "./peers/s3.ts";
import { renderTable } from "./peers/table.ts";

const USAGE = `npm run bench -- [options]

Backs up, restores and checks one generated node directory by coldkeep as it is packaged and by what else is found on
PATH or under COLDKEEP_PEERS, and prints one table: seconds until everything is on disk, the best of all runs.

  --size 256MiB     how much node data (default 1GiB)
  --small 100000    that many files of 4 KiB in its place
  --tools a,b       only these
  --repeat 3        runs; the quickest counts (default 1)
  --s3              into VersityGW on loopback, in place of folders
  --save            keep the figures in bench/results; \`node bench/chart.ts\` then draws docs/bench.svg
  --json            JSON lines on stdout, one a command; the table goes to stderr
BENCH_DIR is where it works (default: the temporary folder), COLDKEEP another command line than dist/coldkeep.mjs.`;

const { values: o } = parseArgs({
  options: {
    size: { type: "string", default: "1GiB" },
    small: { type: "string", default: "0" },
    tools: { type: "string" },
    repeat: { type: "string", default: "1" },
    s3: { type: "boolean", default: false },
    save: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (o.help) console.log(USAGE);
else await main();

async function main(): Promise<void> {
  const tell = o.json ? console.error : console.log;
  const folders = searchPath(process.env);
  const { tools, missing } = findTools(folders, o.tools?.split(",") ?? null, o.s3);
  for (const line of missing) tell(line);
  const program = findProgram("versitygw", folders);
  if (o.s3 && program === null) throw new Error("--s3 needs versitygw on PATH or under COLDKEEP_PEERS");
  const base = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "coldkeep-bench-"));
  const rows: Row[] = [];
  const gateway = o.s3 && program !== null ? await startGateway(program, join(base, "s3")) : null;
  try {
    for (let run = 0; run < count(o.repeat, "--repeat"); run += 1) {
      const work = join(base, String(run));
      await runOnce({
        tools,
        run,
        work,
        path: folders.join(":"),
        bytes: bytesOf(o.size),
        small: count(o.small, "--small"),
        gateway,
        coldkeep: process.env.COLDKEEP ?? join(import.meta.dirname, "..", "dist", "coldkeep.mjs"),
        report: (row) => {
          rows.push(row);
          tell(lineOf(row));
          if (o.json) console.log(JSON.stringify(row));
        },
      });
      rmSync(work, { recursive: true });
    }
  } finally {
    await gateway?.stop();
    rmSync(base, { recursive: true, force: true });
  }
  const cold = rows.every((row) => row.cold) ? "cold page cache" : "WARM page cache: only root may drop it";
  const size = `${Math.round((rows.at(-1)?.size ?? 0) / 2 ** 20)} MiB`;
  tell(`\n${size}, ${cold}, best of ${o.repeat}\n\n${renderTable(rows)}`);
  if (o.save) tell(`kept in ${saveResult(rows, o.s3 ? "npm run bench -- --s3" : "npm run bench")}`);
  if (rows.some(({ status, equal }) => status !== 0 || equal === false)) process.exitCode = 1;
}

function lineOf({ tool, phase, wall, cpu, rss, status, said, equal }: Row): string {
  const figures = `${wall.toFixed(2).padStart(7)} s  ${cpu.toFixed(2).padStart(7)} s CPU  ${(rss / 2 ** 20).toFixed(0).padStart(5)} MiB`;
  const ending = status === 0 ? (equal === false ? "  NOT EQUAL" : "") : `  FAILED (${status}): ${said}`;
  return `${tool.padEnd(18)} ${phase.padEnd(8)} ${figures}${ending}`;
}

/** @throws Error for what is no size. */
function bytesOf(text: string): number {
  const [, number, unit] = /^(\d+)(KiB|MiB|GiB)?$/.exec(text) ?? [];
  if (number === undefined) throw new Error(`--size ${text}: a number with KiB, MiB or GiB`);
  const powers: Readonly<Record<string, number>> = { KiB: 10, MiB: 20, GiB: 30 };
  return Number(number) * 2 ** (powers[unit ?? ""] ?? 0);
}

/** @throws Error for what is no number. */
function count(text: string, name: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`${name} ${text}: a whole number`);
  return Number(text);
}
