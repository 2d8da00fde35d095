import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../posix/clock.ts";
import { runHere } from "../cli/run.ts";
import { tempDir } from "../support/tmp.ts";
import { findGoloop, startGoloop } from "./support/goloop.ts";

const found = await findGoloop();
const program = "program" in found ? found.program : "";
const because = "missing" in found ? ` (skipped: ${found.missing})` : "";

type Heights = Record<string, number>;
interface Backup {
  readonly snapshot: string;
  readonly heights: Heights;
  readonly figures: { readonly freeze: { linked: number; downtimeMs: number; freezeMs: number }; reused: number };
}

describe.skipIf(program === "")(`goloop 1.3.11, a validator with two chains${because}`, () => {
  it("backed up while it makes blocks, lost, restored: it goes on from the recorded heights with the same blocks", async () => {
    const home = tempDir("goloop");
    const node = await startGoloop(program, home, 2);
    onTestFinished(() => node.kill());
    const config = join(home, "config.yaml");
    const coldkeep = (...words: string[]) => runHere([...words, "--config", config], { clock: systemClock });
    const json = async <T>(...words: string[]) => {
      const { code, stdout, stderr } = await coldkeep(...words, "--json");
      expect([code, stderr]).toEqual([0, ""]);
      return JSON.parse(stdout) as T;
    };
    // Nothing of this is data: it must not leave the host.
    writeFileSync(join(node.data, "keystore.json"), "PRIVATE");
    writeFileSync(join(node.data, "server.json"), "PRIVATE");
    await node.grow({}, 2);
    const init = await coldkeep(
      ...["init", "--state-dir", join(home, "state"), "--vault", join(home, "vault"), "--key-file", join(home, "key")],
      ...["--node", "validator", "--root", `data=${node.data}`],
      ...["--stop", node.commands.stop, "--start", node.commands.start, "--is-running", node.commands.isRunning],
    );
    expect([init.code, init.stderr]).toEqual([
      0,
      expect.stringMatching(/goloop, 2 chains: 0x\w+, 0x\w+: profile goloop/),
    ]);
    const [first, second] = (await node.chains()).map(({ cid }) => cid.slice(2));
    const written = readFileSync(config, "utf8");
    expect(written).toMatch(
      /url: "http:\/\/127.0.0.1:9080\/admin\/chain"\n +channels: \{ list: "", by: channel, field: height \}/,
    );
    const own = written
      .replace("http://127.0.0.1:9080/admin/chain", node.adminUrl)
      .replace(/^( +)stop_timeout/m, `$1hooks:\n$1  before_stop: ${JSON.stringify(node.stopChains)}\n$&`);
    writeFileSync(config, own);

    const one = await json<Backup>("backup");
    expect(Object.keys(one.heights).sort()).toEqual(["channel-0", "channel-1"]);
    // The process is another one, and each chain went on by itself.
    await node.grow(one.heights, 2);
    const two = await json<Backup>("backup");
    expect(two.figures.freeze.linked).toBeGreaterThan(0);
    await node.grow(two.heights, 2);
    const { downtimeMs, freezeMs } = two.figures.freeze;
    process.stderr.write(
      `goloop: down for ${downtimeMs.toFixed(0)} ms, ${freezeMs.toFixed(1)} ms of it beyond its own stop and start\n`,
    );
    const hashes = async (heights: Heights) =>
      Object.fromEntries(
        await Promise.all(Object.entries(heights).map(async ([at, height]) => [at, await node.hashes(at, height)])),
      ) as Record<string, string[]>;
    const before = await hashes(two.heights);

    // One chain alone, as the configuration can ask for; one that is not there is no backup.
    writeFileSync(config, own.replace(/^( +)when_down:/m, `$1chains: ["0x${first}"]\n$&`));
    const alone = await json<Backup>("backup");
    await json("restore", alone.snapshot, "--to", join(home, "alone"));
    expect(readdirSync(join(home, "alone/data")).sort()).toEqual([first, "auth.json", "rconfig.json"].sort());
    writeFileSync(config, own.replace(/^( +)when_down:/m, '$1chains: ["0xabcdef"]\n$&'));
    expect(await coldkeep("backup")).toMatchObject({ code: 12, stderr: expect.stringMatching(/0xabcdef/) });
    writeFileSync(config, own);

    expect(await coldkeep("restore", two.snapshot, "--force")).toMatchObject({
      code: 12,
      stderr: expect.stringMatching(/the node runs/),
    });
    node.kill();
    rmSync(node.data, { recursive: true });
    expect(await coldkeep("restore", two.snapshot)).toMatchObject({
      code: 12,
      stderr: expect.stringMatching(/may be a validator.*signed since.*wal.*double signing.*--force/s),
    });
    expect(existsSync(node.data)).toBe(false);
    await json("restore", two.snapshot, "--force");
    expect(readdirSync(node.data).sort()).toEqual([first, second, "auth.json", "rconfig.json"].sort());
    for (const chain of [first, second]) {
      const folder = join(node.data, chain ?? "");
      expect(readdirSync(folder).filter((name) => ["cache", "tmp"].includes(name))).toEqual([]);
      expect(readdirSync(join(folder, "wal")).sort()).toEqual(["commit_0", "lock_0", "round_0"]);
    }
    execFileSync("sh", ["-c", node.commands.start], { stdio: "ignore" });
    await node.grow(two.heights, 3);
    expect(await hashes(two.heights)).toEqual(before);
    // Of a node that signs nothing nobody is asked.
    node.kill();
    for (const chain of [first, second]) {
      const file = join(node.data, chain ?? "", "config.json");
      writeFileSync(file, readFileSync(file, "utf8").replace(/"role": 3/, '"role": 0'));
    }
    await json("restore", two.snapshot, "--dry-run");
  });
});
