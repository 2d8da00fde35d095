import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { answers, freePort } from "../../e2e/emulator/server.ts";
import type { Missing } from "../../e2e/emulator/venv.ts";
import { makeDaemon } from "./daemon.ts";
import { type GoModule, goPrograms } from "./go.ts";

/** A development commit of 2.5: newer than the newest tag that a Go module of that name has. */
const FABRIC: GoModule = {
  name: "fabric",
  module: "github.com/hyperledger/fabric",
  version: "v1.4.0-rc1.0.20230401164317-bd8e24856939",
  packages: ["cmd/orderer", "cmd/peer", "cmd/osnadmin", "cmd/configtxgen", "cmd/cryptogen"],
  go: "1.20",
};

export const CHANNEL = "mychannel";

/** The folder of Fabric's programs, built once. */
export const fabricPrograms = (): Promise<string | Missing> => goPrograms(FABRIC);

/** One node of the network, that shell commands start, stop and ask after. */
export interface FabricNode {
  /** Its root. */
  readonly data: string;
  readonly commands: { readonly start: string; readonly stop: string; readonly isRunning: string };
  /** What tells its heights, as a configuration has it. */
  readonly height: string;
  /** `host:port` that takes connections once it is up. */
  readonly address: string;
  start(): void;
  /** Asks it to end, and waits until it has. */
  stop(): void;
  ask(): Promise<number>;
}

/** An ordering service of one node, by raft or, as under 1.4, by Kafka, and a peer of another organization, in one channel. */
export interface Network {
  readonly orderer: FabricNode;
  readonly peer: FabricNode;
  /** Commits one block: a definition of chaincode that the peer's organization approves. */
  approve(name: string): Promise<void>;
  /** Goes on approving definitions, one after the other, until it is ended. */
  keepWriting(): { end(): Promise<void> };
  /** What the peer's state has of it. @throws Error where it has nothing. */
  approved(name: string): string;
  /** `qscc`: height and hash of the last block, by the peer. */
  chainInfo(): string;
  /** One block as the orderer gives it, once it has a leader. */
  block(number: number): Promise<Buffer>;
  /** By Kafka: the offset of the channel's topic up to which the orderer has made blocks of it. */
  offset(): Promise<number>;
  /** Waits until the peer has as many blocks as the orderer. */
  settle(): Promise<number>;
  end(): void;
}

/**
 * Starts the two in `home`, with one channel that both have joined. `kafka` is a broker's address: then the orderer orders by
 * it, and has a system channel, as all had before 2.3 and none has from 3.0 on.
 */
