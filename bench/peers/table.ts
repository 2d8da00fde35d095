import type { PhaseName, Row } from "./run.ts";

const MIB = 2 ** 20;
const HEADS = [
  "tool",
  "initial, s",
  "MB/s",
  "3 % changed",
  "no change",
  "restore",
  "full check",
  "CPU s, initial/changed/same/restore/check",
  "peak RSS MiB, backup/restore/check",
  "stored MiB",
  "+ changed",
  "restored is equal",
];

/** One line a tool, of the run of each phase that was the quickest. */
export function renderTable(rows: readonly Row[]): string {
  const tools = [...new Set(rows.map(({ tool }) => tool))];
  const cells = [HEADS, ...tools.map((tool) => cellsOf(rows.filter((row) => row.tool === tool)))];
  const widths = HEADS.map((_, column) => Math.max(...cells.map((line) => (line[column] ?? "").length)));
  const lines = cells.map(
    (line) =>
      `| ${line.map((cell, n) => (n === 0 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0))).join(" | ")} |`,
  );
  const rule = `| ${widths.map((width, n) => (n === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  return [lines[0], rule, ...lines.slice(1)].join("\n");
}

function cellsOf(rows: readonly Row[]): string[] {
  const best = (phase: PhaseName): Row | undefined =>
    rows.filter((row) => row.phase === phase && row.status === 0).toSorted((a, b) => a.wall - b.wall)[0];
  const phases = ["initial", "changed", "same", "restore", "check"] as const;
  const wall = (phase: PhaseName) => show(best(phase)?.wall, 1, 1);
  const [initial, changed, restore] = [best("initial"), best("changed"), best("restore")];
  return [
    rows[0]?.tool ?? "",
    wall("initial"),
    show(initial && initial.size / 1e6 / initial.wall, 1, 0),
    wall("changed"),
    wall("same"),
    wall("restore"),
    wall("check"),
    phases.map((phase) => show(best(phase)?.cpu, 1, 1)).join(" / "),
    [initial, restore, best("check")].map((row) => show(row?.rss, MIB, 0)).join(" / "),
    show(initial?.stored, MIB, 0),
    show(changed && initial && changed.stored - initial.stored, MIB, 0),
    equality(rows.filter((row) => row.phase === "restore")),
  ];
}

function show(value: number | undefined, unit: number, digits: number): string {
  return value === undefined ? "–" : (value / unit).toFixed(digits);
}

function equality(restores: readonly Row[]): string {
  if (restores.length === 0) return "–";
  if (restores.some(({ equal }) => equal !== true)) return "NO";
  return restores.every(({ metadata }) => metadata === true) ? "yes" : "content only";
}
