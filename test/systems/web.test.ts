import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import axe from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { describeNode } from "../../keeper/page/describe.ts";
import { renderPage } from "../../keeper/page/render.ts";
import type { PageNode } from "../../keeper/page/types.ts";
import { DAY, fleet, NOW, nightly, pageInput } from "../support/page-nodes.ts";
import { sharedTempDir } from "../support/tmp.ts";
import { lacking } from "./support/lacking.ts";

/** Looked at by people, and kept by CI; git does not. */
const SHOTS = fileURLToPath(new URL("../../.tmp/web/", import.meta.url));
const home = sharedTempDir("coldkeep-web");
const missing = lacking("chromium");
const EVIL = `</script><script>window.evil=1</script><img src=x onerror="window.evil=1">\u202e${"long".repeat(300)}`;

const FLEET = fleet(12, 200);

let browser: Browser;
/** What the browser complained of, and what it asked the network for, since the test began. */
let complaints: string[] = [];
let requests: string[] = [];

beforeAll(async () => {
  if (missing !== "") return;
  mkdirSync(SHOTS, { recursive: true });
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
});
afterAll(() => browser?.close());
afterEach(() => {
  expect(complaints, "no complaint in the console").toEqual([]);
  expect(requests, "nothing is asked of the network").toEqual([]);
  complaints = [];
  requests = [];
});

let number = 0;
async function show(nodes: readonly PageNode[], options: BrowserContextOptions = {}, at = NOW): Promise<Page> {
  number += 1;
  const file = join(home, `page-${number}.html`);
  writeFileSync(file, renderPage(nodes, NOW));
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
  const page = await context.newPage();
  page.on("console", (message) => complaints.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(error.message));
  const url = String(pathToFileURL(file));
  page.on("request", (request) => {
    if (!request.url().startsWith(url) && request.url() !== "data:,") requests.push(request.url());
  });
  await page.clock.setFixedTime(at);
  await page.goto(url);
  await page.waitForSelector("body[data-ready]");
  return page;
}

const shown = (page: Page) => page.locator(".node:visible h3").allTextContents();
const told = (page: Page) => page.locator("#count").textContent();

