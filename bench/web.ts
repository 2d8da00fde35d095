/**
 * The status page of 100 nodes with 400 snapshots each, in headless Chromium: its size, and the time from going there to its
 * load event with one filter applied and painted. The median of five, each in a fresh context.
 *
 *     node bench/web.ts
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { renderPage } from "../keeper/page/render.ts";
import { fleet, NOW } from "../test/support/page-nodes.ts";

const home = mkdtempSync(join(tmpdir(), "coldkeep-bench-"));
process.on("exit", () => rmSync(home, { recursive: true, force: true }));
const file = join(home, "page.html");
const page = renderPage(fleet(100, 400), NOW);
writeFileSync(file, page);
console.log(`size      ${(Buffer.byteLength(page) / 1000).toFixed(1)} kB`);

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
const times: number[] = [];
for (let round = 0; round < 5; round += 1) {
  const context = await browser.newContext();
  const tab = await context.newPage();
  const from = performance.now();
  await tab.goto(String(pathToFileURL(file)), { waitUntil: "load" });
  await tab.waitForSelector("body[data-ready]");
  await tab.selectOption("#tier", { label: "monthly" });
  await tab.fill("#q", "validator-04");
  await tab.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
  times.push(performance.now() - from);
  const shown = await tab.locator(".node:visible").count();
  if (shown !== 10) throw new Error(`10 nodes are to be shown, these are ${shown}`);
  await context.close();
}
await browser.close();
times.sort((a, b) => a - b);
console.log(`filtered  ${times[2]?.toFixed(0)} ms (median of 5: ${times.map((time) => time.toFixed(0)).join(", ")})`);
