import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Result } from "./types.ts";

/** Where figures are kept that were made once and are worth keeping. */
export const RESULTS = fileURLToPath(new URL("results/", import.meta.url));

/** Writes one as `<campaign>-<seed>.json`; the same seed replaces it. */
export function saveResult(folder: string, result: Result): void {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${result.campaign}-${result.seed.replaceAll(/[^\w.-]/g, "_")}.json`);
  writeFileSync(`${path}.new`, `${JSON.stringify(result, null, 2)}\n`);
  renameSync(`${path}.new`, path);
}

/** All that lie in a folder, by campaign and date. */
export function readResults(folder: string): Result[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as Result)
    .sort((a, b) => (`${a.campaign} ${a.date}` < `${b.campaign} ${b.date}` ? -1 : 1));
}
