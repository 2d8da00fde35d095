import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { answers, freePort } from "../../e2e/emulator/server.ts";
import { type Daemon, makeDaemon } from "./daemon.ts";

const TOPIC = "orders";
/** Lines a writer writes at a time, and for how long it then waits: a server on a busy machine keeps up. */
const [BURST, PAUSE_MS] = [40, 20];

/** Words of a Java program of the jars; meant to start quickly, not to run for long. */
function java(jars: string, home: string, main: string, ...words: readonly string[]): string[] {
  const options = ["-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];
  return [
    "java",
    ...options,
    `-Dlog4j.configuration=file:${home}/log4j.properties`,
    "-cp",
    `${jars}/*`,
    main,
    ...words,
  ];
}

function prepare(home: string): void {
  const [console, layout] = ["org.apache.log4j.ConsoleAppender", "org.apache.log4j.SimpleLayout"];
  writeFileSync(
    join(home, "log4j.properties"),
    `log4j.rootLogger=WARN,E\nlog4j.appender.E=${console}\nlog4j.appender.E.target=System.err\nlog4j.appender.E.layout=${layout}\n`,
  );
}

/** Writes until it is ended; what was begun is done by then. */
export interface Writer {
  end(): Promise<void>;
}

/** Feeds a program lines without end, number by number. */
function keepFeeding([program = "", ...words]: string[], line: (n: number) => string, last = ""): Writer {
  const child: ChildProcessByStdio<Writable, null, null> = spawn(program, words, {
    stdio: ["pipe", "ignore", "ignore"],
  });
  child.stdin.on("error", () => {});
  const gone = once(child, "exit");
  let ended = false;
  const fed = (async () => {
    for (let n = 0; !ended; n += BURST) {
      const lines = Array.from({ length: BURST }, (_, i) => `${line(n + i)}\n`).join("");
      if (!child.stdin.write(lines)) await Promise.race([once(child.stdin, "drain"), gone]);
      await sleep(PAUSE_MS);
    }
    child.stdin.end(last);
  })();
  return {
    async end() {
      ended = true;
      await fed;
      await gone;
    },
  };
}

function call([program = "", ...words]: string[], input = ""): string {
  return execFileSync(program, words, {
    encoding: "utf8",
    input,
    stdio: ["pipe", "pipe", "ignore"],
    maxBuffer: 1 << 26,
  });
}

/** One server of ZooKeeper, which rolls its log every 50 to 100 transactions, and allocates each 1 MiB ahead. */
export interface ZooKeeper {
  readonly data: string;
  /** `host:port` for its clients. */
  readonly address: string;
  readonly daemon: Daemon;
  /** Tells the last transaction, as JSON. */
  readonly statusUrl: string;
  /** Waits until it serves. */
  up(): Promise<void>;
  zxid(): Promise<number>;
  /** Goes on making znodes below /coldkeep, by zkCli. */
  keepWriting(): Writer;
  /** All znodes below a path that `keepWriting` made, and what is in them, by zkCli. */
  read(): Map<string, string>;
}

/** Makes a ZooKeeper under `home`, and starts it. */
export async function startZooKeeper(jars: string, home: string): Promise<ZooKeeper> {
  prepare(home);
  const data = join(home, "zookeeper");
  mkdirSync(data);
  const [port, admin] = [await freePort(), await freePort()];
  writeFileSync(
    join(home, "zoo.cfg"),
    `tickTime=500\ndataDir=${data}\nclientPort=${port}\nclientPortAddress=127.0.0.1\nsnapCount=100\npreAllocSize=1024\n` +
      `admin.serverAddress=127.0.0.1\nadmin.serverPort=${admin}\n`,
  );
  const program = java(jars, home, "org.apache.zookeeper.server.quorum.QuorumPeerMain", join(home, "zoo.cfg"));
  const daemon = makeDaemon({ home, name: "zookeeper-server", program });
  const address = `127.0.0.1:${port}`;
  const statusUrl = `http://127.0.0.1:${admin}/commands/stats`;
  const cli = java(jars, home, "org.apache.zookeeper.ZooKeeperMain", "-server", address);
  const zxid = async (): Promise<number> => {
    const answer = (await (await fetch(statusUrl)).json()) as { server_stats?: { last_processed_zxid: number } };
    return answer.server_stats?.last_processed_zxid ?? -1;
  };
  const up = () =>
    daemon.until("ZooKeeper", async () => (await answers(statusUrl)) && (await zxid().catch(() => -1)) >= 0);
  daemon.start();
  await up();
  call(cli, "create /coldkeep\nquit\n");
  return {
    data,
    address,
    daemon,
    statusUrl,
    up,
    zxid,
    keepWriting: () => {
      // Names do not come twice, whichever writer makes them.
      const prefix = `/coldkeep/${Date.now()}`;
      return keepFeeding(cli, (n) => `create ${prefix}-${n} value-${n}-${"v".repeat(n % 300)}`, "quit\n");
    },
    read() {
      const names = call(cli, "ls -R /coldkeep\nquit\n")
        .split("\n")
        .filter((line) => line.startsWith("/coldkeep/"));
      const values = call(cli, `${names.map((name) => `get ${name}\n`).join("")}quit\n`)
        .split("\n")
        .filter((line) => line.startsWith("value-"));
      return new Map(names.map((name, i) => [name, values[i] ?? ""]));
    },
  };
}

/** One broker of Kafka with one topic of two partitions, whose segments are small. */
export interface Kafka {
  /** Its log.dirs. */
  readonly data: string;
  readonly address: string;
  readonly daemon: Daemon;
  /** For the shell: how many messages the topic has had; with `counting`, another's. */
  readonly countCommand: string;
  counting(topic: string): string;
  /** Waits until it serves. */
  up(): void;
  count(topic?: string): number;
  /** Waits until the topic's segments have this many bytes more than now; asks nobody. */
  grow(bytes: number): Promise<void>;
  /** Goes on writing messages, by Kafka's own producer. */
  keepWriting(): Writer;
  /** All messages of each partition in their order, with offset and key, by Kafka's own consumer. */
  read(): string[][];
}

/** Makes a broker under `home`, and starts it: on a ZooKeeper, or in KRaft mode, as its own controller. */
export async function startKafka(jars: string, home: string, zookeeper?: string): Promise<Kafka> {
  prepare(home);
  const data = join(home, "kafka");
  mkdirSync(data);
  const [port, controller] = [await freePort(), await freePort()];
  const address = `127.0.0.1:${port}`;
  const kraft = [
    ...["process.roles=broker,controller", "node.id=1", `controller.quorum.voters=1@127.0.0.1:${controller}`],
    ...[
      `listeners=PLAINTEXT://${address},CONTROLLER://127.0.0.1:${controller}`,
      "controller.listener.names=CONTROLLER",
    ],
  ];
  const lines = [
    ...(zookeeper === undefined
      ? kraft
      : ["broker.id=1", `zookeeper.connect=${zookeeper}`, `listeners=PLAINTEXT://${address}`]),
    ...[`log.dirs=${data}`, "log.segment.bytes=65536", "num.partitions=2", "group.initial.rebalance.delay.ms=0"],
    ...["offsets.topic.replication.factor=1", "offsets.topic.num.partitions=1"],
  ];
  const file = join(home, "server.properties");
  writeFileSync(file, `${lines.join("\n")}\n`);
  const program = (main: string, ...words: string[]) => java(jars, home, main, ...words);
  const client = (main: string, ...words: string[]) => program(main, "--bootstrap-server", address, ...words);
  if (zookeeper === undefined)
    call(program("kafka.tools.StorageTool", "format", "-t", "AAAAAAAAAAAAAAAAAAAAAQ", "-c", file));
  const daemon = makeDaemon({ home, name: "kafka-server", program: program("kafka.Kafka", file) });
  const counting = (of: string) => {
    const words = client("org.apache.kafka.tools.GetOffsetShell", "--topic", of);
    return `${words.map((word) => `'${word}'`).join(" ")} 2>/dev/null | awk -F: '{ n += $3 } END { print n }'`;
  };
  const topic = client("org.apache.kafka.tools.TopicCommand", "--create", "--if-not-exists", "--topic", TOPIC);
  const size = () => {
    const folders = [0, 1].map((partition) => join(data, `${TOPIC}-${partition}`)).filter((each) => existsSync(each));
    const segments = folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
    return segments
      .filter((path) => path.endsWith(".log"))
      .reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0);
  };
  const count = (of = TOPIC) => Number(execFileSync("sh", ["-c", counting(of)], { encoding: "utf8" }));
  // It waits for the broker by itself.
  const up = () => void call(topic);
  daemon.start();
  up();
  return {
    data,
    address,
    daemon,
    ...{ countCommand: counting(TOPIC), counting, up, count },
    grow(bytes) {
      const goal = size() + bytes;
      return daemon.until("messages", () => size() >= goal);
    },
    keepWriting() {
      // It outlives the broker's restarts, and gives up nothing meanwhile.
      const patience = ["acks=all", "retries=1000000", "delivery.timeout.ms=120000"];
      const words = ["--topic", TOPIC, "--property", "parse.key=true", "--property", "key.separator=:"];
      const producer = client(
        "kafka.tools.ConsoleProducer",
        ...words,
        ...patience.flatMap((each) => ["--producer-property", each]),
      );
      return keepFeeding(producer, (n) => `key${n % 97}:${Date.now()} ${n} ${"m".repeat(n % 300)}`);
    },
    read() {
      const shown = ["partition", "offset", "key"].flatMap((each) => ["--property", `print.${each}=true`]);
      const words = ["--topic", TOPIC, "--from-beginning", "--timeout-ms", "3000", ...shown];
      const partitions: string[][] = [[], []];
      for (const line of call(client("org.apache.kafka.tools.consumer.ConsoleConsumer", ...words)).split("\n")) {
        const partition = /^Partition:(\d)\t/.exec(line)?.[1];
        if (partition !== undefined) partitions[Number(partition)]?.push(line);
      }
      return partitions;
    },
  };
}
