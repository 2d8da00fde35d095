import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { initNodeState } from "../../agent/state/index.ts";
import { systemClock } from "../../posix/clock.ts";
import { toNodeName } from "../../vault/names/index.ts";
import { type Ran, runHere } from "../cli/run.ts";
import { endOf } from "../support/ended.ts";
import { type Chance, chanceOf } from "./chance.ts";

const COLDKEEP =
  process.env.COLDKEEP_TORTURE_PROGRAM ?? fileURLToPath(new URL("../../bin/coldkeep.mjs", import.meta.url));
const NODE = fileURLToPath(new URL("node.pl", import.meta.url));
const DAY = 86_400_000;
/** The least stretching a reader takes: these campaigns are not about its cost. */
const QUICK = { kdf: "scrypt", salt: Buffer.alloc(32, 1).toString("base64url"), n: 2 ** 14, r: 8, p: 1 } as const;

export interface Ended extends Ran {
  readonly signal: NodeJS.Signals | null;
}

/** A host with a running node, coldkeep set up for it, and a vault in a folder unless another place is named. */
export interface World {
  readonly home: string;
  readonly data: string;
  readonly vault: string;
  readonly state: string;
  readonly config: string;
  readonly frozen: string;
  /** The real command line in a process group of its own; with `--json`. */
  run(words: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended>;
  /** The same without waiting. */
  begin(
    words: readonly string[],
    env?: Readonly<Record<string, string>>,
  ): { child: ChildProcess; ended: Promise<Ended> };
  /** The command line in this process, with --json: as good for looking, and ten times as quick. */
  here(...words: string[]): Promise<Ran>;
  /** Its answer. @throws Error where it does not end with 0. */
  json<T>(...words: string[]): Promise<T>;
  change(from: string | RegExp, to: string): void;
  node(action: "start" | "stop" | "is-running"): boolean;
  /** What a node does to its tables: some are gone, some are new. */
  compact(chance: Chance): void;
  /** As though so many days had passed: receipts in a folder are the times of its files. */
  letPass(days: number): void;
}

export interface WorldOptions {
  readonly vaultUrl?: string;
  /** Default: leveldb. */
  readonly profile?: string;
  /** Another node than the one that node.pl is; it runs already, and whoever made it ends it. */
  readonly node?: {
    readonly data: string;
    readonly commands: { readonly start: string; readonly stop: string; readonly isRunning: string };
  };
  /** More words for `init`. */
  readonly init?: readonly string[];
}

/** Sets a host up in `home`, which is made. */
export async function makeWorld(home: string, options: WorldOptions = {}): Promise<World> {
  mkdirSync(home, { recursive: true });
  const world = worldIn(home);
  const { data, commands } = options.node ?? startNode(world);
  const words = [
    ...[
      "init",
      "--state-dir",
      world.state,
      "--vault",
      options.vaultUrl ?? world.vault,
      "--key-file",
      join(home, "key-0"),
    ],
    ...["--node", "demo", "--profile", options.profile ?? "leveldb", "--root", `data=${data}`],
    ...["--stop", commands.stop, "--start", commands.start, "--is-running", commands.isRunning],
    ...(options.init ?? []),
  ];
  const { code, stderr } = await runHere([...words, "--config", world.config], {
    clock: systemClock,
    env: process.env,
  });
  if (code !== 0) throw new Error(`init ended with ${code}: ${stderr}`);
  stretchQuickly(world, join(home, "key-0"));
  return world;
}

/** The host that lives in `home`. */
export function worldIn(home: string): World {
  const config = join(home, "config.yaml");
  const data = join(home, "data");
  const world: World = {
    home,
    data,
    vault: join(home, "vault"),
    state: join(home, "state"),
    config,
    frozen: join(home, ".coldkeep-freeze"),
    begin(words, env = {}) {
      const child = spawn(process.execPath, [COLDKEEP, ...words, "--config", config, "--json"], {
        stdio: ["ignore", "pipe", "pipe"],
        detached: true,
        env: { ...process.env, NO_COLOR: "1", ...env },
      });
      return { child, ended: runOf(child) };
    },
    run: (words, env) => world.begin(words, env).ended,
    here: (...words) => runHere([...words, "--json", "--config", config], { clock: systemClock, env: process.env }),
    async json<T>(...words: string[]) {
      const { code, stdout, stderr } = await world.here(...words);
      if (code !== 0) throw new Error(`coldkeep ${words.join(" ")} ended with ${code}: ${stderr}${stdout}`);
      return JSON.parse(stdout) as T;
    },
    change(from, to) {
      const text = readFileSync(config, "utf8");
      const changed = text.replace(from, to);
      if (changed === text) throw new Error(`nothing to change: ${from}`);
      writeFileSync(config, changed);
    },
    node: (action) => spawnSync(join(home, "nodectl"), [action], { stdio: "ignore" }).status === 0,
    compact(chance) {
      const numbers = tablesIn(data);
      for (const number of numbers) if (numbers.length > 3 && chance.hits(0.2)) rmSync(tablePath(data, number));
      const last = Math.max(...numbers);
      for (let more = chance.whole(1, 2); more > 0; more--) writeTable(data, last + more);
    },
    letPass(days) {
      for (const name of readdirSync(world.vault, { recursive: true, encoding: "utf8" })) {
        if (name.startsWith(".tmp")) continue;
        const path = join(world.vault, name);
        const time = (lstatSync(path).mtimeMs - days * DAY) / 1000;
        utimesSync(path, time, time);
      }
    },
  };
  return world;
}

/** A key needs as little stretching as a reader takes. Before its first use. */
export function stretchQuickly(world: World, key: string): void {
  initNodeState(world.state, toNodeName("demo")).state.stretch(key, "aes-256-gcm", () => QUICK);
}

/** Ends the node: whoever made a world ends it. */
export function endWorld(world: World): void {
  world.node("stop");
}

/** Makes the small node and starts it. */
function startNode(world: World): NonNullable<WorldOptions["node"]> {
  const { data } = world;
  mkdirSync(data);
  writeFileSync(join(data, "CURRENT"), "MANIFEST-000001\n");
  writeFileSync(join(data, "MANIFEST-000001"), "manifest");
  for (let number = 1; number <= 4; number++) writeTable(data, number);
  writeNodeScript(world);
  world.node("start");
  const script = join(world.home, "nodectl");
  return {
    data,
    commands: { start: `${script} start`, stop: `${script} stop`, isRunning: `${script} is-running` },
  };
}

function writeNodeScript({ home, data }: World): void {
  const pid = `${data}.pid`;
  // Started as init would: in a session of its own, with nothing of whoever asked for it.
  writeFileSync(
    join(home, "nodectl"),
    `#!/bin/sh
unset LD_PRELOAD
running() { p=$(cat '${pid}' 2>/dev/null) && [ -n "$p" ] && grep -qsF '${data}' "/proc/$p/cmdline"; }
case $1 in
start)
  running && exit 0
  rm -f '${pid}'
  setsid perl '${NODE}' '${data}' ${process.pid} </dev/null >/dev/null 2>&1 &
  for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do running && exit 0; sleep 0.05; done
  exit 1;;
stop) running && kill -TERM "$p"; exit 0;;
is-running) running;;
esac
`,
    { mode: 0o755 },
  );
}

async function runOf(child: ChildProcess): Promise<Ended> {
  const { status, ...ended } = await endOf(child);
  return { code: status ?? -1, ...ended };
}

/** Kills a process group, which may be gone. */
export function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

const tablePath = (folder: string, number: number) => join(folder, `${String(number).padStart(6, "0")}.ldb`);

/** A table tells by its number what is in it: whoever finds one knows whether it is whole. */
function tableOf(number: number): Buffer {
  const chance = chanceOf(`table ${number}`);
  return chance.bytes(chance.whole(20_000, 120_000));
}

function writeTable(folder: string, number: number): void {
  const path = tablePath(folder, number);
  writeFileSync(`${path}.new`, tableOf(number));
  renameSync(`${path}.new`, path);
}

function tablesIn(folder: string): number[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".ldb"))
    .map((name) => Number.parseInt(name, 10));
}

