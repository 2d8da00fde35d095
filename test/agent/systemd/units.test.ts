import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { type InstallPlan, plannedFiles, timersOf } from "../../../agent/systemd/index.ts";
import { sharedTempDir } from "../../support/tmp.ts";

const PLAN: InstallPlan = {
  exec: [process.execPath, "/usr/lib/coldkeep/dist/cold keep.mjs"],
  config: "/etc/coldkeep/config.yaml",
  stateDir: "/var/lib/coldkeep",
  nodes: ["icon"],
  groups: ["fabric"],
  drilled: ["icon", "peer0", "orderer0"],
  writable: ["/backup/vault", "/srv/with space"],
  mounts: ["/backup/vault", "/srv/with space/data"],
  local: false,
  watches: true,
  home: true,
  drives: ["icon.service"],
  startsNodes: true,
  credential: { name: "coldkeep-key", from: "/etc/coldkeep/icon.key", sealed: true },
  schedule: "*-*-* 02:00",
  delay: "30m",
  drillSchedule: "Sun *-*-* 04:00",
};

/** The most that a plan can ask for, and the least. */
const PLANS: readonly (readonly [string, InstallPlan])[] = [
  ["all that can be asked for", PLAN],
  [
    "a local vault and nothing else",
    {
      ...PLAN,
      local: true,
      watches: false,
      home: false,
      credential: null,
      drives: [],
      startsNodes: false,
      mounts: [],
      groups: [],
    },
  ],
];

const contentOf = (plan: InstallPlan, name: string) =>
  plannedFiles(plan).find(({ path }) => basename(path) === name)?.content ?? "";

const analyze = spawnSync("systemd-analyze", ["--version"]).status === 0;
if (!analyze && process.env.CI !== undefined) throw new Error("CI has no systemd-analyze: apt-get install systemd");

