import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Chance } from "../chance.ts";
import { cardsOf, faultAfter } from "../crash/after.ts";
import { type Deed, deedsOf, type ImportHost, importHost, type Prepared } from "../crash/deeds.ts";
import { CHANGES, ERRNO, type Op } from "../fault/fault.ts";
import type { Campaign, Context } from "../types.ts";
import { endWorld, makeWorld, type World } from "../world.ts";
import { type Act, mountPowerDisk, type PowerDisk, powerDiskMissing, powerEnv, type Unsynced } from "./disk.ts";
import { faultOfSyncs } from "./unsynced.ts";

/** What the disk does, in words of the report. */
interface Harm {
  readonly what: string;
  readonly weight: number;
  readonly ops: readonly Op[];
  readonly acts: readonly Act[];
  /** How many calls; 0: all from then on. Default 1. */
  readonly span?: number;
  /** Where, by chance one of these; default: everywhere. */
  readonly places?: readonly string[];
  /** The disk takes so many bytes more, at most. */
  readonly bytes?: number;
  /** Whether the power goes in the end, too. Where it goes at a call, it does anyway. */
  readonly cut: "always" | "sometimes" | "never";
}

const PLACES = ["*", "vault", "state"];
/** Where a restore puts what it restores: staging, what was there before, and the host's own folder, in which it swaps them. */
const TARGET = "target,data,.coldkeep-,.";

const HARMS: readonly Harm[] = [
  { what: "a power cut at some call", weight: 8, ops: CHANGES, acts: ["cut", "cut-after", "torn"], cut: "always" },
  { what: "a power cut after success", weight: 5, ops: CHANGES, acts: ["none"], cut: "always" },
  {
    what: "an fsync that fails, its pages then counting as written, and a power cut",
    weight: 4,
    ops: ["sync"],
    acts: ["forget"],
    places: PLACES,
    cut: "always",
  },
  {
    what: "EIO from one write, and a power cut",
    weight: 2,
    ops: ["write"],
    acts: [ERRNO.EIO],
    places: PLACES,
    cut: "always",
  },
  {
    what: "writes that do half of what they are asked, and a power cut",
    weight: 1,
    ops: ["write"],
    acts: ["short"],
    span: 0,
    cut: "always",
  },
  { what: "a disk full after some bytes", weight: 3, ops: ["write"], acts: ["none"], bytes: 600_000, cut: "sometimes" },
  {
    what: "a remount read-only",
    weight: 2,
    ops: CHANGES,
    acts: [ERRNO.EROFS],
    span: 0,
    places: PLACES,
    cut: "sometimes",
  },
  { what: "EIO from a read", weight: 2, ops: ["read"], acts: [ERRNO.EIO], places: PLACES, cut: "sometimes" },
];

/** Deeds that begin with a node that does not run. */
const STOPPED = ["restore in place", "recover"];
/** How many calls a deed may make that was not seen yet. */
const GUESS = 20;

export const campaign: Campaign = {
  name: "power",
  shows:
    "All of a host lies on a file system of the campaign's own (FUSE), which keeps what was not synced apart from what was: a " +
    "file's bytes wait for its fsync, a name for that of its folder, bytes past the page cache as well. When the power goes, " +
    "of the unsynced pages any are there, with the file's new length or without, and of the changes of names all up to a " +
    "moment, or any that stand on their own; the command, the node and the mount die with it. The disk also fails by itself: " +
    "an fsync fails and the pages count as written after that, as Linux does it, writes and reads fail, it fills up, it turns " +
    "read-only; of restores also where they put their files alone. After each: what a command called done is there; none ended " +
    "well after an fsync that failed, unless the same bytes were put into another file, or what was not synced is nothing that it " +
    "promises (counted below); and then everything that is looked at after a crash.",
  async missing() {
    return powerDiskMissing();
  },
  async run(context) {
    const disk = await mountPowerDisk(join(context.scratch, "disk"));
    try {
      const world = await makeWorld(join(disk.folder, "host"));
      const imports = importHost(join(disk.folder, "imports"));
      try {
        await play(context, disk, world, imports);
      } finally {
        endWorld(world);
        imports.end();
        await killAllOf(disk);
      }
    } finally {
      await disk.end();
    }
  },
};

