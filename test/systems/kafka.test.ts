import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../posix/clock.ts";
import { runHere } from "../cli/run.ts";
import { configHead } from "../support/config-head.ts";
import { tempDir } from "../support/tmp.ts";
import type { Daemon } from "./support/daemon.ts";
import { kafkaJars } from "./support/jars.ts";
import { startKafka, startZooKeeper } from "./support/kafka.ts";

const found = await kafkaJars();
const jars = typeof found === "string" ? found : "";
const because = typeof found === "string" ? "" : ` (skipped: ${found.missing})`;

interface Backup {
  readonly snapshot: string;
  readonly heights: Record<string, number>;
  readonly figures: { readonly freeze: { linked: number; downtimeMs: number; freezeMs: number } };
}
interface Member {
  readonly name: string;
  readonly profile: string;
  readonly data: string;
  readonly daemon: Daemon;
  /** Of the configuration: how its height is asked. */
  readonly height: string;
  /** `host:port` that takes connections once it is up. */
  readonly address: string;
}

const heightOf = (heights: Record<string, number>) => Object.values(heights)[0] ?? Number.NaN;

/** A configuration of these nodes; each writes down the sum of each of its files while it is down. */
function host(home: string, members: readonly Member[], groups = "") {
  const config = join(home, "config.yaml");
  const sums = (name: string) => join(home, `${name}.sums`);
  const node = ({ name, profile, data, daemon: { commands }, height, address }: Member) => `
  ${name}:
    profile: ${profile}
    roots: { data: ${data} }
    service:
      manager: command
      start: ${JSON.stringify(commands.start)}
      stop: ${JSON.stringify(commands.stop)}
      is_running: ${JSON.stringify(commands.isRunning)}
      hooks: { after_stop: ${JSON.stringify(`cd '${data}' && find . -type f -exec sha256sum {} + >'${sums(name)}'`)} }
    health: { tcp: "${address}" }
    height: ${height}`;
  writeFileSync(
    config,
    `${configHead(home)}nodes:${members.map(node).join("")}
${groups}`,
    { mode: 0o600 },
  );
  const coldkeep = async (...words: string[]) => {
    const ran = await runHere([...words, "--config", config], { clock: systemClock });
    expect([words, ran.code, ran.code === 0 ? "" : ran.stderr + ran.stdout]).toEqual([words, 0, ""]);
    return ran;
  };
  return {
    coldkeep,
    json: async <T>(...words: string[]) => JSON.parse((await coldkeep(...words, "--json")).stdout) as T,
    /** Each file that was there when the node was down last is in the restored folder, to the byte, but those left out. */
    expectAsAtStop({ name, data }: Member, leftOut: RegExp): void {
      const lines = readFileSync(sums(name), "utf8").trimEnd().split("\n");
      const atStop = lines
        .map((line) => `${line.slice(66)} ${line.slice(0, 64)}`)
        .filter((line) => !leftOut.test(line));
      const paths = readdirSync(data, { recursive: true, encoding: "utf8" }).filter((at) =>
        statSync(join(data, at)).isFile(),
      );
      const digest = (at: string) =>
        createHash("sha256")
          .update(readFileSync(join(data, at)))
          .digest("hex");
      expect(paths.map((at) => `./${at} ${digest(at)}`).sort()).toEqual(atStop.sort());
    },
  };
}

function tell(name: string, { figures: { freeze } }: Backup): void {
  const { downtimeMs, freezeMs, linked } = freeze;
  process.stderr.write(
    `${name}: down for ${downtimeMs.toFixed(0)} ms, ${freezeMs.toFixed(1)} ms of it beyond its own stop and start; ${linked} linked\n`,
  );
}

