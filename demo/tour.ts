/**
 * The tour: a real node, a real database, the whole job of coldkeep, and the proof at the end. Everything lies in one
 * temporary folder; nothing keeps running.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { styleText } from "node:util";
import { coldkeepJson, coldkeepText } from "./cli.ts";
import { compareWithChain } from "./compare.ts";
import { makeHome } from "./home.ts";
import { type DemoNode, demoNode, quote } from "./running-node.ts";
import { counted, say, sized, step } from "./words.ts";

/** Blocks the node commits before the first backup; COLDKEEP_TOUR_BLOCKS makes a shorter or a longer tour. */
const BLOCKS = Number(process.env.COLDKEEP_TOUR_BLOCKS ?? "65000");
const MORE_BLOCKS = Math.ceil(BLOCKS / 80);
const SPOT_CHECKS = 100;

/** What the tour reads of `coldkeep show --json`. */
interface ShownSnapshot {
  readonly snapshot: string;
  readonly heights: Readonly<Record<string, number>> | null;
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
  say(`This tour takes a real node through the whole job of coldkeep. "…" stands for its folder, ${stage.home}`);
  await startNode(stage);
  await init(stage);
  await firstBackup(stage);
  await secondBackup(stage);
  await list(stage);
  await restore(stage);
  await prove(stage);
  farewell(stage);
}

async function startNode({ node, signal }: Stage): Promise<void> {
  step("A node that writes");
  node.start("--until", String(BLOCKS), "--while", String(process.pid));
  const height = await node.reach(BLOCKS, signal);
  say("A small blockchain node commits blocks to a LevelDB database and holds its lock, as real nodes do.");
  say(`It has ${counted(height)} blocks in ${sized(node.size())} of files and goes on writing, all through this tour.`);
}

async function init(stage: Stage): Promise<void> {
  step("Tell coldkeep about it");
  const { home, node, config, vault } = stage;
  mkdirSync(join(home, "keys"), { mode: 0o700 });
  await run(stage, [
    "init",
    ...["--node", "demo", "--profile", "leveldb", "--root", `data=${node.data}`],
    ...["--stop", node.commands.stop, "--start", node.commands.start, "--is-running", node.commands.isRunning],
    ...["--height-url", node.url("/height")],
    ...["--vault", `file://${vault}`, "--key-file", join(home, "keys", "demo.key"), "--state-dir", join(home, "state")],
    ...["--config", config],
  ]);
  say("In a tour the node, the vault and the key may lie on one disk. For real, keep them apart.");
}

async function firstBackup(stage: Stage): Promise<void> {
  step("The first backup");
  say("The node is stopped, its files are frozen, it is started again; only then are they read, encrypted and stored.");
  await run(stage, ["backup", "--config", stage.config]);
  say(`The node is back: height ${counted(await stage.node.reach(1, stage.signal))}.`);
}

async function secondBackup(stage: Stage): Promise<void> {
  step("The second backup, some blocks later");
  const height = await stage.node.reach((await stage.node.height()) + MORE_BLOCKS, stage.signal);
  say(`The node is at height ${counted(height)}. What has not changed since is neither read nor stored again.`);
  await run(stage, ["backup", "--config", stage.config]);
}

async function list(stage: Stage): Promise<void> {
  step("What the vault holds");
  await run(stage, ["list", "--config", stage.config]);
}

async function restore(stage: Stage): Promise<void> {
  step("Restore the latest into a fresh folder, while the node runs on");
  await run(stage, ["restore", "latest", "--to", join(stage.home, "restored"), "--config", stage.config]);
}

/** The restored database against the chain computed anew, and against what the running node says. */
async function prove({ home, node, config, signal }: Stage): Promise<void> {
  step("Proof");
  const { snapshot, heights } = await coldkeepJson<ShownSnapshot>(["show", "latest", "--config", config], signal);
  const recorded = Object.values(heights ?? {})[0];
  if (recorded === undefined) throw new Error(`${snapshot} records no height`);
  const found = await compareWithChain(join(home, "restored", "data"), spread(recorded, SPOT_CHECKS));
  if (found.blocks < recorded) {
    throw new Error(`the snapshot says height ${recorded}, but the restored database ends at ${found.blocks}`);
  }
  for (const [height, hash] of found.hashes) {
    const told = await node.hashOf(height);
    if (told !== hash) throw new Error(`block ${height} is ${hash} as restored, but the node says ${told}`);
  }
  say(`LevelDB opened the restored database. The snapshot promises height ${counted(recorded)}; the database has`);
  say(
    `${counted(found.blocks)} blocks, ${sized(found.bytes)}. Each was compared with what the node committed: all are equal.`,
  );
  say(`The running node was asked for ${found.hashes.size} of them and gives the same hashes.`);
}

/** `count` heights from 1 to `last`, evenly spread, both ends included. */
function spread(last: number, count: number): Set<number> {
  return new Set(Array.from({ length: count }, (_, index) => 1 + Math.floor((index * (last - 1)) / (count - 1))));
}

function farewell({ home, node, config, vault }: Stage): void {
  step("Yours now");
  say("The node is stopped. Its vault, and the key without which nobody reads it:");
  say(`  ${vault}\n  ${join(home, "keys", "demo.key")}`);
  say("Try next:");
  say(`  node bin/coldkeep.mjs verify --all --read-data --config ${config}`);
  say(`  node bin/coldkeep.mjs show latest --config ${config}`);
  say(`  node bin/coldkeep.mjs --help`);
  say("Start the node again and back it up yourself:");
  say(`  ${node.commands.start} --until 0`);
  say(`  node bin/coldkeep.mjs backup --config ${config}`);
  say(`Done with it: ${node.commands.stop}; rm -r ${home}`);
}

/** Runs one command as a user does: shows the line, then what it printed. */
async function run({ home, signal }: Stage, words: readonly string[]): Promise<void> {
  signal.throwIfAborted();
  const line = foldCommand(["coldkeep", ...words].map((word) => quote(word.replaceAll(home, "…"))));
  say(styleText("cyan", `\n  $ ${line}`));
  const printed = await coldkeepText(words, signal);
  say(
    `${printed
      .trimEnd()
      .replaceAll(home, "…")
      .replaceAll(/^(?=.)/gm, "  ")}\n`,
  );
}

/** A command over several lines, as one would type it: folded before options. */
function foldCommand(words: readonly string[]): string {
  const lines = [""];
  for (const word of words) {
    const last = lines.at(-1) ?? "";
    if (word.startsWith("--") && last.length > 70) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines.join(" \\\n      ");
}
