import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import axe from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Host, makeHost } from "../cli/host.ts";
import { serveHost } from "../cli/serve.ts";
import { sharedTempDir } from "../support/tmp.ts";
import { lacking } from "./support/lacking.ts";

/** Looked at by people, and kept by CI; git does not. */
const SHOTS = fileURLToPath(new URL("../../.tmp/web/", import.meta.url));
const home = sharedTempDir("coldkeep-browse-web");
const missing = lacking("chromium");
const EVIL = `<img src=x onerror="window.evil=1"> '\u202egpj.html`;

let browser: Browser;
let host: Host;
let snapshot = "";

beforeAll(async () => {
  if (missing !== "") return;
  mkdirSync(SHOTS, { recursive: true });
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  host = await makeHost(home);
  mkdirSync(join(host.data, "db"));
  writeFileSync(join(host.data, "db", "CURRENT"), "MANIFEST-000001\n");
  writeFileSync(join(host.data, EVIL), "<script>document.title='evil'</script>");
  for (let n = 0; n < 1100; n += 1) writeFileSync(join(host.data, "db", `${String(n).padStart(6, "0")}.ldb`), "");
  snapshot = (await host.json<{ snapshot: string }>("backup")).snapshot;
});
afterAll(() => browser?.close());

/** A browser that has followed the link, and what it complained of and asked others for since. */
async function open(options: BrowserContextOptions = {}) {
  const served = await serveHost(host, "--browse");
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => complaints.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== new URL(served.url).origin && request.url() !== "data:,") {
      complaints.push(`asked for ${request.url()}`);
    }
  });
  await page.goto(served.url);
  await page.getByRole("heading", { name: "One node" }).waitFor();
  return { page, complaints, served };
}

/** What keeps people from using it, by the rules of axe, whatever their impact. */
async function obstacles(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = (await page.evaluate("axe.run()")) as axe.AxeResults;
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html}: ${failureSummary}`),
  );
}

describe.skipIf(missing !== "")(`snapshots in a browser${missing}`, () => {
  it("are walked through by the keyboard alone, down to a file that is saved byte for byte", async () => {
    const { page, complaints } = await open();
    const follow = async (name: string) => {
      for (let n = 0; n < 50; n += 1) {
        await page.keyboard.press("Tab");
        if ((await page.evaluate("document.activeElement.textContent")) === name) break;
      }
      expect(await page.evaluate("document.activeElement.textContent")).toBe(name);
      await page.keyboard.press("Enter");
    };
    await follow("demo");
    await page.getByRole("heading", { name: "Snapshots of demo" }).waitFor();
    await follow(snapshot);
    await page.getByRole("heading", { name: snapshot }).waitFor();
    await follow("data/");
    await page.getByRole("heading", { name: "data" }).waitFor();
    const saving = page.waitForEvent("download");
    await follow("large");
    const saved = await saving;
    expect(saved.suggestedFilename()).toBe("large");
    const digest = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");
    expect(digest(await saved.path())).toBe(digest(join(host.data, "large")));
    expect(await obstacles(page)).toEqual([]);
    await page.getByRole("navigation", { name: "Where you are" }).getByRole("link", { name: "demo" }).click();
    await page.getByRole("heading", { name: "Snapshots of demo" }).waitFor();
    expect(await obstacles(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it("runs nothing that a snapshot holds, neither by a name nor as a file, and lets no other page in", async () => {
    const { page, complaints, served } = await open();
    await page.getByRole("link", { name: "demo" }).click();
    await page.getByRole("link", { name: snapshot }).click();
    await page.getByRole("link", { name: "data/" }).click();
    const link = page.getByRole("link", { name: "<img src=x" });
    const saving = page.waitForEvent("download");
    await link.click();
    expect((await saving).suggestedFilename()).toMatch(/^[_ ]img src=x onerror=_window\.evil=1_[_ ]+'_gpj\.html$/);
    expect(await page.title()).not.toBe("evil");
    expect(await page.evaluate("window.evil")).toBeUndefined();
    expect(await page.locator("img").count()).toBe(0);
    expect(complaints).toEqual([]);
    // The same browser, and a page of another server of this machine: its script gets nothing.
    const inside = page.url();
    const other = await page.context().newPage();
    await other.route("http://127.0.0.1:1/**", (route) =>
      route.fulfill({ contentType: "text/html", body: "<h1>Other</h1>" }),
    );
    await other.goto("http://127.0.0.1:1/");
    expect(
      await other.evaluate(
        `fetch(${JSON.stringify(inside)}, { credentials: "include" }).then((a) => a.text(), () => "nothing")`,
      ),
    ).toBe("nothing");
    await other.goto(served.url);
    expect(await other.locator("h1").textContent()).toBe("This link is not good");
  });

  it("shows a long folder a page at a time", async () => {
    const { page } = await open({ javaScriptEnabled: false });
    await page.goto(`${page.url()}demo/${snapshot}/folder/data/db`);
    expect(await page.locator("tbody tr").count()).toBe(1000);
    await page.getByRole("link", { name: "Those after" }).click();
    expect(await page.locator("caption").textContent()).toBe("What lies in this folder: 1,001 to 1,101");
    await page.getByRole("link", { name: "Those before" }).click();
    expect(await page.locator("tbody tr").count()).toBe(1000);
  });

  for (const [name, options] of [
    ["light", {}],
    ["dark", { colorScheme: "dark" }],
    ["phone", { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, colorScheme: "dark" }],
  ] as const satisfies readonly (readonly [string, BrowserContextOptions])[]) {
    it(`have nothing that keeps people from using them: ${name}`, async () => {
      const { page } = await open(options);
      for (const link of ["demo", snapshot, "data/"]) {
        await page.getByRole("link", { name: link }).click();
        await page.locator("table").waitFor();
        expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth"), link).toBe(0);
      }
      await page.screenshot({ path: join(SHOTS, `browse-${name}.png`) });
      expect(await obstacles(page)).toEqual([]);
    });
  }
});
