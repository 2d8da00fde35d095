import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { EXIT_CODES } from "../../../agent/exit-codes.ts";
import { systemClock } from "../../../posix/clock.ts";
import { runHere } from "../../cli/run.ts";
import { configHead } from "../../support/config-head.ts";
import { tempDir } from "../../support/tmp.ts";
import { lacking } from "../../systems/support/lacking.ts";

const missing = lacking("systemd-analyze");

function plan(...words: string[]) {
  const home = tempDir("calendars");
  mkdirSync(join(home, "d"));
  const config = join(home, "config.yaml");
  writeFileSync(
    config,
    `${configHead(home, "/etc/coldkeep/k.key")}nodes:
  icon: { profile: files, roots: { d: ${home}/d }, service: { manager: systemd, unit: icon } }
`,
    { mode: 0o600 },
  );
  const ran = runHere(["install", "--dry-run", "--json", "--config", config, ...words], { clock: systemClock });
  return { ran, left: () => readdirSync(home).sort() };
}

describe.skipIf(missing !== "")(`install --dry-run asks systemd about times${missing}`, () => {
  it.each([
    ["--schedule", "*-*-* 25:00"],
    ["--schedule", "tomorrow night"],
    ["--schedule", "*-*-* 02:00\n[Service]\nExecStart=/bin/sh"],
    ["--schedule=--version", ""],
    ["--drill-schedule", "Sunnday 04:00"],
  ])("and refuses %s %j, as the real one would", async (...words) => {
    const { ran, left } = plan(...words.filter((word) => word !== ""));
    const { code, stdout, stderr } = await ran;
    expect([code, stdout]).toEqual([EXIT_CODES.usage.code, ""]);
    const { error } = JSON.parse(stderr) as { error: { on: string; why?: string } };
    expect(error.on).toContain(words[0]?.split("=")[0]);
    expect(left()).toEqual(["config.yaml", "d"]);
  });

  it("and takes what it understands", async () => {
    const { ran } = plan("--schedule", "Mon..Fri *-*-* 02,14:00", "--drill-schedule", "monthly");
    const { code, stdout } = await ran;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      dry_run: true,
      notes: expect.not.arrayContaining([expect.stringContaining("systemd-analyze")]),
    });
  });
});

it("install --dry-run says so where there is no systemd to ask", async () => {
  vi.stubEnv("PATH", "/nonexistent");
  onTestFinished(() => void vi.unstubAllEnvs());
  const { code, stdout } = await plan("--schedule", "whenever").ran;
  expect(code).toBe(0);
  expect((JSON.parse(stdout) as { notes: string[] }).notes.join()).toContain("systemd-analyze is not here");
});
