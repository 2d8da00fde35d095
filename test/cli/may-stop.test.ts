import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { EXIT_CODES } from "../../agent/exit-codes.ts";
import { plannedFiles } from "../../agent/systemd/units.ts";
import { sharedTempDir } from "../support/tmp.ts";
import { type Host, makeHost } from "./host.ts";

/** A Thursday, noon. */
const NOON = Date.UTC(2026, 0, 15, 12);
const HOUR = 3_600_000;

describe("a backup that is not to be made now", () => {
  const home = sharedTempDir("coldkeep-may-stop");
  let host: Host;
  let written = "";
  let now = NOON;
  const said = join(home, "said");

  beforeAll(async () => {
    host = await makeHost(home);
    // Whoever stops the node leaves a word.
    host.change(/stop: "?rm -f/, (found) => found.replace("rm -f", `echo stopped >> ${said}; rm -f`));
    written = readFileSync(host.config, "utf8");
  });
  beforeEach(() => {
    now = NOON;
  });
  afterEach(async () => {
    writeFileSync(host.config, written);
    await run("resume");
  });

  const run = (...words: string[]) =>
    host.run(words, { clock: { now: () => now, monotonic: () => performance.now() } });
  const stops = () => (existsSync(said) ? readFileSync(said, "utf8").split("\n").length - 1 : 0);
  const configure = (text: string) => host.change(/^( +)when_down:/m, `$1${text}\n$&`);

  /** The node was left alone, and the words are these. */
  async function expectSkip(code: number, words: RegExp): Promise<void> {
    const before = stops();
    const ran = await run("backup");
    expect([ran.code, ran.stdout], ran.stderr).toEqual([code, ""]);
    expect(ran.stderr).toMatch(words);
    expect([stops(), host.isUp()]).toEqual([before, true]);
  }

  async function expectBackup(...flags: string[]): Promise<void> {
    const before = stops();
    const ran = await run("backup", ...flags);
    expect(ran.code, ran.stderr).toBe(0);
    expect(stops()).toBe(before + 1);
  }

  it("while it is paused: until then, then by itself again", async () => {
    expect((await run("pause", "--for", "2h", "--reason", "upgrade")).code).toBe(0);
    await expectSkip(18, /no backup was made: demo: it is paused until 2026-01-15 14:00:00Z \(upgrade\)/i);
    expect((await run("status")).stdout).toMatch(/paused +until 2026-01-15 14:00:00Z: upgrade/);
    expect(JSON.parse((await run("status", "--json")).stdout).nodes[0].paused).toEqual({
      until: NOON + 2 * HOUR,
      reason: "upgrade",
    });
    expect((await run("doctor")).stdout).toMatch(
      /WARN +pause +no backups are made until 2026-01-15 14:00:00Z: upgrade/i,
    );
    expect((await run("backup", "--dry-run")).stdout).toContain("no backup would be made now: it is paused");
    now = NOON + 2 * HOUR;
    await expectBackup();
    expect((await run("status")).stdout).not.toContain("paused");
  });

  it("paused, and resumed; or made anyway", async () => {
    await run("pause", "--until", "2026-01-16 00:00");
    await expectSkip(18, /paused until 2026-01-16 00:00:00Z/);
    await expectBackup("--anyway");
    expect((await run("resume")).code).toBe(0);
    await expectBackup();
  });

  it.each([
    [["pause"], /give --for or --until/i],
    [["pause", "--for", "1h", "--until", "2027-01-01"], /not both/],
    [["pause", "--until", "2025-01-01"], /that moment is over/],
    [["pause", "--for", "soon"], /such as 90s or 5m/],
    [["pause", "--for", "1h", "--node", "other"], /there is no such node/],
  ])("%j is no pause", async (words, why) => {
    const ran = await run(...words);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toMatch(why);
  });

  it("outside its windows, by the clocks of its zone", async () => {
    configure(`windows: ["thu 22:00-23:00"]`);
    configure("timezone: Asia/Seoul");
    await expectSkip(18, /none of its windows is open; the next one opens at 2026-01-15 13:00:00Z/);
    await expectBackup("--anyway");
    now = NOON + HOUR;
    await expectBackup();
  });

  it("while it is syncing, or nobody can tell: its own exit code", async () => {
    configure(`skip_if_syncing: { command: "exit 0" }`);
    await expectSkip(19, /it is catching up: its command ended with status 0/);
    await expectBackup("--anyway");
    host.change('"exit 0"', '"exit 3"');
    await expectBackup();
    host.change('"exit 3"', `"echo 'no answer'; exit 127"`);
    await expectSkip(19, /it could not be told whether it is catching up: .*no answer/);
  });

  it("while it leads: asked last, when all is ready", async () => {
    configure(`skip_if_leader: { command: "echo '{\\"role\\":\\"leader\\"}'", field: role, is: leader }`);
    await expectSkip(18, /it leads: its command answers role: "leader"/);
    expect(existsSync(join(home, ".coldkeep-freeze")), "what was prepared is undone").toBe(false);
    await expectBackup("--anyway");
    host.change("is: leader", "is: [proposer, primary]");
    await expectBackup();
  });

  it("a window that closes while the freeze is prepared: the node is not stopped", async () => {
    configure(`windows: ["12:00-12:05"]`);
    // Time goes on once the node was asked whether it runs, which is after the first look at the windows.
    const asked = join(home, "asked");
    host.change(/is_running: "?test/, (found) => found.replace("test", `touch ${asked}; test`));
    const before = stops();
    const clock = { now: () => (existsSync(asked) ? NOON + HOUR : NOON), monotonic: () => performance.now() };
    const ran = await host.run(["backup"], { clock });
    expect([ran.code, stops(), existsSync(asked)], ran.stderr).toEqual([18, before, true]);
  });

  it("is no failure for systemd", () => {
    const plan = {
      ...{ exec: ["coldkeep"], config: "/c", schedule: "daily", drillSchedule: "weekly", delay: "1h" },
      ...{
        credential: null,
        stateDir: "/var/lib/coldkeep",
        writable: [],
        mounts: [],
        drives: [],
        startsNodes: false,
        groups: [],
        home: false,
      },
    };
    const unit = plannedFiles(plan as unknown as Parameters<typeof plannedFiles>[0]).find(({ path }) =>
      path.endsWith("coldkeep@.service"),
    );
    expect(unit?.content).toContain(`SuccessExitStatus=${EXIT_CODES.skipped.code} ${EXIT_CODES.syncing.code}\n`);
  });
});