/** What keeps people from using it, by the rules of axe that are serious or worse. */
async function obstacles(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = (await page.evaluate("axe.run()")) as axe.AxeResults;
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 120)}: ${failureSummary}`),
    );
}

describe.skipIf(missing !== "")(`the status page in a browser${missing}`, () => {
  it("tells what is amiss, and of an opened node its calendar, plots, snapshots and the line that restores", async () => {
    const page = await show(fleet(12, 400));
    expect(await page.locator("h1").textContent()).toBe("2 of 12 backups need attention");
    expect(await page.locator(".alarms li").count()).toBe(2);
    await page.click(".alarms li:nth-child(2) a");
    const node = page.locator(".node[open]");
    await node.locator(".plots").waitFor();
    expect(await node.locator("h3").textContent()).toBe("validator-012");
    expect(await node.locator(".cal svg[role=img]").getAttribute("aria-label")).toMatch(
      /^Calendar of 400 snapshots, 2025-10-25 to 2026-11-28: 15 monthly, .* 1 damaged, .* proven; 0 days without any/,
    );
    expect(await node.locator(".plots figcaption").allTextContents()).toEqual([
      expect.stringMatching(/^Size\d+ GB$/),
      expect.stringMatching(/^Added to the vault\d+ MB$/),
      expect.stringMatching(/^Downtime/),
      expect.stringMatching(/^Height[\d,]+$/),
    ]);
    expect(await node.locator(".plots svg").first().getAttribute("aria-label")).toMatch(/first .* last .* median/);
    expect(await node.locator("tbody tr").count()).toBe(12);
    await node.getByRole("button", { name: "Show all 400" }).click();
    expect(await node.locator("tbody tr").count()).toBe(400);
    expect(await node.locator("tbody tr").nth(4).textContent()).toContain("damaged: 00003.pack: missing");
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await node.getByRole("button", { name: "Copy: the latest" }).click();
    await expect.poll(() => told(page)).toBe("Copied.");
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe(
      "coldkeep restore latest --node validator-012 --to /srv/restored",
    );
  });

  it("filters by words, profile, tier and state", async () => {
    const expired = describeNode(pageInput("expired-one", nightly(9, "expired", { state: "expired" })));
    const page = await show([...fleet(12, 60), expired]);
    expect(await shown(page)).toHaveLength(13);
    await page.fill("#q", "VALIDATOR-00");
    expect(await shown(page)).toHaveLength(9);
    expect(await told(page)).toBe("Shown: 9 of 13");
    await page.selectOption("#profile", "goloop");
    expect((await page.locator(".node:visible small").allTextContents()).filter((text) => text === "rocksdb")).toEqual(
      [],
    );
    await page.click("text=Clear");
    await expect.poll(() => shown(page)).toHaveLength(13);
    await page.selectOption("#state", { label: "needs attention" });
    expect(await shown(page)).toEqual(["expired-one", "validator-008", "validator-012"]);
    await page.selectOption("#state", { label: "damaged" });
    expect(await shown(page)).toEqual(["validator-012"]);
    await page.click("#n2 > summary");
    expect(await page.locator("#n2 caption").textContent()).toBe("Snapshots that fit, 1 of 60");
    await page.selectOption("#state", "");
    await page.selectOption("#tier", { label: "monthly" });
    await expect.poll(() => page.locator("#n2 caption").textContent()).toMatch(/fit, \d of 60$/);
    expect(await shown(page)).not.toContain("expired-one");
    await page.fill("#q", "nowhere");
    expect(await told(page)).toMatch(/^Nothing fits/);
  });

  it("is used by the keyboard alone", async () => {
    const page = await show(fleet(12, 30));
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.className")).toBe("skip");
    await page.keyboard.press("/");
    await page.keyboard.type("validator-003");
    expect(await shown(page)).toEqual(["validator-003"]);
    for (const _ of ["profile", "tier", "state", "clear", "node"]) await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.textContent")).toContain("validator-003");
    await page.keyboard.press("Enter");
    await page.locator(".node[open] .plots").waitFor();
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.getAttribute('aria-label')")).toMatch(/^Copy: the latest/);
    for (const _ of ["dry run", "calendar", "snapshots", "all"]) await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    expect(await page.locator(".node[open] tbody tr").count()).toBe(30);
    expect(await page.evaluate("document.activeElement.rowIndex")).toBe(13);
    await page.keyboard.press("/");
    await page.keyboard.press("Escape");
    expect(await shown(page)).toHaveLength(12);
  });

  it("says by the reader's clock what has become too old since it was made", async () => {
    const fine = fleet(3, 9);
    expect(await (await show(fine)).locator("h1").textContent()).toBe("All 3 backups are good");
    const later = await show(fine, {}, NOW + 2 * DAY);
    expect(await later.locator("h1").textContent()).toBe("3 of 3 backups need attention by now");
    expect(await later.locator(".node .pill").allTextContents()).toEqual(["Too old", "Too old", "Too old"]);
    await later.selectOption("#state", { label: "needs attention" });
    expect(await shown(later)).toHaveLength(3);
  });

  it("runs nothing that a vault says, and shows it as text", async () => {
    const entries = nightly(10, "evil", {
      profile: EVIL,
      tags: [EVIL],
      remarks: [EVIL],
      state: "damaged",
      heights: { [EVIL]: 5 },
    });
    const evil = describeNode(pageInput(EVIL, entries, { vault: EVIL, paused: { until: NOW, reason: EVIL } }));
    const page = await show([evil, describeNode(pageInput("long", nightly(10_000, "long")))], {
      viewport: { width: 390, height: 844 },
    });
    await page.click("#n0 > summary");
    await page.locator("#n0 tbody tr").first().waitFor();
    await page.click("#n1 > summary");
    await page.locator("#n1 .plots").waitFor();
    await page.getByRole("button", { name: "Show all 10,000" }).click();
    expect(await page.locator("#n1 tbody tr").count()).toBe(10_000);
    expect(await page.evaluate("window.evil")).toBeUndefined();
    expect(await page.locator("img").count()).toBe(0);
    expect(await page.locator("#n0 h3").textContent()).toContain("</script><script>");
    expect(
      await page.evaluate("document.documentElement.scrollWidth - innerWidth"),
      "nothing is wider than a phone",
    ).toBe(0);
    await page.click("#n1 > summary");
    await page.screenshot({ path: join(SHOTS, "hostile-phone.png") });
  });

  it("tells what matters where scripts are off", async () => {
    const file = join(home, "plain.html");
    writeFileSync(file, renderPage(fleet(12, 9), NOW));
    const page = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
    await page.goto(String(pathToFileURL(file)));
    expect(await page.locator(".node").count()).toBe(12);
    expect(await page.locator("form").isVisible()).toBe(false);
    expect(await page.locator("body").innerText()).toMatch(/Too old\s+validator-008/);
  });

  for (const [name, options] of [
    ["light", {}],
    ["dark", { colorScheme: "dark" }],
    ["phone", { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true }],
    ["phone-dark", { viewport: { width: 390, height: 844 }, colorScheme: "dark", reducedMotion: "reduce" }],
  ] as const satisfies readonly (readonly [string, BrowserContextOptions])[]) {
    it(`has nothing that keeps people from using it: ${name}`, async () => {
      const page = await show(FLEET, options);
      await page.click("#n1 > summary");
      await page.locator("#n1 .plots").waitFor();
      expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBe(0);
      await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
      expect(await obstacles(page)).toEqual([]);
    });
  }
});
