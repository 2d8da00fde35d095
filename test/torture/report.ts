/**
 * Makes docs/RELIABILITY.md of the figures in test/torture/results:
 *
 *     npm run torture:report
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { renderReport } from "./render.ts";
import { RESULTS, readResults } from "./results.ts";

const page = fileURLToPath(new URL("../../docs/RELIABILITY.md", import.meta.url));
writeFileSync(page, renderReport(readResults(RESULTS)));
