// Adds up the tallies of one CI run, names every skipped test, and where CI is set refuses skips that no line
// of `allowed-skips` explains.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: node .ci/sum.mjs <folder of tallies>");

const allowed = readFileSync(new URL("allowed-skips", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line.trim() !== "" && !line.startsWith("#"))
  .map((line) => {
    const [name, reason] = line.split(" -- ");
    if (reason === undefined || reason.trim() === "") throw new Error(`allowed-skips: no reason given for: ${line}`);
    return name.trim();
  });

/** `*` in an entry stands for any text. */
const escaped = (text) => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
const patterns = allowed.map((entry) => new RegExp(`^${entry.split("*").map(escaped).join(".*")}$`));
const isAllowed = (name) => patterns.some((pattern) => pattern.test(name));

/** As test/support/ci.ts has it. */
const onCi = (process.env.CI ?? "") !== "";

const sum = { passed: 0, failed: 0, skipped: 0 };
const files = readdirSync(folder).sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
for (const file of files.filter((name) => name.endsWith(".json"))) {
  const tally = JSON.parse(readFileSync(join(folder, file), "utf8"));
  sum.passed += tally.passed;
  sum.failed += tally.failed;
  sum.skipped += tally.skipped;
  for (const name of tally.skippedNames ?? []) {
    if (!onCi || isAllowed(name)) console.log(`skipped: ${name}`);
    else {
      console.log(`skipped without leave, counted as failed: ${name}`);
      sum.skipped -= 1;
      sum.failed += 1;
    }
  }
}
for (const file of files.filter((name) => name.endsWith(".failed"))) {
  process.stdout.write(readFileSync(join(folder, file), "utf8"));
}
if (sum.passed === 0 && sum.failed === 0) sum.failed = 1;
process.exitCode = sum.failed === 0 ? 0 : 1;
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
