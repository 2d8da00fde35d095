import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));

it("docs/SCALE.md has the figures that the simulation makes", () => {
  const made = execFileSync(process.execPath, ["bench/scale.ts"], { cwd: PROJECT, encoding: "utf8" });
  const rows = made.split("\n").filter((line) => line.startsWith("| "));
  expect(rows.length).toBeGreaterThan(15);
  const page = readFileSync(`${PROJECT}docs/SCALE.md`, "utf8").split("\n");
  expect(page.filter((line) => line.startsWith("| "))).toEqual(rows);
});
