import { spawnSync } from "node:child_process";
import { chmodSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { monthlyCost } from "../../../agent/commands/status-cost.ts";
import { systemClock } from "../../../posix/clock.ts";
import type { IndexEntry } from "../../../vault/card/index.ts";
import { copyOf, type Host, makeHost } from "../../cli/host.ts";
import { sharedTempDir, tempDir } from "../../support/tmp.ts";

interface Status {
  readonly ok: boolean;
  readonly nodes: readonly {
    readonly node: string;
    readonly ok: boolean;
    readonly alarms: readonly { readonly kind: string; readonly words: string }[];
    readonly latest: { readonly snapshot: string } | null;
    readonly next_run: number | null;
    readonly error?: { readonly kind: string };
  }[];
}

const DAY = 24 * 3_600_000;
const home = sharedTempDir("coldkeep-status");
let host: Host;
let snapshot = "";

beforeAll(async () => {
  host = await makeHost(home, { height: 1200 });
  snapshot = (await host.json<{ snapshot: string }>("backup")).snapshot;
});

/** The status as it is some time from now, and its exit code. */
async function later(copy: Host, ms: number): Promise<{ code: number; status: Status; error: string }> {
  const clock = { now: () => systemClock.now() + ms, monotonic: () => systemClock.monotonic() };
  const { code, stdout, stderr } = await copy.run(["status", "--json"], { clock });
  return { code, status: JSON.parse(stdout) as Status, error: stderr };
}

describe("status", () => {
  it("shows one screen a node, and ends with 0 where all is well", async () => {
    const { code, stdout, stderr } = await host.run(["status"]);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^demo {2}good {2}in main, file:\/\//);
    expect(stdout).toContain(`latest    ${snapshot}, `);
    expect(stdout).toMatch(/height +1,200\n/);
    expect(stdout).toMatch(/proven +never by a restore drill\n/);
    expect(stdout).toMatch(/size +\d+ kB in 2 files; down for \d+/);
    expect(stdout).toMatch(/tiers +keep_within 7d \(nothing is written/);
    expect(stdout.trimEnd().split("\n").length).toBeLessThan(12);
  });

  it("tells a month's bill of a bucket at AWS, and none of a folder or another server", () => {
    const entry = (stored: number, day: number) =>
      ({ state: "good", received: day * DAY, bytes: { total: 6e11, stored, added: stored, files: 1 } }) as IndexEntry;
    const entries = [entry(5e9, 2), entry(5e9, 1), entry(5e11, 0)];
    const cost = monthlyCost({ s3: {} }, entries, false);
    expect(cost?.currency).toBe("USD");
    // 500 GB and what a day adds, kept 30 days, at some 2.3 cents a GB, and little beside it.
    expect(cost?.month).toBeGreaterThan(11);
    expect(cost?.month).toBeLessThan(25);
    expect(monthlyCost({}, entries, false)).toBeNull();
    expect(monthlyCost({ s3: { endpoint: "http://127.0.0.1:1" } }, entries, false)).toBeNull();
    expect(monthlyCost({ s3: {} }, [], false)).toBeNull();
  });

  it("needs no key", async () => {
    const copy = copyOf(host, tempDir("coldkeep-status"));
    renameSync(copy.key, `${copy.key}.gone`);
    expect((await copy.run(["status"])).code).toBe(0);
  });

  it("ends with 20 where the newest is too old: after 26 hours, or as the configuration says", async () => {
    expect((await later(host, DAY)).code).toBe(0);
    const { code, status, error } = await later(host, 2 * DAY);
    expect(code).toBe(20);
    expect(status).toMatchObject({ ok: false, nodes: [{ node: "demo", ok: false, alarms: [{ kind: "stale" }] }] });
    expect(JSON.parse(error)).toMatchObject({ error: { kind: "stale", exit_code: 20 } });
    const copy = copyOf(host, tempDir("coldkeep-status"));
    copy.change(/^nodes:/m, "watch: { max_age: 3d, max_unproven: 10d }\nnodes:");
    expect((await later(copy, 2 * DAY)).code).toBe(0);
    expect((await later(copy, 4 * DAY)).code).toBe(20);
    copy.change(/^( +)when_down:/m, "$1watch: { max_age: 30d }\n$&");
    expect((await later(copy, 4 * DAY)).code).toBe(0);
    expect(await later(copy, 11 * DAY)).toMatchObject({
      code: 21,
      status: { nodes: [{ alarms: [{ kind: "unproven" }] }] },
    });
  });

  it("ends with 20 where there is none", async () => {
    const fresh = await makeHost(tempDir("coldkeep-status"));
    const { code, status } = await later(fresh, 0);
    expect(code).toBe(20);
    expect(status.nodes[0]).toMatchObject({ latest: null, alarms: [{ kind: "none" }] });
  });

  it("tells of the vaults that answer, and ends with the code of what keeps another from it", async () => {
    const copy = copyOf(host, tempDir("coldkeep-status"));
    copy.change(
      /^vault:.*$/m,
      `vaults: [{ name: near, url: "file://${copy.vault}" }, { name: far, url: "file:///nowhere/far" }]`,
    );
    const { code, status } = await later(copy, 0);
    expect(code).not.toBe(0);
    expect(status.nodes.map(({ ok }) => ok)).toEqual([true, false]);
    expect(status.nodes[1]).toMatchObject({ alarms: [{ kind: "unreachable" }], latest: null });
    expect((await copy.run(["status", "--vault", "near"])).code).toBe(0);
  });

  it("writes metrics that Prometheus reads, also of a vault that does not answer", async () => {
    const copy = copyOf(host, tempDir("coldkeep-status"));
    copy.change(
      /^vault:.*$/m,
      `vaults: [{ name: near, url: "file://${copy.vault}" }, { name: far, url: "file:///nowhere/far" }]`,
    );
    const file = join(copy.home, "coldkeep.prom");
    await copy.run(["status", "--metrics", file]);
    const text = readFileSync(file, "utf8");
    const line = /^(# (HELP|TYPE) coldkeep_[a-z_]+ .+|coldkeep_[a-z_]+(\{([a-z]+="[^"\n]*",?)+\})? -?\d+(\.\d+)?)$/;
    expect(
      text
        .trimEnd()
        .split("\n")
        .filter((one) => !line.test(one)),
    ).toEqual([]);
    expect(text).toContain('coldkeep_vault_up{node="demo",vault="near"} 1\n');
    expect(text).toContain('coldkeep_vault_up{node="demo",vault="far"} 0\n');
    expect(text).toContain('coldkeep_latest_height{node="demo",vault="near",channel=""} 1200\n');
    expect(text).toContain('coldkeep_snapshots{node="demo",vault="near",state="good"} 1\n');
    expect(text).toContain('coldkeep_alarm{node="demo",vault="far",kind="unreachable"} 1\n');
    // What is not known is not said to be 0.
    expect(text).not.toMatch(/coldkeep_(latest|proven)[a-z_]*\{node="demo",vault="far"/);
    expect(statSync(file).mode & 0o777).toBe(0o644);
    const promtool = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
    if (promtool.error === undefined) expect(promtool.status, promtool.stderr + promtool.stdout).toBe(0);
    else console.log("promtool is not here: only the form of each line was looked at");
  });

  it("does not take a damaged index for an empty one", async () => {
    const copy = copyOf(host, tempDir("coldkeep-status"));
    const index = join(copy.vault, "demo", "index.json");
    chmodSync(index, 0o600);
    writeFileSync(index, "{");
    const { code, status } = await later(copy, 0);
    expect(code).not.toBe(0);
    expect(status.nodes[0]?.alarms).toMatchObject([{ kind: "unreachable", words: expect.stringContaining("rebuild") }]);
  });
});
