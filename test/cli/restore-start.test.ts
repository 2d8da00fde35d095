import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { outlookText } from "../../agent/commands/restore-outlook.ts";
import { systemClock } from "../../posix/clock.ts";
import { sharedTempDir, tempDir } from "../support/tmp.ts";
import { toolOrSkip } from "../support/tools.ts";
import { copyOf, type Host, makeHost } from "./host.ts";
import { runHere } from "./run.ts";
import { serveHost } from "./serve.ts";

const CLI = fileURLToPath(new URL("../../bin/coldkeep.mjs", import.meta.url));
const script = toolOrSkip("script", "bsdutils");

/** A restore in place that ends with a node that runs, and the plan and the question before it. */
const home = sharedTempDir("coldkeep-restart");
let host: Host;

beforeAll(async () => {
  host = await makeHost(home);
  // It tells its height while it runs, as real nodes do, from a file that a test can change.
  host.change(/^( +)when_down:/m, `$1height: { command: 'test -e ${home}/up && cat ${home}/height' }\n$&`);
  writeFileSync(join(home, "height"), "1200\n");
  await host.json("backup");
});

/** A host of which the node is down and its data lost. */
function broken(): Host {
  const copy = copyOf(host, tempDir("coldkeep-restart"));
  rmSync(join(copy.home, "up"));
  writeFileSync(join(copy.data, "small"), "scribbled over\n");
  return copy;
}

const small = (copy: Host) => readFileSync(join(copy.data, "small"), "utf8");

