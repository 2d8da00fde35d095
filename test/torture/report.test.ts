import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { renderReport } from "./render.ts";
import { RESULTS, readResults } from "./results.ts";

it("docs/RELIABILITY.md is what the figures say; else: npm run torture:report", () => {
  const page = readFileSync(new URL("../../docs/RELIABILITY.md", import.meta.url), "utf8");
  expect(page).toBe(renderReport(readResults(RESULTS)));
});