describe.skipIf(jars === "")(`Kafka 3.9 and ZooKeeper 3.8${because}`, () => {
  it("Kafka in KRaft mode, backed up while messages come in, lost, restored: each partition is what it was, and goes on", async () => {
    const home = tempDir("kafka");
    const kafka = await startKafka(jars, home);
    onTestFinished(() => kafka.daemon.kill());
    const member = {
      ...kafka,
      name: "kafka",
      profile: "kafka",
      height: `{ command: ${JSON.stringify(kafka.countCommand)} }`,
    };
    const { coldkeep, json, expectAsAtStop } = host(home, [member]);
    const writer = kafka.keepWriting();
    onTestFinished(() => writer.end());
    await kafka.grow(300_000);
    expect((await coldkeep("init")).stdout).toMatch(/Kafka in KRaft mode, \d+ partitions/);
    await json<Backup>("backup");
    await kafka.grow(100_000);
    const two = await json<Backup>("backup");
    tell("Kafka", two);
    expect(two.figures.freeze.linked).toBeGreaterThan(2);
    await kafka.grow(50_000);
    await writer.end();
    const live = kafka.read();

    kafka.daemon.kill();
    rmSync(kafka.data, { recursive: true });
    await json("restore", two.snapshot, "--no-start");
    expectAsAtStop(member, /\.(?:deleted|cleaned) /);
    kafka.daemon.start();
    kafka.up();
    const restored = kafka.read();
    expect(restored.map((messages) => messages.length)).toHaveLength(2);
    for (const [at, messages] of restored.entries()) {
      expect(messages.length).toBeGreaterThan(100);
      expect(messages.length).toBeLessThan(live[at]?.length ?? 0);
      expect(messages).toEqual(live[at]?.slice(0, messages.length));
    }
    const height = kafka.count();
    expect(height).toBe(restored.flat().length);
    expect(height).toBeGreaterThanOrEqual(heightOf(two.heights));
    const more = kafka.keepWriting();
    await kafka.grow(10_000);
    await more.end();
  });

  it("Kafka on ZooKeeper, as under Fabric 1.4, captured as one set while both are written to: znodes and messages come back", async () => {
    const home = tempDir("kafka");
    const zookeeper = await startZooKeeper(jars, home);
    onTestFinished(() => zookeeper.daemon.kill());
    const kafka = await startKafka(jars, home, zookeeper.address);
    onTestFinished(() => kafka.daemon.kill());
    const members = [
      { ...kafka, name: "kafka", profile: "kafka", height: `{ command: ${JSON.stringify(kafka.countCommand)} }` },
      {
        ...zookeeper,
        name: "zookeeper",
        profile: "zookeeper",
        height: `{ url: "${zookeeper.statusUrl}", field: server_stats.last_processed_zxid }`,
      },
    ] as const;
    const { coldkeep, json, expectAsAtStop } = host(
      home,
      members,
      "groups: { fabric: { order: [kafka, zookeeper] } }\n",
    );
    const writers = [kafka.keepWriting(), zookeeper.keepWriting()];
    const end = async () => void (await Promise.all(writers.map((writer) => writer.end())));
    onTestFinished(end);
    const grow = async (bytes: number, znodes: number) => {
      const goal = (await zookeeper.zxid()) + znodes;
      await Promise.all([
        kafka.grow(bytes),
        zookeeper.daemon.until("znodes", async () => (await zookeeper.zxid()) >= goal),
      ]);
    };
    await grow(50_000, 800);
    const { stdout } = await coldkeep("init");
    expect(stdout).toMatch(/Kafka, \d+ partitions/);
    expect(stdout).toMatch(/ZooKeeper, \d+ logs and snapshots/);
    interface Group {
      readonly id: string;
      readonly members: readonly (Backup & { readonly node: string })[];
    }
    const done = await json<Group>("backup", "--group", "fabric");
    for (const member of done.members) tell(member.node, member);
    const of = (name: string) => done.members.find(({ node }) => node === name) as Backup;
    expect(of("zookeeper").figures.freeze.linked).toBeGreaterThan(4);
    const [messages, zxid] = [heightOf(of("kafka").heights), heightOf(of("zookeeper").heights)];
    await grow(50_000, 200);
    await end();
    const live = { kafka: kafka.read(), zookeeper: zookeeper.read() };

    for (const { daemon, data } of members) {
      daemon.kill();
      rmSync(data, { recursive: true });
    }
    expect(await json<{ start: string[] }>("restore", "--group", "fabric", "--no-start")).toMatchObject({
      start: ["zookeeper", "kafka"],
    });
    for (const member of members) expectAsAtStop(member, /\.(?:deleted|cleaned) /);
    zookeeper.daemon.start();
    await zookeeper.up();
    expect(await zookeeper.zxid()).toBeGreaterThanOrEqual(zxid);
    const znodes = [...zookeeper.read()];
    expect(znodes.length).toBeGreaterThan(500);
    expect(znodes.length).toBeLessThan(live.zookeeper.size);
    expect(znodes).toEqual(znodes.map(([name]) => [name, live.zookeeper.get(name)]));
    kafka.daemon.start();
    kafka.up();
    for (const [at, all] of kafka.read().entries()) {
      expect(all.length).toBeLessThan(live.kafka[at]?.length ?? 0);
      expect(all).toEqual(live.kafka[at]?.slice(0, all.length));
    }
    expect(kafka.count()).toBeGreaterThanOrEqual(messages);
  });
});
