import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { strayTimers } from "../../../agent/systemd/index.ts";
import { systemClock } from "../../../posix/clock.ts";
import { runHere } from "../../cli/run.ts";
import { configHead } from "../../support/config-head.ts";
import { tempDir } from "../../support/tmp.ts";

/** What `install --dry-run` would enable and disable, for three nodes of which two are a group. */
async function timers(group: string, ...words: string[]): Promise<string[]> {
  const home = tempDir("group-timers");
  const node = (name: string) => {
    mkdirSync(join(home, name));
    return `  ${name}: { profile: files, roots: { d: ${home}/${name} }, service: { manager: systemd, unit: ${name} } }\n`;
  };
  const config = join(home, "config.yaml");
  writeFileSync(
    config,
    `${configHead(home, "/etc/coldkeep/k.key")}nodes:
${["alone", "orderer", "peer"].map(node).join("")}groups: { fabric: ${group} }
`,
    { mode: 0o600 },
  );
  const ran = await runHere(["install", "--dry-run", "--json", "--config", config, ...words], { clock: systemClock });
  expect([ran.code, ran.stderr]).toEqual([0, ""]);
  const { steps } = JSON.parse(ran.stdout) as { steps: string[] };
  return steps
    .filter((step) => step.includes(".timer"))
    .map((step) => step.replace(/^systemctl (enable|disable) --now coldkeep(\S+)\.timer.*$/, "$1 $2"));
}

const DRILLS = ["enable -drill@alone", "enable -drill@orderer", "enable -drill@peer"];

it("a group has one timer for all, and a member none of its own but for drills", async () => {
  expect(await timers("{ order: [peer, orderer] }")).toEqual([
    ...["disable @orderer", "disable @peer", "enable @alone", "enable -group@fabric"],
    ...DRILLS,
  ]);
});

it("own_timers: true gives the members theirs too", async () => {
  expect(await timers("{ order: [peer, orderer], own_timers: true }")).toEqual([
    ...["enable @alone", "enable @orderer", "enable @peer", "enable -group@fabric"],
    ...DRILLS,
  ]);
});

it("--node: the timers that back up that node", async () => {
  const group = "{ order: [peer, orderer] }";
  expect(await timers(group, "--node", "alone")).toEqual(["enable @alone", "enable -drill@alone"]);
  expect(await timers(group, "--node", "peer")).toEqual([
    ...["disable @peer", "enable -group@fabric", "enable -drill@peer"],
  ]);
});

it("those of what the configuration no longer has are strays, and nobody else's", () => {
  const listed = ["@alone", "@gone", "-drill@alone", "-drill@gone", "-group@fabric", "-group@gone", "-watch", "-mine"];
  const names = (...all: string[]) => all.map((name) => `coldkeep${name}.timer`);
  const known = { nodes: ["alone"], groups: ["fabric"], watches: true };
  expect(strayTimers(names(...listed), known)).toEqual(names("@gone", "-drill@gone", "-group@gone"));
  expect(
    strayTimers(["coldkeep-recover.service", ...names(...listed)], { ...known, groups: [], watches: false }),
  ).toEqual(names("@gone", "-drill@gone", "-group@fabric", "-group@gone", "-watch"));
});
