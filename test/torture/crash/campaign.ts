import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Chance } from "../chance.ts";
import { faultCount, faultEnv, faultLibrary } from "../fault/fault.ts";
import type { Campaign, Context } from "../types.ts";
import { clear, endWorld, faultOfData, killGroup, makeWorld, type World } from "../world.ts";
import { type Deed, deedsOf, makeImportHost, type Prepared } from "./deeds.ts";

/** How often the process group dies by the clock rather than at one of its calls: between calls are other moments. */
const BY_CLOCK = 0.15;

export const campaign: Campaign = {
  name: "crash",
  shows:
    "The real command line is killed (SIGKILL, the whole process group) at a random call that changes a file, or at a random " +
    "moment. After each: `coldkeep recover` ends well, the node runs, nothing is left frozen, every snapshot that was " +
    "committed is there and passes `verify --all --read-data`, a random one is restored and compared, no half snapshot is " +
    "listed, and what was interrupted comes to its end when it is run again, leaving no temporary file.",
  async missing() {
    const library = faultLibrary();
    return typeof library === "string" ? null : library.missing;
  },
  async run(context) {
    const world = await makeWorld(join(context.scratch, "host"));
    const imports = await makeImportHost(join(context.scratch, "imports"));
    try {
      await play(context, world, imports);
    } finally {
      endWorld(world);
      endWorld(imports);
    }
  },
};

async function play(context: Context, world: World, imports: World): Promise<void> {
  const deeds = deedsOf(world, imports);
  const bag = deeds.flatMap((deed) => Array<Deed>(deed.weight).fill(deed));
  /** Calls and milliseconds that each takes undisturbed. */
  const usual = new Map<string, { calls: number; ms: number }>();
  await world.json("backup");

  await context.rounds(async (chance, round) => {
    const deed = usual.size === 0 && round === 1 ? (deeds[0] as Deed) : chance.pick(bag);
    const what = `kill -9 during ${deed.name}`;
    const known = usual.get(deed.name);
    const prepared = await deed.prepare(chance);
    const before = cardsOf(prepared.world);
    try {
      const { killed, code, stderr } = await runAndKill(prepared, chance, known, (measured) =>
        usual.set(deed.name, measured),
      );
      const fault =
        (!killed && code !== 0 ? `it ended with ${code}: ${stderr}` : null) ??
        (await faultAfter(prepared, chance, before, code === 0, round));
      if (fault !== null) context.record(what, "lost", { why: fault });
      else if (killed) context.record(what, "survived");
    } finally {
      world.node("start");
    }
  });
}

/** Runs it; where it is known how long it takes, kills it on the way. */
async function runAndKill(
  { world, words }: Prepared,
  chance: Chance,
  known: { calls: number; ms: number } | undefined,
  learn: (measured: { calls: number; ms: number }) => void,
): Promise<{ killed: boolean; code: number; stderr: string }> {
  const counter = join(world.home, "..", "counter");
  const roots = [world.vault, world.state, world.frozen, join(world.home, "second"), world.home];
  const byClock = chance.hits(BY_CLOCK);
  const act = chance.pick(["kill", "kill", "kill-after", "torn"] as const);
  const at = known === undefined ? 0 : chance.whole(1, Math.max(1, Math.ceil(known.calls * 1.02)));
  const moment = known === undefined ? 0 : chance.real() * known.ms;
  const began = performance.now();
  const fault = known === undefined || byClock ? {} : { fault: { act, at } };
  const { child, ended } = world.begin(words, faultEnv({ roots, counter, ...fault }));
  const clock = new AbortController();
  if (known !== undefined && byClock) {
    wait(moment, undefined, { signal: clock.signal }).then(
      () => killGroup(child),
      () => {},
    );
  }
  const { signal, code, stderr } = await ended;
  clock.abort();
  if (signal === null) learn({ calls: faultCount(counter).calls, ms: performance.now() - began });
  return { killed: signal === "SIGKILL", code, stderr };
}

async function faultAfter(
  prepared: Prepared,
  chance: Chance,
  before: readonly string[],
  ended: boolean,
  round: number,
): Promise<string | null> {
  const { world } = prepared;
  const recovered = await world.here("recover");
  if (recovered.code !== 0) return `recover ended with ${recovered.code}: ${recovered.stderr}`;
  if (existsSync(world.frozen) && readdirSync(world.frozen).length > 0) {
    return `left frozen: ${readdirSync(world.frozen).join(", ")}`;
  }
  const own = await prepared.finish(ended);
  if (own !== null) return own;
  if (!world.node("is-running")) return "the node is down";
  const after = cardsOf(world);
  const gone = before.filter((card) => !after.includes(card));
  if (prepared.removes === true ? gone.includes(before.at(-1) ?? "") : gone.length > 0)
    return `gone: ${gone.join(", ")}`;
  const verified = await world.here("verify", "--all", "--read-data");
  if (verified.code !== 0) return `verify ended with ${verified.code}: ${verified.stderr}${verified.stdout}`;
  if (prepared.isImport !== true && chance.hits(0.3)) {
    const fault = await faultOfOne(world, chance);
    if (fault !== null) return fault;
  }
  // What a killed process left is swept by the next one that writes.
  if (prepared.isImport !== true) {
    if (round % 4 !== 0) return null;
    await world.json("backup");
  }
  const left = leftBy(world);
  return left.length === 0 ? null : `left behind: ${left.join(", ")}`;
}

/** Restores a random snapshot of those that are listed as good. */
async function faultOfOne(world: World, chance: Chance): Promise<string | null> {
  const { snapshots } = await world.json<{ snapshots: { snapshot: string; state: string }[] }>("list");
  const good = snapshots.filter(({ state }) => state === "good");
  if (good.length === 0) return "no good snapshot is listed";
  const { snapshot } = chance.pick(good);
  const into = join(world.home, "check");
  clear(into);
  await world.json("restore", snapshot, "--to", into);
  const fault = faultOfData(join(into, "data"));
  clear(into);
  return fault === null ? null : `${snapshot}: ${fault}`;
}

/** Ids of the snapshots whose cards lie in the vault, oldest first. */
function cardsOf(world: World): string[] {
  const folder = join(world.vault, "demo/snapshots");
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}

const OWN =
  /^(config\.yaml|second\.yaml|second-state|second|data|data\.pid|key-\d+|nodectl|state~?|vault~?|target|backups|\.coldkeep-freeze)$/;
const TEMPORARY = /\.tmp-|\.part$|\.new$|^\.coldkeep-/;

/** Files and folders that only a run that died can have left. */
function leftBy(world: World): string[] {
  const under = (folder: string) =>
    existsSync(folder)
      ? readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name))
      : [];
  mkdirSync(world.frozen, { recursive: true });
  const runs = join(world.state, "demo/runs");
  return [
    ...readdirSync(world.home).filter((name) => !OWN.test(name)),
    ...readdirSync(world.frozen).map((name) => `.coldkeep-freeze/${name}`),
    // A dead one's lock is in nobody's way, and goes when the same name is changed again.
    ...under(join(world.vault, ".tmp")).filter((path) => !/\/[0-9a-f]{32}\.lock$/.test(path)),
    ...under(world.state).filter((path) => TEMPORARY.test(path.slice(path.lastIndexOf("/") + 1))),
    ...(existsSync(runs) && readdirSync(runs).length > 1 ? readdirSync(runs).map((name) => `runs/${name}`) : []),
  ];
}