describe("a restore in place", () => {
  it("ends with the node running and its height compared, and says so before", async () => {
    const copy = broken();
    const { code, stdout, stderr } = await copy.run(["restore", "latest"]);
    expect(code, stderr).toBe(0);
    expect([copy.isUp(), small(copy)]).toEqual([true, "hello\n"]);
    expect(stdout).toMatch(/then +the node is started\n/);
    expect(stdout).toMatch(/demo runs again and is well after .*, at height 1,200, its snapshot's is 1,200\./);
    // It runs: nobody is told to start it, by the profile's words either.
    expect(stdout).not.toMatch(/Start (demo|the node)/);
  });

  it("takes a height below its snapshot's for no failure, as the node may read its blocks first, but tells it", async () => {
    const copy = broken();
    writeFileSync(join(copy.home, "height"), "900\n");
    const { code, stdout, stderr } = await copy.run(["restore", "latest"]);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(
      /demo runs again .*, but it is at height 900, its snapshot at 1,200: see that it gets there/,
    );
  });

  it("is foretold to be refused by --dry-run while the node runs, and is", async () => {
    const copy = broken();
    writeFileSync(join(copy.home, "up"), "");
    const dry = await copy.run(["restore", "latest", "--dry-run"]);
    expect(dry.code).toBe(0);
    expect(dry.stderr).toMatch(/ warn as things are it would be refused: the node runs: demo: .*stop it first/i);
    const ran = await copy.run(["restore", "latest"]);
    expect([ran.code, small(copy)]).toEqual([12, "scribbled over\n"]);
    const beside = await copy.run(["restore", "latest", "--to", join(copy.home, "beside"), "--dry-run"]);
    expect(beside.stderr).not.toContain("refused");
  });

  it("leaves the node stopped with --no-start, with a service manager that starts nothing, and after --dry-run", async () => {
    const copy = broken();
    const dry = await copy.run(["restore", "latest", "--dry-run"]);
    expect([dry.code, copy.isUp()]).toEqual([0, false]);
    expect(dry.stderr).not.toContain("refused");
    const { code, stdout, stderr } = await copy.run(["restore", "latest", "--no-start"]);
    expect(code, stderr).toBe(0);
    expect([copy.isUp(), small(copy)]).toEqual([false, "hello\n"]);
    expect(stdout).toMatch(/then +the node stays stopped\n/);
    expect(stdout).toContain("demo was left stopped, as --no-start says. Start demo now: touch");
    copy.change(/service:[\s\S]*?(?=\n {4}\w)/, "service: { manager: none }");
    const none = await copy.run(["restore", "latest"]);
    expect([none.code, copy.isUp()]).toEqual([0, false]);
    expect(none.stdout).toContain("Start demo now, and see that it answers.");
  });

  it("ends with an exit code of its own where the node does not start; the data is there, and what was kept is told", async () => {
    const copy = broken();
    copy.change(/touch \S+\/up/, "exit 7");
    copy.change(/start_timeout: .*/, "start_timeout: 1s");
    const { code, stdout, stderr } = await copy.run(["restore", "latest", "--keep-old"]);
    expect([code, copy.isUp(), small(copy)]).toEqual([6, false, "hello\n"]);
    expect(stderr).toMatch(/the data is restored, but the node could not be started/i);
    expect(stdout).toMatch(/kept +\S+\.coldkeep-old-/);
    expect(stdout).toContain("Start demo now");
    expect(stdout).not.toContain("runs again");
  });

  it("starts no node that is a validator only by what was restored", async () => {
    const copy = copyOf(host, tempDir("coldkeep-restart"));
    copy.change("profile: files", "profile: goloop");
    const chain = join(copy.data, "1");
    mkdirSync(chain);
    writeFileSync(join(chain, "genesis.zip"), "");
    const play = (role: number) => writeFileSync(join(chain, "config.json"), `{ "nid": 1, "role": ${role} }`);
    play(3);
    await copy.json("backup");
    rmSync(join(copy.home, "up"));
    play(0);
    const error = await copy.failure("restore", "latest", "--wait-healthy");
    expect(error).toMatchObject({ kind: "refused", exit_code: 12 });
    expect(error.message).toMatch(
      /the data is restored, but the node was not started: as restored it may be a validator/,
    );
    expect(readFileSync(join(chain, "config.json"), "utf8")).toContain('"role": 3');
    expect(copy.isUp()).toBe(false);
  });

  it("does not mind that somebody starts the node, too", async () => {
    const copy = broken();
    // As of a supervisor that was quicker: a start of a node that runs fails.
    copy.change(/touch (\S+\/up)/, (found) => `${found}; exit 1`);
    const { code, stderr } = await copy.run(["restore", "latest"]);
    expect([code, copy.isUp()], stderr).toEqual([0, true]);
  });
});

describe("restore --wait-healthy", () => {
  it("ends with the node running, at least as high as its snapshot", async () => {
    const copy = broken();
    writeFileSync(join(copy.home, "height"), "1201\n");
    const { code, stdout, stderr } = await copy.run(["restore", "latest", "--wait-healthy"]);
    expect(code, stderr).toBe(0);
    expect(copy.isUp()).toBe(true);
    expect(small(copy)).toBe("hello\n");
    expect(stdout).toMatch(/demo runs again and is well after .*, at height 1,201, its snapshot's is 1,200\./);
    expect(stdout).not.toContain("Start demo now");
  });

  it("waits for the height, and says by an exit code of its own that it was not reached", async () => {
    const copy = broken();
    writeFileSync(join(copy.home, "height"), "900\n");
    const error = await copy.failure("restore", "latest", "--wait-healthy", "--wait-limit", "1s");
    expect(error).toMatchObject({ kind: "not-well", exit_code: 22 });
    expect(error.message).toMatch(/at height 900, its snapshot at 1,200/);
    expect([copy.isUp(), small(copy)]).toEqual([true, "hello\n"]);
  });

  it("says that the node may be down where it does not start", async () => {
    const copy = broken();
    copy.change(/touch \S+\/up/, "exit 7");
    const error = await copy.failure("restore", "latest", "--wait-healthy", "--wait-limit", "1s");
    expect(error).toMatchObject({ kind: "node-start", exit_code: 6 });
    expect(small(copy)).toBe("hello\n");
  });

  it("is refused, before anything is done, where it could not start the node", async () => {
    const copy = broken();
    expect(await copy.failure("restore", "--wait-healthy", "--to", join(copy.home, "to"))).toMatchObject({
      exit_code: 2,
    });
    expect(await copy.failure("restore", "--wait-healthy", "--no-start")).toMatchObject({ exit_code: 2 });
    expect(await copy.failure("restore", "--wait-limit", "5m")).toMatchObject({ exit_code: 2 });
    expect(await copy.failure("restore", "--wait-healthy", "--wait-limit", "soon")).toMatchObject({ exit_code: 2 });
    copy.change(/service:[\s\S]*?(?=\n {4}\w)/, "service: { manager: none }");
    expect(await copy.failure("restore", "--wait-healthy")).toMatchObject({ exit_code: 2 });
    expect(small(copy)).toBe("scribbled over\n");
  });

  it("does the same through a presenter, as restore.sh calls it, where the host has a configuration", async () => {
    const copy = broken();
    const file = join(copy.home, "t.ticket");
    await copy.json("ticket", "create", "--expires", "1h", "--to", file);
    const served = await serveHost(copy);
    const words = ["--from", served.url, "--ticket-file", file, "--node", "demo", "--identity", copy.key];
    const { code, stdout, stderr } = await runHere(
      ["restore", ...words, "--wait-healthy", "--yes", "--config", copy.config],
      { clock: systemClock },
    );
    expect(code, stderr).toBe(0);
    expect([copy.isUp(), small(copy)]).toEqual([true, "hello\n"]);
    expect(stdout).toContain("demo runs again and is well");
  });
});

describe("before data is replaced", () => {
  it("a terminal is shown what, from when, how big, how long and what is free, and asked", async () => {
    const copy = broken();
    let shown = "";
    const asked: string[] = [];
    const write = (text: string) => {
      shown += text;
    };
    const stdout = { write };
    const answer = (words: string) => async (question: string) => {
      expect(shown, "the plan comes before the question").toMatch(/fetch .*\n.*takes .*\n.*space .* are free/);
      asked.push(question);
      return words;
    };
    const no = await copy.run(["restore", "latest"], { ask: answer(""), stdout });
    expect(no.code, no.stderr).toBe(12);
    expect(small(copy)).toBe("scribbled over\n");
    for (const part of ["snapshot", "received", "captured", "content", "its data is replaced"])
      expect(shown).toContain(part);
    expect(asked[0]).toContain(`What lies in ${copy.data} is REMOVED`);
    const kept = await copy.run(["restore", "latest", "--keep-old"], { ask: answer("yes"), stdout });
    expect(kept.code, kept.stderr).toBe(0);
    expect(asked[1]).toContain("moved aside");
    expect(small(copy)).toBe("hello\n");
    expect(shown).toContain("the node is started");
  });

  it.skipIf(script.skip)(`somebody at a terminal is asked there, whatever is written elsewhere${script.title}`, () => {
    const copy = broken();
    const typed = `node '${CLI}' restore latest --config '${copy.config}' 2>'${copy.home}/stderr' | cat`;
    const line = `bash -o pipefail -c "${typed}"`;
    const told = spawnSync("script", ["-qec", line, "/dev/null"], { encoding: "utf8", input: "n\n" });
    expect(told.stdout).toContain(`What lies in ${copy.data} is REMOVED`);
    expect(told.status).toBe(12);
    expect(small(copy)).toBe("scribbled over\n");
  });

  it("nobody is asked with --yes, nor for a fresh folder", async () => {
    const copy = broken();
    const ask = async () => {
      throw new Error("asked");
    };
    const to = join(copy.home, "fresh");
    expect((await copy.run(["restore", "latest", "--to", to], { ask })).code).toBe(0);
    expect((await copy.run(["restore", "latest", "--yes"], { ask })).code).toBe(0);
  });
});

describe("how long it takes", () => {
  it("is told by the last restore or drill here, and by nothing before", async () => {
    const copy = copyOf(host, tempDir("coldkeep-restart"));
    writeFileSync(join(copy.data, "big"), Buffer.from(Array.from({ length: 2 << 20 }, () => Math.random() * 256)));
    await copy.json("backup");
    const to = join(copy.home, "to");
    const dry = () =>
      copy.json<{ outlook: { by: string; seconds: number } | null }>("restore", "--to", to, "--dry-run");
    expect((await dry()).outlook).toBeNull();
    await copy.json("drill");
    expect((await dry()).outlook).toMatchObject({ by: "last restore", seconds: expect.any(Number) });
    const text = await copy.run(["restore", "--to", to, "--dry-run"]);
    expect(text.stdout).toMatch(/takes +some .*, at the .*\/s of the last restore or drill here/);
    writeFileSync(join(copy.home, "state", "demo", "restore-speed.json"), '{"vault":7,"main":7}', { mode: 0o600 });
    expect((await copy.run(["restore", "--to", to])).code, "a restore hangs on no note of speed").toBe(0);
  });

  it("is the least it can be where only the vault was asked", () => {
    const speed = { bytes: 8 << 20, ms: 200 };
    expect(outlookText({ seconds: 90, by: "vault", speed })).toMatch(
      /^at least 1m 30s: the vault gives 41\.9 MB\/s just now/,
    );
  });
});