/**
 * What is wrong with a restored data folder, or null: each table is what its number says, and both logs are equal, which
 * they are only while the node does not run.
 */
export function faultOfData(folder: string): string | null {
  if (!existsSync(join(folder, "CURRENT"))) return `${folder} has no CURRENT`;
  const tables = tablesIn(folder);
  if (tables.length < 1) return "there are no tables";
  for (const number of tables) {
    if (!readFileSync(tablePath(folder, number)).equals(tableOf(number))) return `table ${number} is not what it was`;
  }
  const [first, second] = ["900002.log", "900003.log"].map((name) => readFileSync(join(folder, name), "latin1"));
  if (first !== second) return "the two logs differ: this was no one moment of a stopped node";
  return null;
}

/** One digest of all names and bytes in a folder. */
export function digestOf(folder: string): string {
  const hash = createHash("sha256");
  for (const name of (readdirSync(folder, { recursive: true, encoding: "utf8" }) as string[]).sort()) {
    const path = join(folder, name);
    hash.update(`${name}\0`);
    if (lstatSync(path).isFile()) hash.update(createHash("sha256").update(readFileSync(path)).digest());
  }
  return hash.digest("hex");
}

/** Removes a folder whatever is in it. */
export function clear(folder: string): void {
  execFileSync("rm", ["-rf", folder]);
}
