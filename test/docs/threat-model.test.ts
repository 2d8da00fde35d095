import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const PAGE = readFileSync(new URL("../../docs/THREAT-MODEL.md", import.meta.url), "utf8");
const file = (path: string) => new URL(`../${path}`, import.meta.url);

/** Each test file that a text names, with the titles after it. */
function named(text: string): { readonly path: string; readonly titles: readonly string[] }[] {
  return [...text.matchAll(/`([\w./-]+\.test\.ts)`((?:,?\s+"[^"]+")*)/g)].map(([, path = "", titles = ""]) => ({
    path,
    titles: [...titles.matchAll(/"([^"]+)"/g)].map(([, title = ""]) => title.replaceAll(/\s+/g, " ")),
  }));
}

/** Whether a title in the source of a test file begins so. */
function hasTitle(source: string, title: string): boolean {
  return ['"', "`", "'"].some((quote) => source.includes(`${quote}${title}`));
}

describe("docs/THREAT-MODEL.md", () => {
  const rows = PAGE.split("\n").filter(
    (line) => /^\| (?!actor tries|asset|---)/.test(line) && line.split(" | ").length === 3,
  );
  const claims = rows.slice(rows.findIndex((line) => line.startsWith("| reader:")));

  it("has a row for each actor, and in each the tests that show it", () => {
    expect(claims.length).toBeGreaterThan(20);
    for (const row of claims) {
      const tests = named(row.split(" | ")[2] ?? "");
      expect(tests.length, row).toBeGreaterThan(0);
      for (const { path, titles } of tests) expect(titles.length, `${path} in ${row}`).toBeGreaterThan(0);
    }
    for (const actor of [
      "reader",
      "writer",
      "host root",
      "thief",
      "HSM thief",
      "function's role",
      "presenter",
      "ticket",
      "share",
    ]) {
      expect(claims.filter((row) => row.split(" | ")[0]?.includes(actor)).length, actor).toBeGreaterThan(0);
    }
  });

  it.each(named(PAGE).filter(({ path }) => path !== "docs/threat-model.test.ts"))(
    "names $path by titles that are there",
    ({ path, titles }) => {
      expect(existsSync(file(path)), path).toBe(true);
      const source = readFileSync(file(path), "utf8").replaceAll(/\s+/g, " ");
      expect(titles.length, path).toBeGreaterThan(0);
      for (const title of titles) expect(hasTitle(source, title), `${path}: ${title}`).toBe(true);
    },
  );
});
