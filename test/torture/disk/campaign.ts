import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Chance } from "../chance.ts";
import { cardsOf, faultAfter } from "../crash/after.ts";
import { type Deed, deedsOf, type ImportHost, type Prepared } from "../crash/deeds.ts";
import { onHost } from "../crash/on-host.ts";
import { CHANGES, type Fault, faultCount, faultEnv, type Op } from "../fault/fault.ts";
import type { Campaign, Context } from "../types.ts";
import type { World } from "../world.ts";
import { cutPower } from "./cut.ts";

/** What a disk does, in words of the report, and how. A span of 0 is for good. */
interface Harm {
  readonly what: string;
  readonly weight: number;
  readonly ops: readonly Op[];
  readonly act?: Fault["act"];
  readonly span?: number;
  /** The power fails: at the call, or after the command has said that it is done. */
  readonly power?: "at the call" | "afterwards";
}

const HARMS: readonly Harm[] = [
  { what: "EIO from one write", weight: 2, ops: ["write"], act: "EIO" },
  { what: "EIO from every change, for good", weight: 2, ops: CHANGES, act: "EIO", span: 0 },
  { what: "EIO from a read", weight: 2, ops: ["read"], act: "EIO" },
  { what: "an fsync that fails once", weight: 3, ops: ["sync"], act: "EIO" },
  { what: "ENOSPC from one call", weight: 2, ops: ["create", "write", "link", "folder", "sync"], act: "ENOSPC" },
  {
    what: "a disk that is full for good",
    weight: 2,
    ops: ["create", "write", "link", "folder"],
    act: "ENOSPC",
    span: 0,
  },
  { what: "a remount read-only", weight: 2, ops: CHANGES, act: "EROFS", span: 0 },
  { what: "writes that do half of what they are asked", weight: 1, ops: ["write"], act: "short", span: 0 },
  { what: "a power cut at some call, unsynced writes lost and torn", weight: 4, ops: CHANGES, power: "at the call" },
  { what: "a power cut after success, unsynced writes lost and torn", weight: 4, ops: CHANGES, power: "afterwards" },
];

/** Deeds that begin with a node that does not run. */
const STOPPED = ["restore in place", "recover"];
/** How many calls a deed may make that was not seen yet. */
const GUESS = 20;

export const campaign: Campaign = {
  name: "disk",
  shows:
    "Calls of the real command line fail as on a disk that breaks, fills up or turns read-only, and the power fails: of each " +
    "file any bytes since its last fsync are then lost, of each folder the last changes of names since its own. A library between " +
    "program and libc (LD_PRELOAD) does it, call by call, wherever the tests run; the campaign power does it below the kernel. " +
    "After each: " +
    "what said it succeeded did, the node runs before anybody recovers it (unless the power failed), and the next run works; " +
    "then everything that is looked at after a crash.",
  ...onHost(play),
};

async function play(context: Context, world: World, imports: ImportHost): Promise<void> {
  const deeds = deedsOf(world, imports);
  const bag = deeds.flatMap((deed) => Array<Deed>(deed.weight).fill(deed));
  const harms = HARMS.flatMap((harm) => Array<Harm>(harm.weight).fill(harm));
  /** Calls of each deed and each set of kinds, undisturbed. */
  const usual = new Map<string, number>();
  await world.json("backup");

  await context.rounds(async (chance, round) => {
    const deed = chance.pick(bag);
    const harm = chance.pick(harms);
    const prepared = await deed.prepare(chance);
    const key = `${deed.name}/${harm.ops.join()}`;
    const before = cardsOf(prepared.world);
    try {
      const met = await suffer(context, prepared, harm, chance, usual.get(key) ?? GUESS);
      if (met.calls !== null) usual.set(key, met.calls);
      const down = !met.powerless && !STOPPED.includes(deed.name) && !prepared.world.node("is-running");
      const fault =
        (down ? "the node is down" : null) ??
        (met.untouched && met.code !== 0 ? `it ended with ${met.code}: ${met.stderr}` : null) ??
        (await faultAfter(prepared, chance, before, met.code === 0, round));
      if (fault !== null) context.record(harm.what, "lost", { why: `${deed.name} (${met.code}): ${fault}` });
      else if (!met.untouched) context.record(harm.what, met.code === 0 || met.powerless ? "survived" : "detected");
    } finally {
      world.node("start");
    }
  });
}

interface Met {
  readonly code: number;
  readonly stderr: string;
  /** Nothing went wrong: the call never came. */
  readonly untouched: boolean;
  readonly powerless: boolean;
  /** How many calls it made, where it was left alone. */
  readonly calls: number | null;
}

async function suffer(
  context: Context,
  { world, words }: Prepared,
  harm: Harm,
  chance: Chance,
  known: number,
): Promise<Met> {
  const counter = join(context.scratch, "counter");
  const log = { file: join(context.scratch, "log"), trash: join(context.scratch, "trash") };
  rmSync(log.file, { force: true });
  rmSync(log.trash, { recursive: true, force: true });
  mkdirSync(log.trash);
  const at = chance.whole(1, Math.max(1, known));
  const act = harm.power === "at the call" ? chance.pick(["kill", "kill-after", "torn"] as const) : harm.act;
  const fault = act === undefined ? {} : { fault: { act, at, span: harm.span ?? 1 } };
  const watch = { roots: [world.home], counter, ops: harm.ops, ...fault, ...(harm.power === undefined ? {} : { log }) };
  const { code, signal, stderr } = await world.run(words, faultEnv(watch));
  const { calls, met } = faultCount(counter);
  const cuts = harm.power === "afterwards" || signal === "SIGKILL";
  if (cuts) cutPower(world.home, log.file, log.trash, chance);
  return { code, stderr, untouched: met === 0 && !cuts, powerless: cuts, calls: met === 0 ? calls : null };
}
