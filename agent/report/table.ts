import { safe } from "../../vault/names/index.ts";

export interface Column {
  readonly title: string;
  /** Numbers are easier to compare at the right. Default left. */
  readonly align?: "left" | "right";
}

/** Columns under their titles, two spaces apart; no lines, so that awk and eyes both read it. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const cells = [columns.map(({ title }) => title), ...rows.map((row) => row.map((cell) => safe(cell)))];
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => row[index]?.length ?? 0)));
  return cells
    .map((row) =>
      columns
        .map(({ align }, index) => {
          const cell = row[index] ?? "";
          const width = widths[index] ?? 0;
          return align === "right" ? cell.padStart(width) : cell.padEnd(width);
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Names and values, a line each, the values aligned. */
export function facts(rows: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows
    .map(([name, value]) => `${name.padEnd(width)}  ${safe(value).replaceAll("\n", `\n${" ".repeat(width + 2)}`)}`)
    .join("\n");
}
