import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { EMF_NAMESPACE, type Measured, renderEmf, renderMetrics } from "../../agent/watch/index.ts";
import { METRIC_NAMESPACE } from "../../lambdas/common/contract.ts";
import type { IndexEntry } from "../../vault/card/index.ts";

/** docs/monitoring against what is really emitted. */
const NOW = Date.UTC(2026, 0, 15);
const latest = {
  snapshot: "20260115T000000Z-bh1200-0123456789abcdef",
  received: NOW - 60_000,
  heights: { "": 1200 },
  bytes: { total: 10, added: 5, stored: 4, files: 1 },
  downtime_ms: 250,
} as unknown as IndexEntry;
const measured: Measured = {
  node: "icon",
  vault: "main",
  next: NOW + 3_600_000,
  standing: {
    latest,
    ageMs: 60_000,
    proven: { snapshot: latest.snapshot, at: NOW - 120_000 },
    counts: { good: 1, broken: 0, damaged: 0, expired: 0 },
    storedBytes: 4,
    growth: null,
    dues: { stale: null, unproven: null },
    alarms: [],
  },
};
const emitted = new Set([...renderMetrics([measured], NOW).matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name));
const read = (name: string) => readFileSync(new URL(`../../docs/monitoring/${name}`, import.meta.url), "utf8");
const metricsIn = (text: string) => [...text.matchAll(/\bcoldkeep_\w+/g)].map(([name]) => name);

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  readonly gridPos: Readonly<Record<"x" | "y" | "w" | "h", number>>;
  readonly targets: readonly { readonly refId: string; readonly expr: string }[];
}

it("alerts and the page ask for nothing that is not emitted", () => {
  expect(emitted.size).toBeGreaterThan(10);
  for (const name of ["alerts.yaml", "README.md"]) {
    const unknown = metricsIn(read(name)).filter((metric) => !emitted.has(metric));
    expect(unknown, name).toEqual([]);
  }
});

it("the dashboard is one that Grafana imports, and each panel asks for what is emitted", () => {
  const dashboard = JSON.parse(read("grafana.json")) as {
    readonly title: string;
    readonly schemaVersion: number;
    readonly templating: { readonly list: readonly { readonly name: string; readonly query: string }[] };
    readonly panels: readonly Panel[];
  };
  expect(dashboard).toMatchObject({ title: "coldkeep", schemaVersion: expect.any(Number), uid: expect.any(String) });
  const variables = dashboard.templating.list.map(({ name }) => name);
  expect(variables).toEqual(["datasource", "node", "vault"]);
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  const places = new Set<string>();
  for (const { title, type, gridPos, targets } of dashboard.panels) {
    expect(["stat", "bargauge", "timeseries"], title).toContain(type);
    expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        expect(places.has(`${x} ${y}`), `${title} lies over another panel`).toBe(false);
        places.add(`${x} ${y}`);
      }
    }
    expect(targets.length, title).toBeGreaterThan(0);
    for (const { refId, expr } of targets) {
      expect(refId).toMatch(/^[A-Z]$/);
      const asked = metricsIn(expr);
      expect(asked.length, expr).toBeGreaterThan(0);
      expect(
        asked.filter((metric) => !emitted.has(metric)),
        expr,
      ).toEqual([]);
      for (const [, used = ""] of expr.matchAll(/\$(\w+)/g)) expect(variables, expr).toContain(used);
    }
  }
  const queries = dashboard.templating.list.map(({ query }) => query).join(" ");
  expect(metricsIn(queries).filter((metric) => !emitted.has(metric))).toEqual([]);
});

it("a host's lines of the embedded metric format are what CloudWatch takes", () => {
  expect(EMF_NAMESPACE).toBe(METRIC_NAMESPACE);
  const far: Measured = {
    ...measured,
    vault: "far",
    next: null,
    standing: { ...measured.standing, latest: null, proven: null, alarms: [{ kind: "unreachable", why: "no route" }] },
  };
  const [near, unreachable] = renderEmf([measured, far], NOW)
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  for (const line of [near, unreachable]) {
    const [directive] = line._aws.CloudWatchMetrics;
    expect(line._aws.Timestamp).toBe(NOW);
    expect(directive.Dimensions).toEqual([["node", "vault"]]);
    // Each metric and dimension that is named is a member of the line, as the specification wants it.
    for (const { Name, Unit } of directive.Metrics) {
      expect(line[Name], Name).toEqual(expect.any(Number));
      expect(["Seconds", "Milliseconds", "Bytes", "Count"]).toContain(Unit);
      expect(read("README.md")).toContain(`\`${Name}\``);
    }
    for (const dimension of directive.Dimensions[0]) expect(line[dimension]).toEqual(expect.any(String));
  }
  expect(near).toMatchObject({
    LatestAge: 60,
    LatestDowntime: 250,
    VaultUp: 1,
    Alarms: 0,
    NextRunIn: 3600,
    ProvenAge: 120,
  });
  // What is not known is not said to be 0.
  expect(Object.keys(unreachable).sort()).toEqual(["Alarms", "VaultUp", "_aws", "node", "vault"]);
});
