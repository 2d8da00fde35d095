import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { type Comparison, compareWithChain } from "../../../demo/compare.ts";
import { type DemoNode, demoNode } from "../../../demo/running-node.ts";
import { type ChildEnd, endOf } from "../../support/ended.ts";
import { assertPrintedNoKey } from "../../support/learn-secrets.ts";
import { tempDir } from "../../support/tmp.ts";

const COLDKEEP = fileURLToPath(new URL("../../../bin/coldkeep.mjs", import.meta.url));

/** Tells of a command that does not end by itself: process.exit may hang, and is the last resort only. */
export const TELL_EXIT = `--import=data:text/javascript,${encodeURIComponent(
  'if (process.argv[1]?.endsWith("coldkeep.mjs")) { const exit = process.exit; process.exit = (code) => {' +
    'process.stderr.write("FORCED: " + process.getActiveResourcesInfo() + "\\n"); exit(code); }; }',
)}`;

export type Ended = ChildEnd;

/** A running demo node with coldkeep set up for it, all of it gone when the test ends. */
export interface World {
  readonly home: string;
  readonly node: DemoNode;
  /** Starts `coldkeep <words…> --config …`. */
  begin(...words: string[]): { readonly child: ChildProcess; readonly ended: Promise<Ended> };
  /** Runs it to its end. */
  run(...words: string[]): Promise<Ended>;
  /** Runs it with --json. @throws Error where it does not end with 0. */
  json<T>(...words: string[]): Promise<T>;
  /** Restores the latest into a fresh folder of `home` and compares every block. */
  restoreAndCompare(into: string): Promise<Comparison & { readonly recorded: number }>;
}

export interface WorldOptions {
  readonly blocks: number;
  /** Default: a temporary folder. */
  readonly home?: string;
  /** When it ends; default: with the running test. */
  readonly atEnd?: (end: () => Promise<void>) => void;
}

/** Starts a node of `blocks` blocks under `home` and runs `coldkeep init` for it. */
export async function makeWorld(options: WorldOptions): Promise<World> {
  const home = options.home ?? tempDir("coldkeep-world");
  const atEnd = options.atEnd ?? onTestFinished;
  const node = demoNode(join(home, "node"));
  const config = join(home, "config.yaml");
  const living = new Set<ChildProcess>();
  atEnd(async () => {
    for (const child of living) child.kill("SIGKILL");
    await node.stop();
  });

  node.start("--until", String(options.blocks), "--while", String(process.pid));
  await node.reach(options.blocks, new AbortController().signal);

  const world: World = {
    home,
    node,
    begin(...words) {
      const child = spawn(process.execPath, [COLDKEEP, ...words, "--config", config], {
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, NO_COLOR: "1", NODE_OPTIONS: TELL_EXIT },
      });
      living.add(child);
      return { child, ended: checkedEndOf(child).finally(() => living.delete(child)) };
    },
    run: (...words) => world.begin(...words).ended,
    async json<T>(...words: string[]) {
      const { status, stdout, stderr } = await world.run(...words, "--json");
      if (status !== 0) throw new Error(`coldkeep ${words.join(" ")} ended with ${status}: ${stderr}${stdout}`);
      return JSON.parse(stdout) as T;
    },
    async restoreAndCompare(into) {
      const to = join(home, into);
      const { heights } = await world.json<{ heights: Record<string, number> }>("restore", "latest", "--to", to);
      const found = await compareWithChain(join(to, "data"), new Set());
      return { ...found, recorded: Object.values(heights)[0] ?? Number.NaN };
    },
  };

  mkdirSync(join(home, "vault"), { mode: 0o700 });
  const made = await world.run(
    "init",
    ...["--state-dir", join(home, "state"), "--vault", `file://${join(home, "vault")}`],
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
  );
  if (made.status !== 0) throw new Error(`coldkeep init ended with ${made.status}: ${made.stderr}${made.stdout}`);
  return world;
}

async function checkedEndOf(child: ChildProcess): Promise<Ended> {
  const ended = await endOf(child);
  const { stdout, stderr } = ended;
  assertPrintedNoKey(child.spawnargs.slice(2), stdout + stderr);
  if (stderr.includes("FORCED: ")) throw new Error(`${child.spawnargs.join(" ")} did not end by itself: ${stderr}`);
  return ended;
}
