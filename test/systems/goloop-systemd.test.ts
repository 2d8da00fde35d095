import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { configHead } from "../support/config-head.ts";
import { tempDir } from "../support/tmp.ts";
import { chainsOf, findGoloop, makeChain, makeKey } from "./support/goloop.ts";
import { bootMachine, COLDKEEP, obstacleToMachines } from "./support/nspawn.ts";

const found = await findGoloop();
const obstacle = "missing" in found ? found.missing : obstacleToMachines();
const because = obstacle === null ? "" : ` (skipped: ${obstacle})`;

interface Backup {
  readonly heights: Readonly<Record<string, number>>;
  readonly figures: { readonly freeze: { downtimeMs: number; freezeMs: number; linked: number } };
}

describe.skipIf(obstacle !== null)(`goloop 1.3.11 as a unit of a real systemd${because}`, () => {
  it("is stopped and started by systemctl, lost, restored, and goes on from the recorded height with the same blocks", async () => {
    const home = tempDir("goloop-systemd");
    const program = join(home, "goloop");
    copyFileSync("program" in found ? found.program : "", program);
    const [data, sock, config] = [join(home, "data"), join(home, "cli.sock"), join(home, "config.yaml")];
    mkdirSync(data);
    makeKey({ program, home });
    const machine = await bootMachine({ binds: [home] });
    // A network of its own, so that these ports are free.
    const [rpc, p2p] = ["127.0.0.1:9080", "127.0.0.1:8080"];
    const server = `${program} server start --node_dir ${data} --node_sock ${sock} --rpc_addr ${rpc} --p2p ${p2p} --key_store ${home}/ks.json --key_password gochain --log_level warn --console_level warn`;
    await machine.write(
      "/etc/systemd/system/goloop.service",
      `[Service]\nWorkingDirectory=${home}\nExecStartPre=/bin/rm -f ${sock}\nExecStart=${server}\nRestart=always\n`,
      0o644,
    );
    // It wants to start its engine for contracts in Python; there are no contracts.
    await machine.write("/usr/local/bin/python3", "#!/bin/sh\nexit 1\n", 0o755);
    await machine.must(["systemctl", "daemon-reload"]);
    await machine.must(["systemctl", "start", "goloop"]);
    const place = { program, home, sock, p2p };
    const until = async (what: string, holds: () => boolean) => {
      for (const end = performance.now() + 60_000; !holds(); await sleep(100)) {
        if (performance.now() > end) throw new Error(`${what}\n${await machine.must(["journalctl", "-u", "goloop"])}`);
      }
    };
    await until("goloop does not start", () => chainsOf(place) !== null);
    const cid = makeChain(place, 0);
    const grow = (height: number) => until("no blocks are made", () => (chainsOf(place)?.[0]?.height ?? 0) >= height);
    await machine.write(
      config,
      `${configHead(home)}nodes:
  validator:
    profile: goloop
    roots: { data: ${data} }
    service:
      manager: systemd
      unit: goloop.service
      hooks: { before_stop: "${program} chain -s ${sock} stop ${cid}" }
    height:
      url: http://${rpc}/admin/chain
      channels: { list: "", by: channel, field: height }
`,
    );
    const json = async <T>(...words: string[]) =>
      JSON.parse(await machine.must([...COLDKEEP, ...words, "--config", config, "--json"])) as T;
    const started = () => machine.must(["systemctl", "show", "-P", "ExecMainPID", "goloop"]);
    const block = (height: number) =>
      machine.must([
        program,
        "rpc",
        "blockbyheight",
        `0x${height.toString(16)}`,
        "--uri",
        `http://${rpc}/api/v3/channel-0`,
      ]);

    await grow(3);
    expect(await machine.must([...COLDKEEP, "init", "--config", config])).toMatch(/goloop, 1 chain: 0x\w+/);
    const before = await started();
    const { heights, figures } = await json<Backup>("backup");
    const height = heights["channel-0"] ?? Number.NaN;
    expect(height).toBeGreaterThanOrEqual(3);
    expect(await machine.must(["systemctl", "is-active", "goloop"])).toBe("active\n");
    expect(await started()).not.toBe(before);
    const { downtimeMs, freezeMs } = figures.freeze;
    expect(downtimeMs).toBeGreaterThan(freezeMs);
    process.stderr.write(
      `goloop by systemd: down for ${downtimeMs.toFixed(0)} ms, ${freezeMs.toFixed(1)} ms of it beyond its own stop and start\n`,
    );
    await grow(height + 3);
    const blocks = [await block(1), await block(height)];

    await machine.must(["systemctl", "stop", "goloop"]);
    for (const name of readdirSync(data)) rmSync(join(data, name), { recursive: true });
    // A validator comes back with old votes only where somebody says so.
    expect((await machine.run([...COLDKEEP, "restore", "--config", config])).code).toBe(12);
    await json("restore", "--force");
    expect(existsSync(join(data, cid.slice(2), "wal"))).toBe(true);
    await machine.must(["systemctl", "start", "goloop"]);
    await until("goloop does not start again", () => chainsOf(place) !== null);
    await grow(height + 2);
    expect([await block(1), await block(height)]).toEqual(blocks);
  });
});
