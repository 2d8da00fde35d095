/**
 * The tour: a real node, a real database, the whole job of coldkeep, and the proof at the end. Everything lies in one
 * temporary folder; nothing keeps running.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { coldkeepJson, coldkeepText } from "./cli.ts";
import { compareWithChain } from "./compare.ts";
import { makeHome } from "./home.ts";
import { type DemoNode, demoNode } from "./running-node.ts";
import { counted, lasted, say, sized, speed, step } from "./words.ts";

/** Blocks the node commits before the first backup; COLDKEEP_TOUR_BLOCKS makes a shorter or a longer tour. */
const BLOCKS = Number(process.env.COLDKEEP_TOUR_BLOCKS ?? "80000");
const MORE_BLOCKS = Math.ceil(BLOCKS / 80);
const SPOT_CHECKS = 100;

/** What the tour reads of `coldkeep backup --json`. */
interface BackupAnswer {
  readonly snapshot: string;
  readonly parent: string | null;
  readonly figures: {
    readonly read: number;
    readonly reused: number;
    readonly stored: number;
    readonly totalMs: number;
    readonly uploadMs: number;
    readonly freeze: {
      readonly files: number;
      readonly bytes: number;
      readonly downtimeMs: number;
      readonly freezeMs: number;
    };
  };
}

/** What the tour reads of `coldkeep restore --json` and `show --json`. */
interface RestoreAnswer {
  readonly snapshot: string;
  readonly heights: Readonly<Record<string, number>>;
  readonly files: number;
  readonly bytes: number;
}

interface Stage {
  readonly home: string;
  readonly node: DemoNode;
  readonly config: string;
  readonly vault: string;
  readonly signal: AbortSignal;
}

const abort = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    if (!abort.signal.aborted) say("\nStopping; the node is brought down first.");
    abort.abort();
    process.exitCode = signal === "SIGINT" ? 130 : 143;
  });
}

