import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { systemClock } from "../../posix/clock.ts";
import { runHere } from "../cli/run.ts";
import { configHead } from "../support/config-head.ts";
import { sharedTempDir } from "../support/tmp.ts";
import { CHANNEL, fabricPrograms, startNetwork } from "./support/fabric.ts";
import { kafkaJars } from "./support/jars.ts";
import { startKafka, startZooKeeper } from "./support/kafka.ts";

const [programs, jars] = [await fabricPrograms(), await kafkaJars()];
const missing = [programs, jars].flatMap((found) => (typeof found === "string" ? [] : [found.missing])).join("; ");
if (missing !== "" && process.env.CI !== undefined) throw new Error(missing);

interface Member {
  readonly node: string;
  readonly heights: Record<string, number>;
  readonly figures: { readonly freeze: { readonly downtimeMs: number; readonly freezeMs: number } };
}

/** How a node of the group is driven and asked. */
interface Part {
  readonly name: string;
  readonly profile: string;
  readonly data: string;
  readonly address: string;
  readonly commands: { readonly start: string; readonly stop: string; readonly isRunning: string };
  readonly height: string;
}

describe.skipIf(missing !== "")(
  `Hyperledger Fabric as under 1.4: a real orderer that orders by Kafka${missing === "" ? "" : ` (skipped: ${missing})`}`,
  () => {
    const home = sharedTempDir("fabric");
    const ends: (() => void)[] = [];
    afterAll(() => {
      for (const end of ends.reverse()) end();
    });

    it("peer, orderer, Kafka and ZooKeeper are captured as one set, lost, and go on from its height and its offset", async () => {
      const zookeeper = await startZooKeeper(jars as string, home);
      ends.push(() => zookeeper.daemon.kill());
      const kafka = await startKafka(jars as string, home, zookeeper.address);
      ends.push(() => kafka.daemon.kill());
      const net = await startNetwork(programs as string, home, kafka.address);
      ends.push(() => net.end());
      for (let n = 0; n < 3; n += 1) await net.approve(`early${n}`);
      const { statusUrl } = zookeeper;
      const parts: readonly Part[] = [
        { name: "peer", profile: "fabric-peer", ...net.peer },
        { name: "orderer", profile: "fabric-orderer", ...net.orderer },
        {
          ...{ name: "kafka", profile: "kafka", data: kafka.data, address: kafka.address },
          ...{ commands: kafka.daemon.commands, height: `command: ${JSON.stringify(kafka.counting(CHANNEL))}` },
        },
        {
          ...{ name: "zookeeper", profile: "zookeeper", data: zookeeper.data, address: zookeeper.address },
          commands: zookeeper.daemon.commands,
          height: `url: "${statusUrl}"\n      field: server_stats.last_processed_zxid`,
        },
      ];
      const json = coldkeepOf(home, parts);

      await json("init");
      const writer = net.keepWriting();
      const done = await json<{ members: readonly Member[] }>("backup", "--group", "fabric").finally(() =>
        writer.end(),
      );
      for (const { node, figures } of done.members) {
        const { downtimeMs, freezeMs } = figures.freeze;
        process.stdout.write(`${node}: down ${Math.round(downtimeMs)} ms, ${Math.round(freezeMs)} ms coldkeep's\n`);
      }
      const of = (name: string) => done.members.find(({ node }) => node === name)?.heights ?? {};
      const [recorded, messages] = [of("orderer")[CHANNEL] ?? Number.NaN, Object.values(of("kafka"))[0] ?? Number.NaN];
      expect(recorded).toBeGreaterThanOrEqual(4);

      // It goes on, and what comes now is in no snapshot.
      for (let n = 0; n < 3; n += 1) await net.approve(`after${n}`);
      await net.settle();
      const numbers = [0, 1, recorded - 1];
      const before = await Promise.all(numbers.map(net.block));
      const [ahead, aheadOffset] = [await net.orderer.ask(), await net.offset()];

      net.end();
      kafka.daemon.kill();
      zookeeper.daemon.kill();
      for (const { data } of parts) for (const name of readdirSync(data)) rmSync(join(data, name), { recursive: true });
      await json("restore", "--group", "fabric", "--no-start");

      zookeeper.daemon.start();
      await zookeeper.up();
      kafka.daemon.start();
      kafka.up();
      const end = kafka.count(CHANNEL);
      expect(end).toBeGreaterThanOrEqual(messages);
      expect(end).toBeLessThanOrEqual(aheadOffset);
      net.orderer.start();
      net.peer.start();
      const height = await net.settle();
      expect(height).toBeGreaterThanOrEqual(recorded);
      expect(height).toBeLessThan(ahead);
      // All that its blocks were made of is in the topic; had Kafka less, the orderer would not start.
      expect(await net.offset()).toBeLessThan(kafka.count(CHANNEL));
      expect(await Promise.all(numbers.map(net.block))).toEqual(before);
      await net.approve("again");
      expect(await net.settle()).toBe(height + 1);
      expect(net.approved("early2")).toContain("early2");
      expect(await net.offset()).toBeGreaterThanOrEqual(end);
    });
  },
);

/** Writes a configuration of these nodes as one group; runs commands with it, which must end well. */
function coldkeepOf(home: string, parts: readonly Part[]) {
  const config = join(home, "config.yaml");
  const node = ({ name, profile, data, commands, address, height }: Part) => `
  ${name}:
    profile: ${profile}
    roots: { data: ${data} }
    service:
      manager: command
      start: ${JSON.stringify(commands.start)}
      stop: ${JSON.stringify(commands.stop)}
      is_running: ${JSON.stringify(commands.isRunning)}
    health: { tcp: "${address}" }
    height:
      ${height}`;
  writeFileSync(
    config,
    `${configHead(home)}nodes:${parts.map(node).join("")}
groups:
  fabric: { order: [${parts.map(({ name }) => name).join(", ")}] }
`,
    { mode: 0o600 },
  );
  return async <T>(...words: string[]): Promise<T> => {
    const ran = await runHere([...words, "--json", "--config", config], { clock: systemClock });
    expect([words, ran.code, ran.code === 0 ? "" : ran.stderr + ran.stdout]).toEqual([words, 0, ""]);
    return JSON.parse(ran.stdout) as T;
  };
}