export async function startNetwork(programs: string, home: string, kafka?: string): Promise<Network> {
  const [ordererPort, adminPort, ordererOps, peerPort, chaincodePort, peerOps] = (await Promise.all(
    Array.from({ length: 6 }, freePort),
  )) as [number, number, number, number, number, number];
  const tool = (name: string, words: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    execFileSync(join(programs, name), words, { encoding: "utf8", stdio: "pipe", env: { ...env, HOME: home } });

  writeFileSync(join(home, "crypto-config.yaml"), CRYPTO);
  tool("cryptogen", ["generate", `--config=${home}/crypto-config.yaml`, `--output=${home}/crypto`]);
  const ordererHome = join(home, "crypto/ordererOrganizations/example.com/orderers/orderer.example.com");
  const org = join(home, "crypto/peerOrganizations/org1.example.com");
  const peerHome = join(org, "peers/peer.org1.example.com");
  const admin = join(org, "users/Admin@org1.example.com/msp");
  writeFileSync(join(home, "configtx.yaml"), configtx(home, ordererPort, kafka));
  // JSON is YAML.
  writeFileSync(
    join(home, "core.yaml"),
    JSON.stringify({
      peer: {
        id: "peer.org1.example.com",
        networkId: "test",
        listenAddress: `127.0.0.1:${peerPort}`,
        address: `127.0.0.1:${peerPort}`,
        chaincodeListenAddress: `127.0.0.1:${chaincodePort}`,
        chaincodeAddress: `127.0.0.1:${chaincodePort}`,
        localMspId: "Org1MSP",
        localMspType: "bccsp",
        mspConfigPath: join(peerHome, "msp"),
        fileSystemPath: join(home, "peer"),
        BCCSP: { Default: "SW", SW: { Hash: "SHA2", Security: 256 } },
        tls: {
          enabled: true,
          cert: { file: join(peerHome, "tls/server.crt") },
          key: { file: join(peerHome, "tls/server.key") },
          rootcert: { file: join(peerHome, "tls/ca.crt") },
        },
        gossip: { bootstrap: `127.0.0.1:${peerPort}`, useLeaderElection: false, orgLeader: true },
        deliveryclient: { reConnectBackoffThreshold: "500ms", reconnectTotalTimeThreshold: "3600s", connTimeout: "3s" },
        handlers: {
          authFilters: [{ name: "DefaultAuth" }, { name: "ExpirationCheck" }],
          decorators: [{ name: "DefaultDecorator" }],
          endorsers: { escc: { name: "DefaultEndorsement" } },
          validators: { vscc: { name: "DefaultValidation" } },
        },
        maxRecvMsgSize: 104_857_600,
        maxSendMsgSize: 104_857_600,
        keepalive: { minInterval: "60s", client: { interval: "60s", timeout: "20s" } },
        discovery: { enabled: true, authCacheEnabled: true, authCacheMaxSize: 1000 },
      },
      // Without Docker there is but the chaincode of the system; a peer wants one way to others all the same.
      chaincode: {
        externalBuilders: [{ name: "none", path: home }],
        mode: "net",
        executetimeout: "30s",
        startuptimeout: "30s",
        system: { _lifecycle: "enable", cscc: "enable", lscc: "enable", qscc: "enable" },
      },
      ledger: {
        state: { stateDatabase: "goleveldb" },
        history: { enableHistoryDatabase: true },
        snapshots: { rootDir: join(home, "peer/snapshots") },
      },
      operations: { listenAddress: `127.0.0.1:${peerOps}` },
      metrics: { provider: "prometheus" },
    }),
  );
  writeFileSync(
    join(home, "orderer.yaml"),
    JSON.stringify({
      General: {
        ListenAddress: "127.0.0.1",
        ListenPort: ordererPort,
        ...(kafka === undefined
          ? { BootstrapMethod: "none" }
          : { BootstrapMethod: "file", BootstrapFile: join(home, "system.block") }),
        LocalMSPDir: join(ordererHome, "msp"),
        LocalMSPID: "OrdererMSP",
        BCCSP: { Default: "SW", SW: { Hash: "SHA2", Security: 256 } },
        TLS: { Enabled: true, ...tlsOf(ordererHome), RootCAs: [join(ordererHome, "tls/ca.crt")] },
        Cluster: {
          ClientCertificate: join(ordererHome, "tls/server.crt"),
          ClientPrivateKey: join(ordererHome, "tls/server.key"),
          RootCAs: [join(ordererHome, "tls/ca.crt")],
        },
      },
      FileLedger: { Location: join(home, "orderer") },
      ...(kafka === undefined ? {} : { Kafka: PATIENCE_WITH_KAFKA }),
      Operations: { ListenAddress: `127.0.0.1:${ordererOps}` },
      Metrics: { Provider: "prometheus" },
      Admin: { ListenAddress: `127.0.0.1:${adminPort}` },
      ChannelParticipation: { Enabled: true, MaxRequestBodySize: "1 MB" },
      Consensus: { WALDir: join(home, "orderer/etcdraft/wal"), SnapDir: join(home, "orderer/etcdraft/snapshot") },
    }),
  );
  const genesis = join(home, "genesis.block");
  const generate = (profile: string, channel: string, ...output: string[]) =>
    tool("configtxgen", ["-profile", profile, "-channelID", channel, ...output, "-configPath", home]);
  const transaction = join(home, "channel.tx");
  if (kafka === undefined) generate("Test", CHANNEL, "-outputBlock", genesis);
  else {
    generate("System", "syschannel", "-outputBlock", join(home, "system.block"));
    generate("Test", CHANNEL, "-outputCreateChannelTx", transaction);
  }

  const orderer = makeNode({
    address: `127.0.0.1:${ordererPort}`,
    name: "orderer",
    home,
    data: join(home, "orderer"),
    program: [join(programs, "orderer")],
    env: { FABRIC_CFG_PATH: home, FABRIC_LOGGING_SPEC: "warn" },
    height: `url: http://127.0.0.1:${adminPort}/participation/v1/channels\n      channels: { list: channels, by: name, follow: url, field: height }`,
    ask: async () => {
      const answer = await fetch(`http://127.0.0.1:${adminPort}/participation/v1/channels/${CHANNEL}`);
      return ((await answer.json()) as { height: number }).height;
    },
  });
  const peerEnv = { FABRIC_CFG_PATH: home, FABRIC_LOGGING_SPEC: "warn" };
  const peer = makeNode({
    address: `127.0.0.1:${peerPort}`,
    name: "peer",
    home,
    data: join(home, "peer"),
    program: [join(programs, "peer"), "node", "start"],
    env: peerEnv,
    height: `url: http://127.0.0.1:${peerOps}/metrics\n      channels: { metric: ledger_blockchain_height, by: channel }`,
    ask: async () => {
      const page = await (await fetch(`http://127.0.0.1:${peerOps}/metrics`)).text();
      return Number(new RegExp(`^ledger_blockchain_height\\{channel="${CHANNEL}"\\} (\\d+)$`, "m").exec(page)?.[1]);
    },
  });
  const cli = (...words: string[]) => tool("peer", words, { ...peerEnv, CORE_PEER_MSPCONFIGPATH: admin });
  const ca = join(ordererHome, "tls/ca.crt");
  const toOrderer = ["-o", `127.0.0.1:${ordererPort}`, "--tls", "--cafile", ca];

  const end = () => {
    peer.stop();
    orderer.stop();
  };
  try {
    orderer.start();
    peer.start();
    await until(
      "the orderer",
      () => answers(`http://127.0.0.1:${adminPort}/participation/v1/channels`),
      home,
      "orderer",
    );
    if (kafka === undefined) {
      const admin = ["-o", `127.0.0.1:${adminPort}`, "--channelID", CHANNEL];
      tool("osnadmin", ["channel", "join", ...admin, "--config-block", genesis]);
    } else {
      const words = ["channel", "create", "-c", CHANNEL, "-f", transaction, "--outputBlock", genesis, ...toOrderer];
      // It takes nothing before it has its topic.
      await until("the channel", async () => existsSync(genesis) || succeeds(() => cli(...words)), home, "orderer");
    }
    // Its operations answer before it takes calls.
    await until("the peer", () => takesConnections(peerPort), home, "peer");
    cli("channel", "join", "-b", genesis);
  } catch (error) {
    end();
    throw error;
  }

  return {
    orderer,
    peer,
    async approve(name) {
      // An orderer answers before it has elected itself, and takes nothing until then.
      if (kafka === undefined)
        await until("the channel's leader", () => isLeader(`http://127.0.0.1:${ordererOps}/metrics`), home, "orderer");
      const before = await orderer.ask();
      const words = ["lifecycle", "chaincode", "approveformyorg", ...toOrderer, "--channelID", CHANNEL, "--name", name];
      const approve = () => cli(...words, "--version", "1", "--sequence", "1", "--waitForEvent=false");
      if (kafka === undefined) approve();
      else await until("the channel's topic", async () => succeeds(approve), home, "orderer");
      await until("its block", async () => (await orderer.ask()) > before, home, "orderer");
    },
    keepWriting() {
      const words = ["lifecycle", "chaincode", "approveformyorg", ...toOrderer, "--channelID", CHANNEL];
      const call = [join(programs, "peer"), ...words, "--version", "1", "--sequence", "1", "--waitForEvent=false"];
      const loop = `n=0; while :; do n=$((n+1)); ${call.map((word) => `'${word}'`).join(" ")} --name "w$n" >/dev/null 2>&1; done`;
      const env = { ...peerEnv, CORE_PEER_MSPCONFIGPATH: admin, HOME: home };
      const child = spawn("sh", ["-c", loop], { stdio: "ignore", env: { ...process.env, ...env }, detached: true });
      return {
        async end() {
          if (child.pid === undefined || child.exitCode !== null) return;
          const gone = once(child, "exit");
          process.kill(-child.pid, "SIGKILL");
          await gone;
        },
      };
    },
    approved: (name) => cli("lifecycle", "chaincode", "queryapproved", "-C", CHANNEL, "--name", name),
    chainInfo: () =>
      cli("chaincode", "query", "-C", CHANNEL, "-n", "qscc", "-c", `{"Args":["GetChainInfo","${CHANNEL}"]}`, "--hex"),
    async block(number) {
      const file = join(home, `block-${number}`);
      const words = ["channel", "fetch", String(number), file, "-c", CHANNEL, ...toOrderer];
      await until("a leader of the channel", async () => succeeds(() => cli(...words)));
      return readFileSync(file);
    },
    async offset() {
      const page = await (await fetch(`http://127.0.0.1:${ordererOps}/metrics`)).text();
      const told = new RegExp(`^consensus_kafka_last_offset_persisted\\{channel="${CHANNEL}"\\} (\\S+)$`, "m").exec(
        page,
      );
      return Number(told?.[1]);
    },
    async settle() {
      let height = -1;
      await until("the peer to catch up", async () => {
        height = await peer.ask().catch(() => -1);
        return height >= 0 && height === (await orderer.ask().catch(() => -2));
      });
      return height;
    },
    end,
  };
}

const tlsOf = (of: string) => ({ PrivateKey: join(of, "tls/server.key"), Certificate: join(of, "tls/server.crt") });

interface NodeParts {
  readonly address: string;
  readonly name: string;
  readonly home: string;
  readonly data: string;
  readonly program: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly height: string;
  readonly ask: () => Promise<number>;
}

function makeNode({ address, name, home, data, program, env, height, ask }: NodeParts): FabricNode {
  mkdirSync(data);
  const { commands, start, stop } = makeDaemon({ home, name, program, env });
  return { address, data, commands, height, start, stop, ask };
}

async function takesConnections(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

function succeeds(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

async function isLeader(metrics: string): Promise<boolean> {
  const page = await fetch(metrics).then(
    (answer) => answer.text(),
    () => "",
  );
  return new RegExp(`^consensus_etcdraft_is_leader\\{channel="${CHANNEL}"\\} 1$`, "m").test(page);
}

async function until(what: string, holds: () => Promise<boolean>, home?: string, log?: string): Promise<void> {
  const end = performance.now() + 60_000;
  while (!(await holds())) {
    if (performance.now() > end) {
      const file = home === undefined ? undefined : join(home, `${log}.log`);
      const said = file !== undefined && existsSync(file) ? readFileSync(file, "utf8").slice(-3000) : "";
      throw new Error(`waited in vain for ${what}\n${said}`);
    }
    await sleep(50);
  }
}

const CRYPTO = `
OrdererOrgs:
  - Name: Orderer
    Domain: example.com
    EnableNodeOUs: true
    Specs:
      - Hostname: orderer
        SANS: [127.0.0.1]
PeerOrgs:
  - Name: Org1
    Domain: org1.example.com
    EnableNodeOUs: true
    Specs:
      - Hostname: peer
        SANS: [127.0.0.1]
    Users: { Count: 0 }
`;

/** As sampleconfig has it, but for less waiting, and one broker. */
const PATIENCE_WITH_KAFKA = {
  Retry: {
    ...{ ShortInterval: "200ms", ShortTotal: "10m", LongInterval: "5m", LongTotal: "12h" },
    NetworkTimeouts: { DialTimeout: "10s", ReadTimeout: "10s", WriteTimeout: "10s" },
    Metadata: { RetryBackoff: "250ms", RetryMax: 3 },
    Producer: { RetryBackoff: "100ms", RetryMax: 3 },
    Consumer: { RetryBackoff: "500ms" },
  },
  Topic: { ReplicationFactor: 1 },
  TLS: { Enabled: false },
  Version: "0.10.2.0",
};

function configtx(home: string, port: number, kafka?: string): string {
  const certificate = `${home}/crypto/ordererOrganizations/example.com/orderers/orderer.example.com/tls/server.crt`;
  const policies = (msp: string) => `
      Readers: { Type: Signature, Rule: "OR('${msp}.member')" }
      Writers: { Type: Signature, Rule: "OR('${msp}.member')" }
      Admins: { Type: Signature, Rule: "OR('${msp}.admin')" }
      Endorsement: { Type: Signature, Rule: "OR('${msp}.peer')" }`;
  const common = `
    Policies:
      Readers: { Type: ImplicitMeta, Rule: "ANY Readers" }
      Writers: { Type: ImplicitMeta, Rule: "ANY Writers" }
      Admins: { Type: ImplicitMeta, Rule: "MAJORITY Admins" }
    Capabilities: { V2_0: true }`;
  const orderer = `
    Orderer:
      OrdererType: ${kafka === undefined ? "etcdraft" : `kafka\n      Kafka: { Brokers: ["${kafka}"] }`}
      Addresses: ["127.0.0.1:${port}"]
      BatchTimeout: 50ms
      BatchSize: { MaxMessageCount: 1, AbsoluteMaxBytes: 1 MB, PreferredMaxBytes: 512 KB }
      EtcdRaft:
        Consenters:
          - { Host: 127.0.0.1, Port: ${port}, ClientTLSCert: ${certificate}, ServerTLSCert: ${certificate} }
        Options: { TickInterval: 50ms, ElectionTick: 10, HeartbeatTick: 1, MaxInflightBlocks: 5, SnapshotIntervalSize: 16 MB }
      Organizations: [*Orderer]
      Policies:
        Readers: { Type: ImplicitMeta, Rule: "ANY Readers" }
        Writers: { Type: ImplicitMeta, Rule: "ANY Writers" }
        Admins: { Type: ImplicitMeta, Rule: "MAJORITY Admins" }
        BlockValidation: { Type: ImplicitMeta, Rule: "ANY Writers" }
      Capabilities: { V2_0: true }`;
  const application = `
    Application:
      Organizations: [*Org1]
      Policies:
        Readers: { Type: ImplicitMeta, Rule: "ANY Readers" }
        Writers: { Type: ImplicitMeta, Rule: "ANY Writers" }
        Admins: { Type: ImplicitMeta, Rule: "MAJORITY Admins" }
        LifecycleEndorsement: { Type: ImplicitMeta, Rule: "MAJORITY Endorsement" }
        Endorsement: { Type: ImplicitMeta, Rule: "MAJORITY Endorsement" }
      Capabilities: { V2_0: true }`;
  const profiles =
    kafka === undefined
      ? `
  Test:${common}${orderer}${application}`
      : `
  System:${common}${orderer}
    Consortiums: { Ours: { Organizations: [*Org1] } }
  Test:
    Consortium: Ours${common}${application}`;
  return `
Organizations:
  - &Orderer
    Name: Orderer
    ID: OrdererMSP
    MSPDir: ${home}/crypto/ordererOrganizations/example.com/msp
    Policies:${policies("OrdererMSP")}
    OrdererEndpoints: ["127.0.0.1:${port}"]
  - &Org1
    Name: Org1
    ID: Org1MSP
    MSPDir: ${home}/crypto/peerOrganizations/org1.example.com/msp
    Policies:${policies("Org1MSP")}
Profiles:${profiles}
`;
}