try {
  await main();
} catch (error) {
  if (!abort.signal.aborted) {
    process.exitCode = 1;
    console.error(`\nThe tour failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function main(): Promise<void> {
  const home = makeHome(BLOCKS);
  const node = demoNode(join(home, "node"));
  try {
    const config = join(home, "config.yaml");
    await tour({ home, node, config, vault: join(home, "vault"), signal: abort.signal });
  } finally {
    await node.stop();
  }
}

async function tour(stage: Stage): Promise<void> {
  say(`coldkeep's tour. Everything lies in ${stage.home}\n`);
  await startNode(stage);
  await init(stage);
  const first = await backup(stage, "The first backup");
  await writeOn(stage);
  const second = await backup(stage, "The second backup: only what changed");
  await list(stage);
  const restored = await restore(stage);
  await prove(stage, restored);
  farewell(stage, first, second);
}

async function startNode({ node, signal }: Stage): Promise<void> {
  step("A node that writes");
  node.start("--until", String(BLOCKS), "--while", String(process.pid));
  const height = await node.reach(BLOCKS, signal);
  say(`A small blockchain node commits blocks to a LevelDB database and holds its lock, as real nodes do.`);
  say(`It holds ${counted(height)} blocks in ${sized(node.size())} of files, and goes on writing.`);
}

async function init({ home, node, config, vault, signal }: Stage): Promise<void> {
  step("coldkeep init");
  mkdirSync(vault, { mode: 0o700 });
  say(
    await coldkeepText(
      [
        "init",
        ...["--config", config, "--state-dir", join(home, "state"), "--vault", `file://${vault}`],
        ...[
          "--key-file",
          join(home, "coldkeep.key"),
          "--node",
          "demo",
          "--profile",
          "leveldb",
          "--root",
          `data=${node.data}`,
        ],
        ...["--stop", node.commands.stop, "--start", node.commands.start, "--is-running", node.commands.isRunning],
        ...["--height-url", node.url("/height")],
      ],
      signal,
    ),
  );
}

async function backup({ node, config, signal }: Stage, title: string): Promise<BackupAnswer> {
  step(title);
  signal.throwIfAborted();
  const { answer } = await coldkeepJson<BackupAnswer>(["backup", "--config", config], signal);
  const { freeze, read, reused, stored, uploadMs } = answer.figures;
  const height = await node.reach(1, signal);
  say(`$ coldkeep backup`);
  say(
    `  downtime   ${lasted(freeze.downtimeMs)} from "stop" to "running again", ${lasted(freeze.freezeMs)} of it coldkeep's own work`,
  );
  say(`  read       ${sized(read)} of the node's ${sized(freeze.bytes)} in ${freeze.files} files`);
  say(`  reused     ${sized(reused)}: already in the vault, not read or not stored again`);
  say(`  stored     ${sized(stored)}, compressed and sealed, at ${speed(read, uploadMs)}`);
  say(`  snapshot   ${answer.snapshot}`);
  say(`The node is back and at height ${counted(height)}.`);
  return answer;
}

async function writeOn({ node, signal }: Stage): Promise<void> {
  step("The node goes on");
  const height = await node.reach((await node.height()) + MORE_BLOCKS, signal);
  say(`${counted(MORE_BLOCKS)} blocks later it is at height ${counted(height)}.`);
}

async function list({ config, signal }: Stage): Promise<void> {
  step("What is in the vault");
  say("$ coldkeep list");
  say(await coldkeepText(["list", "--config", config], signal));
}

async function restore({ home, config, signal }: Stage): Promise<RestoreAnswer> {
  step("Restore the latest into a fresh directory");
  signal.throwIfAborted();
  const to = join(home, "restored");
  const { answer, took } = await coldkeepJson<RestoreAnswer>(
    ["restore", "latest", "--to", to, "--config", config],
    signal,
  );
  say(`$ coldkeep restore latest --to ${to}`);
  say(
    `  ${counted(answer.files)} files, ${sized(answer.bytes)}, at ${speed(answer.bytes, took)}; every digest checked`,
  );
  return answer;
}

/** The restored database against the chain computed anew, and against what the running node says. */
async function prove({ home, node }: Stage, restored: RestoreAnswer): Promise<void> {
  step("Proof");
  const [recorded] = Object.values(restored.heights);
  if (recorded === undefined) throw new Error("the snapshot records no height");
  const spots = new Set(
    Array.from({ length: SPOT_CHECKS }, (_, index) => 1 + Math.floor((index * (recorded - 1)) / (SPOT_CHECKS - 1))),
  );
  const found = await compareWithChain(join(home, "restored", "data"), spots);
  if (found.blocks < recorded) {
    throw new Error(`the snapshot says height ${recorded}, but the restored database ends at ${found.blocks}`);
  }
  for (const [height, hash] of found.hashes) {
    const told = await node.hashOf(height);
    if (told !== hash)
      throw new Error(`block ${height} is ${hash} in the restored database, but the node says ${told}`);
  }
  say(
    `LevelDB opened the restored database. Its ${counted(found.blocks)} blocks (${sized(found.bytes)}) were compared one by one`,
  );
  say(`with the chain computed anew: all equal, up to and beyond the recorded height ${counted(recorded)}.`);
  say(`The running node gave the same hash for ${found.hashes.size} of them, the last one included.`);
}

function farewell({ home, node, config, vault }: Stage, first: BackupAnswer, second: BackupAnswer): void {
  step("Done");
  const run = "node bin/coldkeep.mjs";
  say(
    `Two snapshots, ${sized(first.figures.stored)} and ${sized(second.figures.stored)}; the node was down ${lasted(first.figures.freeze.downtimeMs)} and ${lasted(second.figures.freeze.downtimeMs)}.`,
  );
  say(`The vault:  ${vault}    its key: ${join(home, "coldkeep.key")}`);
  say("The node is stopped now. Try next:");
  say(`  ${run} show ${second.snapshot} --config ${config}`);
  say(`  ${run} verify --all --read-data --config ${config}`);
  say(`  ${node.commands.start} --until 0    then    ${run} backup --config ${config}`);
  say(`  rm -r ${home}    (the next tour does it, too)`);
}
