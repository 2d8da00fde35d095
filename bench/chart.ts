/**
 * Draws what bench/results holds as docs/bench.svg: `node bench/chart.ts`. Above, the newest result, seconds by command and tool; below,
 * how the times of coldkeep have gone from result to result, as a share of restic's in the same run, since machines differ.
 * Prints the same in words, which docs/BENCHMARKS.md has beside the picture.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadResults, type Result } from "./peers/results.ts";

const PHASES = ["initial", "changed", "same", "restore", "check"] as const;
const WORDS = {
  initial: "initial",
  changed: "3 % changed",
  same: "no change",
  restore: "restore",
  check: "full check",
};
const COLORS = ["#1b6ca8", "#b0b0b0", "#d8a657", "#7a9e7e", "#a26769", "#6d597a", "#4a4a4a"];
const [WIDTH, LEFT, BAR] = [760, 110, 12];

const results = loadResults();
const newest = results.at(-1);
if (newest === undefined) throw new Error("bench/results is empty: npm run bench -- --save");
const tools = [...new Set(newest.rows.map(({ tool }) => tool))].sort(
  (a, b) => Number(b === "coldkeep") - Number(a === "coldkeep"),
);
const parts: string[] = [];
let y = 46;
const most = Math.max(...newest.rows.map(({ wall }) => wall));
for (const phase of PHASES) {
  parts.push(text(LEFT - 8, y + (tools.length * BAR) / 2 + 4, WORDS[phase], "end"));
  for (const [n, tool] of tools.entries()) {
    const wall = secondsOf(newest, tool, phase);
    if (wall === null) continue;
    const width = (wall / most) * (WIDTH - LEFT - 70);
    parts.push(
      `<rect x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="${BAR - 2}" fill="${COLORS[n % COLORS.length]}"/>`,
    );
    parts.push(text(LEFT + width + 4, y + BAR - 3, wall.toFixed(1), "start", 10));
    y += BAR;
  }
  y += 10;
}
for (const [n, tool] of tools.entries()) {
  parts.push(
    `<rect x="${LEFT + n * 150}" y="24" width="10" height="10" fill="${COLORS[n % COLORS.length]}"/>`,
    text(LEFT + 14 + n * 150, 33, tool),
  );
}
const history = results.filter((result) => PHASES.some((phase) => shareOf(result, phase) !== null));
y += 20;
parts.push(text(LEFT, y, "coldkeep's time as a share of restic's in the same run"));
y += 18;
for (const { date, what, ...result } of history) {
  const shares = PHASES.map((phase) => `${WORDS[phase]} ${shareOf(result, phase)?.toFixed(2) ?? "–"}`);
  parts.push(text(LEFT - 8, y, date, "end", 11), text(LEFT, y, `${shares.join(", ")} (${what})`, "start", 11));
  y += 16;
}
const title = `${Math.round(newest.size / 2 ** 20)} MiB, seconds, ${newest.date}: ${newest.what}`;
const svg = [
  `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y + 6}" font-family="sans-serif" role="img">`,
  `<title>${escaped(title)}</title>`,
  `<rect width="100%" height="100%" fill="#ffffff"/>`,
  text(10, 16, title),
  ...parts,
  "</svg>\n",
];
writeFileSync(join(import.meta.dirname, "..", "docs", "bench.svg"), svg.join("\n"));

console.log(title);
for (const tool of tools) {
  const told = PHASES.map((phase) => `${WORDS[phase]} ${secondsOf(newest, tool, phase)?.toFixed(1) ?? "–"}`);
  console.log(`${tool}: ${told.join(", ")}`);
}

function secondsOf({ rows }: Pick<Result, "rows">, tool: string, phase: string): number | null {
  return rows.find((row) => row.tool === tool && row.phase === phase)?.wall ?? null;
}

function shareOf(result: Pick<Result, "rows">, phase: string): number | null {
  const [ours, theirs] = [secondsOf(result, "coldkeep", phase), secondsOf(result, "restic", phase)];
  return ours === null || theirs === null ? null : ours / theirs;
}

function text(x: number, at: number, words: string, anchor = "start", size = 12): string {
  return `<text x="${x.toFixed(1)}" y="${at.toFixed(1)}" font-size="${size}" text-anchor="${anchor}">${escaped(words)}</text>`;
}

function escaped(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