describe.skipIf(!analyze).each(PLANS)(
  `units for %s, as systemd-analyze sees them${analyze ? "" : " (skipped: no systemd-analyze)"}`,
  (_, plan) => {
    const folder = sharedTempDir("coldkeep-units");
    mkdirSync(folder, { recursive: true });
    const units = plannedFiles(plan).filter(({ path }) => path.startsWith("/etc/systemd/system/"));
    for (const { path, content } of units) writeFileSync(join(folder, basename(path)), content);

    it("are verified without a word", () => {
      const paths = units.map(({ path }) => join(folder, basename(path)));
      const { status, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", ...paths], { encoding: "utf8" });
      // What is said of this machine's own units is none of ours.
      expect(stderr.split("\n").filter((line) => line.includes("coldkeep"))).toEqual([]);
      expect(status).toBe(0);
    });

    it.each(units.map(({ path }) => basename(path)).filter((name) => name.endsWith(".service")))(
      "%s is exposed by 2.0 at most",
      (name) => {
        const words = ["security", "--offline=yes", "--no-pager", "--threshold=20", join(folder, name)];
        const { status, stdout } = spawnSync("systemd-analyze", words, { encoding: "utf8" });
        expect(stdout).toMatch(/Overall exposure level/);
        expect(
          status,
          stdout
            .split("\n")
            .filter((line) => !line.includes("✓"))
            .join("\n"),
        ).toBe(0);
      },
    );
  },
);

describe("units", () => {
  it("keep memory out of core dumps and run as their user", () => {
    for (const name of [
      "coldkeep@.service",
      "coldkeep-group@.service",
      "coldkeep-drill@.service",
      "coldkeep-recover.service",
    ]) {
      expect(contentOf(PLAN, name)).toMatch(/^LimitCORE=0$/m);
      expect(contentOf(PLAN, name)).toMatch(/^User=coldkeep$/m);
      expect(contentOf(PLAN, name)).toMatch(/^CapabilityBoundingSet=CAP_DAC_READ_SEARCH CAP_FOWNER CAP_SYS_PTRACE$/m);
    }
  });

  it("hand no niceness down to a node, and leave one alone that a script of its own started", () => {
    const least: InstallPlan = { ...PLAN, startsNodes: false };
    for (const name of ["coldkeep@.service", "coldkeep-group@.service", "coldkeep-recover.service"]) {
      expect(contentOf(PLAN, name)).not.toMatch(/^(Nice|CPUSchedulingPolicy|IOSchedulingClass)=/m);
      expect(contentOf(PLAN, name)).toMatch(/^KillMode=process$/m);
      expect(contentOf(least, name)).not.toContain("KillMode");
    }
    expect(contentOf(PLAN, "coldkeep-drill@.service")).not.toContain("KillMode");
  });

  it("quote what has spaces, and leave what systemd itself puts in", () => {
    const unit = contentOf(PLAN, "coldkeep@.service");
    expect(unit).toContain(
      `"/usr/lib/coldkeep/dist/cold keep.mjs" backup --node %i --config /etc/coldkeep/config.yaml\n`,
    );
    expect(unit).toContain('ReadWritePaths=-"/srv/with space"\n');
  });

  it("have a group backed up as one set, and only where there is one", () => {
    const unit = contentOf(PLAN, "coldkeep-group@.service");
    expect(unit).toContain(`backup --group %i --config /etc/coldkeep/config.yaml\n`);
    expect(unit).toMatch(/^SuccessExitStatus=18 19$/m);
    expect(contentOf(PLAN, "coldkeep-group@.timer")).toMatch(/^Description=coldkeep backup of the group %i/m);
    expect(contentOf({ ...PLAN, groups: [] }, "coldkeep-group@.service")).toBe("");
    expect(timersOf(PLAN)).toEqual([
      ...["coldkeep@icon.timer", "coldkeep-group@fabric.timer", "coldkeep-drill@icon.timer"],
      ...["coldkeep-drill@peer0.timer", "coldkeep-drill@orderer0.timer", "coldkeep-watch.timer"],
    ]);
  });

  it("talk to nobody where every vault is on this host", () => {
    expect(contentOf({ ...PLAN, local: true }, "coldkeep@.service")).toMatch(/^IPAddressDeny=any$/m);
    expect(contentOf(PLAN, "coldkeep@.service")).not.toMatch(/IPAddressDeny/);
  });

  it("take no percent sign or dollar of a path for their own", () => {
    const unit = contentOf({ ...PLAN, config: "/etc/100%/$x.yaml" }, "coldkeep@.service");
    expect(unit).toContain("--config /etc/100%%/$$x.yaml\n");
  });

  it("make up for a missed run, and begin with a delay of their own", () => {
    const timer = contentOf(PLAN, "coldkeep@.timer");
    expect(timer).toMatch(/^RandomizedDelaySec=30m$/m);
    expect(timer).toMatch(/^Persistent=true$/m);
    expect(contentOf(PLAN, "coldkeep@.service")).toMatch(/^OnFailure=coldkeep-failed@%n\.service$/m);
  });
});

describe("the polkit rule", () => {
  type Rule = (action: { id: string; lookup(name: string): string }, subject: { user: string }) => string | undefined;
  const rules: Rule[] = [];
  const polkit = { addRule: (rule: Rule) => rules.push(rule), Result: { YES: "yes" } };
  runInNewContext(contentOf(PLAN, "50-coldkeep.rules"), { polkit });
  const ask = (id: string, unit: string, verb: string, user = "coldkeep") =>
    rules[0]?.({ id, lookup: (name) => ({ unit, verb })[name] ?? "" }, { user });
  const MANAGE = "org.freedesktop.systemd1.manage-units";

  it("lets the user stop and start the node", () => {
    expect(ask(MANAGE, "icon.service", "stop")).toBe("yes");
    expect(ask(MANAGE, "icon.service", "start")).toBe("yes");
  });

  it.each([
    [MANAGE, "icon.service", "restart", "coldkeep"],
    [MANAGE, "icon.service", "set-property", "coldkeep"],
    [MANAGE, "sshd.service", "stop", "coldkeep"],
    [MANAGE, "icon.service", "stop", "nobody"],
    ["org.freedesktop.systemd1.manage-unit-files", "icon.service", "start", "coldkeep"],
  ])("says nothing of %s %s %s by %s", (id, unit, verb, user) => {
    expect(ask(id, unit, verb, user)).toBeUndefined();
  });
});

it.skipIf(!analyze)("the default schedule is one", () => {
  expect(execFileSync("systemd-analyze", ["calendar", PLAN.schedule], { encoding: "utf8" })).toContain("Next elapse");
});
