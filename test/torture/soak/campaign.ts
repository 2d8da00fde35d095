import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compareWithChain } from "../../../demo/compare.ts";
import { demoNode } from "../../../demo/running-node.ts";
import type { Campaign, Context } from "../types.ts";
import { clear, makeWorld, type World } from "../world.ts";

const PEAK = fileURLToPath(new URL("../../systems/support/rss.mjs", import.meta.url));
/** A drill and a whole restore are made so often, in days. */
const DRILL = 10;
/** How much more the last third may take than the second. */
const GROWTH = 1.25;

/** What one day took. */
interface Day {
  /** KiB at the most, of the command line that made the backup. */
  readonly peak: number;
  /** Of the process that does all the rest, day after day: resident KiB, open files, handles. */
  readonly resident: number;
  readonly files: number;
  readonly handles: number;
}

export const campaign: Campaign = {
  name: "soak",
  shows:
    "A real LevelDB node commits blocks all the time; a round is a day: a backup by the real command line, then retention, " +
    "gc, the index made anew, verify, and every tenth day a drill and a restore whose every block is compared, all in one process " +
    "that lives as long as the campaign. Its memory, open files and handles, and the peak of each backup, stay flat.",
  async run(context) {
    const node = demoNode(join(context.scratch, "node"));
    node.start("--until", "2000", "--every", "20", "--while", String(process.pid));
    try {
      await node.reach(2000, new AbortController().signal);
      const world = await makeWorld(join(context.scratch, "host"), {
        node: { data: node.data, commands: node.commands },
        init: ["--height-url", node.url("/height")],
      });
      await live(context, world);
    } finally {
      await node.stop();
    }
  },
};

async function live(context: Context, world: World): Promise<void> {
  const days: Day[] = [];
  await context.rounds(async (_, day) => {
    const peakFile = join(context.scratch, "peak");
    const backup = await world.run(["backup"], { NODE_OPTIONS: `--import=${PEAK}`, COLDKEEP_RSS_FILE: peakFile });
    if (backup.code !== 0) return context.record("a backup", "lost", { why: backup.stderr });
    context.record("a backup", "survived");
    await world.json("forget", "--apply", "--despite", "share", "--despite", "clock");
    await world.json("gc", "--apply", "--despite", "share", "--despite", "clock");
    await world.json("verify", "--read-data");
    context.record("a day of retention, gc and verify", "survived");
    if (day % DRILL === 0) await drill(context, world);
    world.letPass(1);
    await world.json("rebuild");
    days.push(look(Number(readFileSync(peakFile, "utf8"))));
    report(context, days, world);
  });
  for (const [what, of] of Object.entries(FIGURES)) {
    const fault = growth(days.map(of));
    if (fault !== null) context.record(what, "lost", { why: fault });
  }
}

async function drill(context: Context, world: World): Promise<void> {
  await world.json("drill");
  const into = join(world.home, "restored");
  clear(into);
  const { heights } = await world.json<{ heights: Record<string, number> }>("restore", "latest", "--to", into);
  const { blocks } = await compareWithChain(join(into, "data"), new Set());
  clear(into);
  const promised = Object.values(heights)[0] ?? Number.NaN;
  if (blocks >= promised) context.record("a drill, and a restore compared block by block", "survived");
  else context.record("a drill, and a restore compared block by block", "lost", { why: `${blocks} of ${promised}` });
}

function look(peak: number): Day {
  const status = readFileSync("/proc/self/status", "utf8");
  return {
    peak,
    resident: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]),
    files: readdirSync("/proc/self/fd").length,
    handles: process.getActiveResourcesInfo().length,
  };
}

const FIGURES: Readonly<Record<string, (day: Day) => number>> = {
  "peak of the backups, KiB": ({ peak }) => peak,
  "memory of the process that lives on, KiB": ({ resident }) => resident,
  "its open files": ({ files }) => files,
  "its handles": ({ handles }) => handles,
};

function report(context: Context, days: readonly Day[], world: World): void {
  const at = [...new Set([0, 0.25, 0.5, 0.75, 1].map((part) => Math.round(part * (days.length - 1))))];
  const named = at.map((index) => index + 1).join(", ");
  for (const [what, of] of Object.entries(FIGURES)) {
    context.measure(what, `${at.map((index) => of(days[index] as Day).toLocaleString("en-US")).join(" · ")}`);
  }
  context.measure("on days", named);
  const cards = join(world.vault, "demo/snapshots");
  if (existsSync(cards)) {
    context.measure(
      "snapshots kept at the end",
      readdirSync(cards).filter((name) => name.endsWith(".card.json")).length,
    );
  }
}

/** What is wrong with figures that should be flat, or null. Few days tell nothing: caches fill and machines warm up. */
function growth(figures: readonly number[]): string | null {
  if (figures.length < 30) return null;
  const third = Math.floor(figures.length / 3);
  const middle = median(figures.slice(third, 2 * third));
  const last = median(figures.slice(-third));
  return last <= middle * GROWTH ? null : `it grew from ${middle} in the second third to ${last} in the last`;
}

function median(figures: readonly number[]): number {
  return [...figures].sort((a, b) => a - b)[Math.floor(figures.length / 2)] ?? Number.NaN;
}
