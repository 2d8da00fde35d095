import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../e2e/emulator/server.ts";
import { type GoModule, goPrograms } from "./go.ts";

const GOLOOP: GoModule = {
  name: "goloop",
  module: "github.com/icon-project/goloop",
  version: "v1.3.11",
  packages: ["cmd/goloop"],
  go: "1.23",
};

const PATIENCE_MS = 60_000;

/** Why there is no goloop, in words for a test's name, or the program. In CI its absence is an error. */
export async function findGoloop(): Promise<{ readonly program: string } | { readonly missing: string }> {
  const found = await goPrograms(GOLOOP);
  if (typeof found === "string") return { program: join(found, "goloop") };
  if ((process.env.CI ?? "") !== "") throw new Error(found.missing);
  return found;
}

/** What `GET /admin/chain` says of each chain. */
export interface ChainState {
  readonly cid: string;
  readonly channel: string;
  readonly state: string;
  readonly height: number;
}

/** A validator with chains of its own, alone in its network: each makes a block a second. */
export interface GoloopNode {
  /** Its node_dir. */
  readonly data: string;
  readonly adminUrl: string;
  /** Commands for /bin/sh, each harmless where all is as it wants it. */
  readonly commands: { readonly stop: string; readonly start: string; readonly isRunning: string };
  /** Ends the chains' part in consensus; what the process is asked before it is killed. */
  readonly stopChains: string;
  /** Ends it, as a power cut would. */
  kill(): void;
  chains(): Promise<readonly ChainState[]>;
  /** Waits until each chain has this many blocks more than `from` says, by channel. */
  grow(from: Readonly<Record<string, number>>, blocks: number): Promise<void>;
  /** The hash of each block from 1 to `height` of a channel, as its JSON-RPC gives them. */
  hashes(channel: string, height: number): Promise<string[]>;
}

/** Where its calls go, and where what it is made of lies. */
export interface GoloopPlace {
  readonly program: string;
  readonly home: string;
  readonly sock: string;
  readonly p2p: string;
}

const callIn = ({ program, home }: Pick<GoloopPlace, "program" | "home">, ...words: string[]) =>
  execFileSync(program, words, { cwd: home, encoding: "utf8", stdio: "pipe" });

/** Makes the key of a validator: `ks.json` of its home. */
export function makeKey(place: Pick<GoloopPlace, "program" | "home">): void {
  callIn(place, "ks", "gen", "-o", "ks.json", "-p", "gochain");
}

/** Makes a chain of which the key is the only validator, joins it and starts it. Gives its id. */
export function makeChain(place: GoloopPlace, n: number): string {
  const { home, sock, p2p } = place;
  const [genesis, packed] = [`genesis-${n}.json`, `gs-${n}.zip`];
  callIn(place, "gn", "gen", "-o", genesis, "ks.json");
  const made = JSON.parse(readFileSync(join(home, genesis), "utf8")) as object;
  // The chain's id is a digest of it.
  writeFileSync(join(home, genesis), JSON.stringify({ ...made, message: `chain ${n}` }));
  callIn(place, "gs", "gen", "-i", genesis, "-o", packed);
  const words = ["--genesis", packed, "--seed", p2p, "--channel", `channel-${n}`, "--auto_start"];
  const cid = callIn(place, "chain", "-s", sock, "join", ...words).trim();
  callIn(place, "chain", "-s", sock, "start", cid);
  return cid;
}

/** What the node says of its chains by its socket, which needs no network; null where it does not answer. */
export function chainsOf({ program, sock }: GoloopPlace): readonly ChainState[] | null {
  const { status, stdout } = spawnSync(program, ["chain", "-s", sock, "ls"], { encoding: "utf8" });
  return status === 0 ? (JSON.parse(stdout) as ChainState[]) : null;
}

/** Makes a validator under `home` with `count` chains, and starts it. */
export async function startGoloop(program: string, home: string, count: number): Promise<GoloopNode> {
  const data = join(home, "data");
  mkdirSync(data, { recursive: true });
  makeKey({ program, home });
  const [rpc, p2p] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
  const [pid, sock] = [join(home, "pid"), join(home, "cli.sock")];
  const adminUrl = `http://${rpc}/admin/chain`;

  // A process that nobody waited for has a folder in /proc still, but no program any more.
  const isRunning = `readlink "/proc/$(cat '${pid}' 2>/dev/null)/exe" >/dev/null 2>&1`;
  const server = `'${program}' server start --node_dir '${data}' --node_sock '${sock}' --rpc_addr ${rpc} --p2p ${p2p} --key_store '${home}/ks.json' --key_password gochain --log_level warn --console_level warn`;
  const start = `${isRunning} && exit 0; rm -f '${sock}'; setsid ${server} >>'${home}/log' 2>&1 & echo $! >'${pid}'`;
  const stop = `${isRunning} || exit 0; kill "$(cat '${pid}')"`;
  const shell = (command: string) => execFileSync("sh", ["-c", command], { stdio: "ignore" });

  const chains = async (): Promise<readonly ChainState[]> => {
    const answer = await fetch(adminUrl, { signal: AbortSignal.timeout(5000) });
    return (await answer.json()) as ChainState[];
  };
  const until = async (what: string, isSo: () => Promise<boolean>) => {
    const end = performance.now() + PATIENCE_MS;
    while (!(await isSo().catch(() => false))) {
      if (performance.now() > end) throw new Error(`${what}: ${readFileSync(join(home, "log"), "utf8").slice(-3000)}`);
      await sleep(50);
    }
  };

  shell(start);
  await until("goloop did not start", async () => Array.isArray(await chains()));
  for (let n = 0; n < count; n += 1) makeChain({ program, home, sock, p2p }, n);
  const cids = (await chains()).map(({ cid }) => cid);

  return {
    data,
    adminUrl,
    commands: { stop, start, isRunning },
    stopChains: cids.map((cid) => `'${program}' chain -s '${sock}' stop ${cid}`).join(" && "),
    kill: () => void spawnSync("sh", ["-c", `kill -9 "$(cat '${pid}')"; while ${isRunning}; do sleep 0.02; done`]),
    chains,
    grow: (from, blocks) =>
      until("no blocks are made", async () => {
        const now = await chains();
        return now.length >= count && now.every(({ channel, height }) => height >= (from[channel] ?? 0) + blocks);
      }),
    hashes: async (channel, height) => {
      const all: string[] = [];
      for (let at = 1; at <= height; at += 1) {
        const params = { height: `0x${at.toString(16)}` };
        const answer = await fetch(`http://${rpc}/api/v3/${channel}`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ jsonrpc: "2.0", id: at, method: "icx_getBlockByHeight", params }),
        });
        const { result } = (await answer.json()) as { result?: { block_hash: string; height: number } };
        if (result?.height !== at) throw new Error(`no block ${at} of ${channel}`);
        all.push(result.block_hash);
      }
      return all;
    },
  };
}
