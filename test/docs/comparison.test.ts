import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const pageOf = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), "utf8");

it("docs/COMPARISON.md has no figure that was not measured: each row stands in docs/BENCHMARKS.md", () => {
  const [, figures = ""] = /^## In figures\n([\s\S]*?)^## /m.exec(pageOf("COMPARISON.md")) ?? [];
  const rows = figures.split("\n").filter((line) => line.startsWith("|"));
  const measured = new Set(pageOf("BENCHMARKS.md").split("\n"));
  expect(rows.length).toBeGreaterThan(8);
  expect(rows.filter((row) => !measured.has(row))).toEqual([]);
});
