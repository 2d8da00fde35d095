import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../posix/clock.ts";
import type { PhaseName, Row } from "./run.ts";

/** What is kept of a run of `npm run bench`, one file each in bench/results. */
export interface Result {
  /** Day, as YYYY-MM-DD, and what was measured, in words. */
  readonly date: string;
  readonly what: string;
  readonly machine: string;
  readonly node: string;
  /** Bytes of the source. */
  readonly size: number;
  readonly cold: boolean;
  readonly rows: readonly ResultRow[];
}

/** Seconds; MiB. */
export interface ResultRow {
  readonly tool: string;
  readonly phase: PhaseName;
  readonly wall: number;
  readonly cpu: number;
  readonly rss?: number;
  readonly stored?: number;
}

const RESULTS = join(import.meta.dirname, "..", "results");

/** Writes the quickest run of each phase of each tool; the path of the file. */
export function saveResult(rows: readonly Row[], what: string): string {
  const now = new Date(systemClock.now()).toISOString();
  const best = new Map<string, Row>();
  for (const row of rows.filter(({ status, phase }) => status === 0 && phase !== "init")) {
    const key = `${row.tool} ${row.phase}`;
    if (row.wall < (best.get(key)?.wall ?? Number.POSITIVE_INFINITY)) best.set(key, row);
  }
  const all = cpus();
  const result: Result = {
    date: now.slice(0, 10),
    what,
    machine: `${all.length} x ${all[0]?.model.trim() ?? "unknown"}`,
    node: process.versions.node,
    size: rows.at(-1)?.size ?? 0,
    cold: rows.every(({ cold }) => cold),
    rows: [...best.values()].map(({ tool, phase, wall, cpu, rss, stored }) => ({
      tool,
      phase,
      wall: rounded(wall, 2),
      cpu: rounded(cpu, 2),
      rss: Math.round(rss / 2 ** 20),
      stored: Math.round(stored / 2 ** 20),
    })),
  };
  mkdirSync(RESULTS, { recursive: true });
  const path = join(RESULTS, `${now.slice(0, 16).replace(":", "")}.json`);
  writeFileSync(path, `${JSON.stringify(result, null, 2)}\n`);
  return path;
}

/** All that were kept, the oldest first. */
export function loadResults(): Result[] {
  const names = readdirSync(RESULTS).filter((name) => name.endsWith(".json"));
  return names.sort().map((name) => JSON.parse(readFileSync(join(RESULTS, name), "utf8")) as Result);
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
