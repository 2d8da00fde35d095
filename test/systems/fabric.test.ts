import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../posix/clock.ts";
import { runHere } from "../cli/run.ts";
import { configHead } from "../support/config-head.ts";
import { sharedTempDir } from "../support/tmp.ts";
import { CHANNEL, type FabricNode, fabricPrograms, type Network, startNetwork } from "./support/fabric.ts";

const programs = await fabricPrograms();
const missing = typeof programs === "string" ? null : programs.missing;
if (missing !== null && process.env.CI !== undefined) throw new Error(missing);

interface Member {
  readonly node: string;
  readonly snapshot: string;
  readonly heights: Record<string, number>;
  readonly figures: { readonly freeze: { downtimeMs: number; freezeMs: number; copiedBytes: number; linked: number } };
}
interface GroupBackup {
  readonly id: string;
  readonly downtime_ms: number;
  readonly own_ms: number;
  readonly members: readonly Member[];
}

describe.skipIf(missing !== null)(
  `a peer and an orderer of Hyperledger Fabric${missing === null ? "" : ` (skipped: ${missing})`}`,
  () => {
    const home = sharedTempDir("fabric");
    const config = join(home, "config.yaml");
    let net: Network;

    beforeAll(async () => {
      net = await startNetwork(programs as string, home);
      for (let n = 0; n < 5; n += 1) await net.approve(`early${n}`);
      writeConfig();
      const init = await coldkeep("init");
      expect([init.code, init.stderr]).toEqual([0, ""]);
      expect(init.stdout).toMatch(/Hyperledger Fabric orderer \(raft\), 1 channel: mychannel/);
      expect(init.stdout).toMatch(/Hyperledger Fabric peer, 1 channel: mychannel/);
      expect(init.stdout).toMatch(/mychannel \d+/);
    });
    afterAll(() => net?.end());

    const coldkeep = (...words: string[]) => runHere([...words, "--config", config], { clock: systemClock });
    const json = async <T>(...words: string[]): Promise<T> => {
      const ran = await coldkeep(...words, "--json");
      if (ran.code !== 0) throw new Error(`coldkeep ${words.join(" ")}: ${ran.code} ${ran.stderr}${ran.stdout}`);
      return JSON.parse(ran.stdout) as T;
    };

    function writeConfig(o: { lean?: boolean; down?: string; peerHooks?: string; ordererHooks?: string } = {}): void {
      const node = (profile: string, { data, commands, height, address }: FabricNode, hooks: string | undefined) => `
    profile: ${profile}
    lean: ${o.lean ?? false}
    roots: { data: ${data} }
    service:
      manager: command
      start: ${JSON.stringify(commands.start)}
      stop: ${JSON.stringify(commands.stop)}
      is_running: ${JSON.stringify(commands.isRunning)}${hooks === undefined ? "" : `\n      hooks: ${hooks}`}
    health: { tcp: "${address}" }
    height:
      ${height}`;
      writeFileSync(
        config,
        `${configHead(home)}nodes:
  orderer:${node("fabric-orderer", net.orderer, o.ordererHooks)}
  peer:${node("fabric-peer", net.peer, o.peerHooks)}
groups:
  fabric: { order: [peer, orderer], down: ${o.down ?? "together"} }
`,
        { mode: 0o600 },
      );
    }

    const heightOf = ({ members }: GroupBackup, name: string) =>
      members.find(({ node }) => node === name)?.heights[CHANNEL] ?? Number.NaN;

    function lose(): void {
      net.end();
      for (const { data } of [net.peer, net.orderer]) {
        for (const name of readdirSync(data)) rmSync(join(data, name), { recursive: true });
        expect(readdirSync(data)).toEqual([]);
      }
    }

    async function startAgain(): Promise<number> {
      net.orderer.start();
      net.peer.start();
      return net.settle();
    }

    it("are captured as one set while blocks come in, are lost, and go on from it with the same blocks and state", async () => {
      const writer = net.keepWriting();
      const done = await json<GroupBackup>("backup", "--group", "fabric").finally(() => writer.end());
      const [peer, orderer] = [heightOf(done, "peer"), heightOf(done, "orderer")];
      expect(peer).toBeGreaterThanOrEqual(6);
      expect(orderer).toBeGreaterThanOrEqual(peer);
      const figures = done.members.map(({ node, figures: { freeze } }) => {
        const { downtimeMs, freezeMs, linked, copiedBytes } = freeze;
        return `${node}: down ${Math.round(downtimeMs)} ms, ${Math.round(freezeMs)} ms of it coldkeep's; ${linked} linked, ${copiedBytes} bytes copied`;
      });
      process.stdout.write(
        `Fabric group: down ${Math.round(done.downtime_ms)} ms, ${Math.round(done.own_ms)} ms of it coldkeep's (300 are allowed)\n  ${figures.join("\n  ")}\n`,
      );
      // It goes on, and what comes now is in no snapshot.
      await net.approve("after");
      await net.settle();
      const numbers = [0, 1, peer - 1];
      const blocks = await Promise.all(numbers.map(net.block));
      const state = net.approved("early3");

      lose();
      const { started } = await json<{ started: { node: string }[] }>("restore", "--group", "fabric");
      expect(started.map(({ node }) => node)).toEqual(["orderer", "peer"]);
      const height = await net.settle();
      expect(height).toBeGreaterThanOrEqual(orderer);
      expect(await Promise.all(numbers.map(net.block))).toEqual(blocks);
      expect(net.approved("early3")).toBe(state);
      expect(net.chainInfo()).toMatch(/^[ 0-9a-f\n]+$/);
      expect(() => net.approved("after")).toThrow();
      await net.approve("again");
      expect(await net.settle()).toBe(height + 1);
      expect(net.approved("again")).toMatch(/sequence: 1/);
    });

    it("are captured one by one and lean: what was left out is made anew from the blocks when they start", async () => {
      writeConfig({ lean: true, down: "one-by-one" });
      const before = net.approved("early2");
      const done = await json<GroupBackup>("backup", "--group", "fabric");
      expect(heightOf(done, "orderer")).toBeGreaterThanOrEqual(heightOf(done, "peer"));
      const info = net.chainInfo();
      lose();
      await json("restore", "--group", "fabric", done.id, "--no-start");
      const ledgers = join(net.peer.data, "ledgersData");
      for (const folder of ["stateLeveldb", "historyLeveldb", "configHistory", "bookkeeper", "chains/index"])
        expect(existsSync(join(ledgers, folder, "CURRENT"))).toBe(false);
      expect(existsSync(join(net.orderer.data, "index/CURRENT"))).toBe(false);
      expect(await startAgain()).toBeGreaterThanOrEqual(heightOf(done, "orderer"));
      expect(net.chainInfo()).toBe(info);
      expect(net.approved("early2")).toBe(before);
      expect(existsSync(join(ledgers, "stateLeveldb/CURRENT"))).toBe(true);
    });

    it("a member that cannot be stopped: both run on, there is no set, and none of it is restored", async () => {
      const sets = () => readdirSync(join(home, "vault/groups/fabric")).sort();
      const before = sets();
      writeConfig({ ordererHooks: "{ before_stop: 'exit 3' }" });
      const failed = await coldkeep("backup", "--group", "fabric");
      expect(failed.code).toBe(5);
      expect(failed.stderr).toMatch(/hook before_stop failed/);
      expect(sets()).toEqual(before);
      await net.approve("still");
      await net.settle();
      expect(net.approved("still")).toMatch(/sequence: 1/);
      mkdirSync(join(home, "look"));
      const dry = await json<{ id: string }>("restore", "--group", "fabric", "--to", join(home, "look"), "--dry-run");
      expect(before.at(-1)).toBe(`${dry.id}.group.json`);
    });
  },
);