async function play(context: Context, disk: PowerDisk, world: World, imports: ImportHost): Promise<void> {
  const deeds = deedsOf(world, imports);
  const bag = deeds.flatMap((deed) => Array<Deed>(deed.weight).fill(deed));
  const harms = HARMS.flatMap((harm) => Array<Harm>(harm.weight).fill(harm));
  /** Calls of each deed, by kinds and place, undisturbed. */
  const usual = new Map<string, number>();
  /** The host of imports, once there is one: its node dies with the power as well. */
  let other: World | undefined;
  await world.json("backup");

  await context.rounds(async (chance, round) => {
    const deed = chance.pick(bag);
    const harm = chance.pick(harms);
    const place = chance.pick(placesOf(deed, harm));
    const what = place === TARGET ? `${harm.what}, where a restore puts its files` : harm.what;
    const prepared = await deed.prepare(chance);
    const key = `${deed.name}/${harm.ops.join()}/${place}`;
    const before = cardsOf(prepared.world);
    const mark = deed.name === "restore in place" ? join(world.data, `OLD-${round}`) : null;
    if (mark !== null) writeFileSync(mark, "what was there before");
    await disk.sync();
    try {
      const met = await suffer(context, disk, prepared, { harm, place, known: usual.get(key) ?? GUESS }, chance);
      if (met.calls !== null) usual.set(key, met.calls);
      if (prepared.isImport === true) other = prepared.world;
      if (met.powerless) {
        await boot(world, deed, chance);
        other?.node("start");
      }
      const down = !met.powerless && !STOPPED.includes(deed.name) && !prepared.world.node("is-running");
      const fault =
        (down ? "the node is down" : null) ??
        (met.untouched && met.code !== 0 ? `it ended with ${met.code}: ${met.stderr}` : null) ??
        (met.code === 0 ? faultOfSyncs(context, deed.name, met.unsynced) : null) ??
        (met.gone.length > 0 ? `gone by the power cut, though it ended well: ${met.gone.join(", ")}` : null) ??
        (await faultAfterBoot(prepared, chance, before, met.code === 0, round, mark));
      const told = `${deed.name} (${met.code}${met.powerless ? ", power cut" : ""}, ${place})`;
      if (fault !== null) context.record(what, "lost", { why: `${told}: ${fault}` });
      else if (!met.untouched) context.record(what, met.code === 0 || met.killed ? "survived" : "detected");
    } finally {
      // No later snapshot is to have it.
      if (mark !== null) rmSync(mark, { force: true });
      world.node("start");
    }
  });
}

function placesOf({ name }: Deed, { places = ["*"] }: Harm): readonly string[] {
  return places.length > 1 && name.startsWith("restore") ? [...places, TARGET, TARGET] : places;
}

interface Met {
  readonly code: number;
  readonly stderr: string;
  /** Nothing went wrong: the call never came. */
  readonly untouched: boolean;
  readonly killed: boolean;
  readonly powerless: boolean;
  /** The fsyncs that failed. */
  readonly unsynced: readonly Unsynced[];
  /** What was there when it ended well, and was not after the power cut. */
  readonly gone: readonly string[];
  /** How many calls it made, where it was left alone. */
  readonly calls: number | null;
}

async function suffer(
  context: Context,
  disk: PowerDisk,
  { world, words }: Prepared,
  { harm, place, known }: { readonly harm: Harm; readonly place: string; readonly known: number },
  chance: Chance,
): Promise<Met> {
  const from = chance.whole(1, Math.max(1, known));
  const aim = { ops: harm.ops, place, from, span: harm.span ?? 1, act: chance.pick(harm.acts) };
  const { child, ended } = world.begin(words, powerEnv());
  // A process takes longer to begin than this takes.
  await disk.arm({ ...aim, group: child.pid ?? 0 });
  if (harm.bytes !== undefined) await disk.leave(chance.whole(0, harm.bytes));
  const { code, signal, stderr } = await ended;
  const { calls, met } = await disk.count();
  const unsynced = await disk.unsynced();
  const killed = signal === "SIGKILL";
  const full = harm.bytes !== undefined && code !== 0;
  const cuts = killed || harm.cut === "always" || (harm.cut === "sometimes" && chance.hits(0.5));
  const there = code === 0 ? [...placed(world)] : [];
  if (cuts) {
    await killAllOf(disk);
    const { names, files } = await disk.cut(chance);
    context.count("changes of names lost by power cuts", names);
    context.count("files that lost bytes by power cuts", files);
  } else await disk.sync();
  const left = new Set(placed(world));
  const gone = there.filter((path) => !left.has(path));
  const untouched = met === 0 && !full && !cuts;
  if (code !== 0) context.count("fsyncs that failed, of commands that told an error or died", unsynced.length);
  return {
    code,
    stderr,
    untouched,
    killed,
    powerless: cuts,
    unsynced,
    gone,
    calls: met === 0 && !killed ? calls : null,
  };
}

/** What a command that ended well has put for good: cards here and in the copy. */
function placed({ vault, home }: World): string[] {
  const folders = [vault, join(home, "second")].map((folder) => join(folder, "demo/snapshots"));
  return folders.filter(existsSync).flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
}

/** The machine starts: its init system starts the node, before or after `recover`, which must not fail by that. */
async function boot(world: World, deed: Deed, chance: Chance): Promise<void> {
  // Until `recover` has looked after it.
  if (deed.name === "restore in place") return;
  if (chance.hits(0.5)) world.node("start");
  else {
    const { code, stderr } = await world.here("recover");
    if (code !== 0) throw new Error(`recover after the power cut ended with ${code}: ${stderr}`);
    world.node("start");
  }
}

async function faultAfterBoot(
  prepared: Prepared,
  chance: Chance,
  before: readonly string[],
  ended: boolean,
  round: number,
  mark: string | null,
): Promise<string | null> {
  if (ended && mark !== null && existsSync(mark)) return "it said that it restored, and what was there before is back";
  return faultAfter(prepared, chance, before, ended, round);
}

/** Whatever runs of the hosts on a disk dies: the node, and what was about to start or stop it. */
async function killAllOf({ folder, pid: server }: PowerDisk): Promise<void> {
  for (;;) {
    const found = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && runsIn(folder, Number(name), server));
    if (found.length === 0) return;
    for (const pid of found) {
      try {
        process.kill(Number(pid), "SIGKILL");
      } catch {
        // It has ended.
      }
    }
    await wait(5);
  }
}

function runsIn(folder: string, pid: number, server: number): boolean {
  if (pid === process.pid || pid === server) return false;
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(`${folder}/`);
  } catch {
    return false;
  }
}
