import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { makeHost } from "../cli/host.ts";
import { sharedTempDir } from "../support/tmp.ts";

/** What Prometheus' own programs say of what is written for them. */
const has = (program: string) => spawnSync(program, ["--version"]).error === undefined;
const lacking = ["promtool", "prometheus-node-exporter"].filter((program) => !has(program));
const skipped =
  lacking.length === 0
    ? ""
    : ` (skipped: no ${lacking.join(", ")}; apt-get install prometheus prometheus-node-exporter)`;
const RULES = new URL("../../docs/monitoring/alerts.yaml", import.meta.url).pathname;

const promtool = (words: readonly string[], input = "") => spawnSync("promtool", words, { input, encoding: "utf8" });

describe.skipIf(lacking.length > 0)(`monitoring${skipped}`, () => {
  const home = sharedTempDir("coldkeep-monitoring");
  const folder = join(home, "textfile");

  beforeAll(async () => {
    const host = await makeHost(home, { height: 1200 });
    await host.json("backup");
    await host.json("drill");
    mkdirSync(folder);
    const vault = readFileSync(host.config, "utf8").match(/^vault: .*$/m)?.[0] ?? "";
    host.change(
      vault,
      `vaults: [{ name: near, url: "file://${host.vault}" }, { name: far, url: "file:///nowhere/far" }]`,
    );
    await host.run(["status", "--metrics", join(folder, "coldkeep.prom")]);
  });

  it("promtool finds nothing wrong with the metrics", () => {
    const text = readFileSync(join(folder, "coldkeep.prom"), "utf8");
    expect(promtool(["check", "metrics"], text)).toMatchObject({ status: 0, stdout: "", stderr: "" });
    // It can tell: a name that says nothing of its unit's form is found.
    expect(promtool(["check", "metrics"], "# TYPE a_total gauge\na_total 1\n").status).not.toBe(0);
  });

  it("a real node_exporter serves them from its textfile collector, without an error", async () => {
    const exporter = spawn(
      "prometheus-node-exporter",
      [
        ...["--collector.disable-defaults", "--collector.textfile", `--collector.textfile.directory=${folder}`],
        "--web.listen-address=127.0.0.1:0",
      ],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    onTestFinished(() => void exporter.kill());
    const address = await new Promise<string>((resolve, reject) => {
      let log = "";
      exporter.once("error", reject).once("exit", () => reject(new Error(log)));
      exporter.stderr.on("data", (part) => {
        log += part;
        const [, found] = /address=(127\.0\.0\.1:\d+)/.exec(log) ?? [];
        if (found !== undefined) resolve(found);
      });
    });
    const served = await (await fetch(`http://${address}/metrics`)).text();
    expect(served).toMatch(/^node_textfile_scrape_error 0$/m);
    const written = readFileSync(join(folder, "coldkeep.prom"), "utf8");
    const samples = (text: string) =>
      [...text.matchAll(/^(coldkeep_\w+)(?:\{([^}]*)\})? (\S+)$/gm)]
        .map(([, name, labels = "", value]) => `${name} ${labels.split(",").sort().join()} ${Number(value)}`)
        .sort();
    expect(samples(served)).toEqual(samples(written));
    expect(samples(written).length).toBeGreaterThan(20);
  });

  it("promtool finds the alerts right, and they ring when they should and only then", () => {
    expect(promtool(["check", "rules", RULES])).toMatchObject({ status: 0 });
    const tests = join(home, "rules.test.yaml");
    const alarm = (value: string) => `'coldkeep_alarm{node="icon",vault="main",kind="stale"}', values: '${value}'`;
    writeFileSync(
      tests,
      `rule_files: [${RULES}]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - { series: ${alarm("1x60")} }
      - { series: 'coldkeep_status_timestamp_seconds', values: '0+60x60' }
    alert_rule_test:
      - { eval_time: 10m, alertname: ColdkeepAlarm }
      - eval_time: 30m
        alertname: ColdkeepAlarm
        exp_alerts:
          - exp_labels: { severity: critical, node: icon, vault: main, kind: stale }
            exp_annotations:
              summary: "icon in main: stale"
              description: "coldkeep status --node icon tells what is amiss, and what to do."
      - { eval_time: 30m, alertname: ColdkeepNotWatched }
  - interval: 1m
    input_series:
      - { series: ${alarm("0x60")} }
    alert_rule_test:
      - { eval_time: 30m, alertname: ColdkeepAlarm }
      - eval_time: 30m
        alertname: ColdkeepNotWatched
        exp_alerts:
          - exp_labels: { severity: critical }
            exp_annotations: { summary: "Nobody has looked at the backups for three hours" }
`,
    );
    expect(execFileSync("promtool", ["test", "rules", tests], { encoding: "utf8" })).toContain("SUCCESS");
  });
});
