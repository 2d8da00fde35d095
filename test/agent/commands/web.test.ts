import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { inflateRawSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../../posix/clock.ts";
import { copyOf, type Host, makeHost } from "../../cli/host.ts";
import { serveHost } from "../../cli/serve.ts";
import { sharedTempDir, tempDir } from "../../support/tmp.ts";

const DAY = 24 * 3_600_000;
const home = sharedTempDir("coldkeep-web-command");
let host: Host;
let snapshot = "";

beforeAll(async () => {
  host = await makeHost(home, { height: 1200 });
  snapshot = (await host.json<{ snapshot: string }>("backup")).snapshot;
});

interface Told {
  readonly node: string;
  readonly vault: string;
  readonly latest: { readonly id: string; readonly at: number } | null;
  readonly dues: readonly [stale: number | null, unproven: number | null];
  readonly alarms: readonly (readonly [kind: string, words: string, todo: string])[];
}

/** What a page tells of its nodes. */
function toldBy(page: string): Told[] {
  const [packed = ""] = (/id="data">([^<]*)</.exec(page)?.[1] ?? "").split(" ");
  return (JSON.parse(inflateRawSync(Buffer.from(packed, "base64")).toString()) as { nodes: Told[] }).nodes;
}

async function pageOf(of: Host, ms = 0): Promise<{ page: string; told: Told[]; code: number }> {
  const file = join(tempDir("coldkeep-web"), "page.html");
  const clock = { now: () => systemClock.now() + ms, monotonic: () => systemClock.monotonic() };
  const { code, stderr } = await of.run(["web", "-o", file, "--json"], { clock });
  expect(code, stderr).toBe(0);
  const page = readFileSync(file, "utf8");
  return { page, told: toldBy(page), code };
}

describe("web", () => {
  it("names the folder that is not there", async () => {
    const error = await host.failure("web", "--output", join(home, "none", "page.html"));
    expect(error).toMatchObject({ kind: "usage", todo: "make it, or name another by --output" });
    expect(error.message).toContain(`page.html: there is no folder ${join(home, "none")}. `);
  });

  it("writes one page of all nodes, which needs no key and replaces the one before", async () => {
    const copy = copyOf(host, tempDir("coldkeep-web"));
    renameSync(copy.key, `${copy.key}.gone`);
    const file = join(copy.home, "page.html");
    writeFileSync(file, "what was there before");
    const { output, bytes, nodes, amiss } = await copy.json<Record<string, unknown>>("web", "--output", file);
    expect({ output, nodes, amiss }).toEqual({ output: file, nodes: 1, amiss: 0 });
    expect(statSync(file).size).toBe(bytes);
    expect(statSync(file).mode & 0o777).toBe(0o644);
    const page = readFileSync(file, "utf8");
    expect(page).toContain("The backup is good");
    expect(toldBy(page)).toMatchObject([{ node: "demo", vault: "", latest: { id: snapshot } }]);
    expect(page).not.toContain(copy.home);
    expect((await copy.run(["web", "-o", file])).stdout).toMatch(
      /page\.html tells of 1 backup, all is well; [\d.]+ kB\n$/,
    );
  });

  it("judges as status does, in the same words, and ends with 0 all the same", async () => {
    const clock = { now: () => systemClock.now() + 3 * DAY, monotonic: () => systemClock.monotonic() };
    const status = JSON.parse((await host.run(["status", "--json"], { clock })).stdout);
    const { page, told } = await pageOf(host, 3 * DAY);
    expect(told[0]?.alarms.map(([kind]) => kind)).toEqual(["stale"]);
    expect(status.nodes[0].alarms.map(({ kind }: { kind: string }) => kind)).toEqual(["stale"]);
    expect(told[0]?.alarms[0]?.[1]).toBe(status.nodes[0].alarms[0].words);
    expect(page).toContain("1 of 1 backup needs attention");
  });

  it("names the vaults where there are several, and tells of those that do not answer", async () => {
    const copy = copyOf(host, tempDir("coldkeep-web"));
    copy.change(
      /^vault:.*$/m,
      `vaults: [{ name: near, url: "file://${copy.vault}" }, { name: far, url: "file:///nowhere/far" }]`,
    );
    const { told } = await pageOf(copy);
    expect(told.map(({ vault, alarms }) => [vault, alarms[0]?.[0]])).toEqual([
      ["far", "unreachable"],
      ["near", undefined],
    ]);
  });

  it("is answered by `coldkeep serve` for a ticket, judged by the configuration", async () => {
    const copy = copyOf(host, tempDir("coldkeep-web"));
    copy.change(/^nodes:/m, "watch: { max_age: 3d }\nnodes:");
    const file = join(copy.home, "demo.ticket");
    await copy.json("ticket", "create", "--expires", "1h", "--to", file);
    const { url } = await serveHost(copy);
    const authorization = `Bearer ${readFileSync(file, "utf8").trim()}`;
    const answer = await fetch(`${url}/status.html`, { headers: { authorization } });
    expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
    const [one, ...others] = toldBy(await answer.text());
    expect(others).toEqual([]);
    expect(one).toMatchObject({ node: "demo", latest: { id: snapshot } });
    expect((one?.dues[0] ?? 0) - (one?.latest?.at ?? 0)).toBe(3 * DAY);
    expect((await fetch(`${url}/status.html`)).status).toBe(401);
  });

  it("says so where it cannot write the page", async () => {
    expect(await host.failure("web", "-o", "/nowhere/page.html")).toMatchObject({ on: "/nowhere/page.html" });
  });

  it("shows the page by what the desktop names, and warns where there is nothing", async () => {
    const bin = tempDir("coldkeep-web");
    const [shown, file] = [join(bin, "shown"), join(bin, "page.html")];
    const before = process.env.PATH;
    try {
      process.env.PATH = bin;
      const alone = await host.run(["web", "-o", file, "--open"]);
      expect(alone.code).toBe(0);
      expect(alone.stderr).toMatch(/no browser was opened: .*xdg-open/);
      mkdirSync(join(bin, "more"));
      writeFileSync(join(bin, "more", "xdg-open"), `#!/bin/sh\nmv "$1" '${shown}'\n`);
      chmodSync(join(bin, "more", "xdg-open"), 0o755);
      process.env.PATH = `${join(bin, "more")}${delimiter}${before}`;
      expect((await host.run(["web", "-o", file, "--open"])).stderr).not.toContain("no browser");
      await expect.poll(() => statSync(shown, { throwIfNoEntry: false })?.size ?? 0).toBeGreaterThan(1000);
    } finally {
      process.env.PATH = before;
    }
  });
});
