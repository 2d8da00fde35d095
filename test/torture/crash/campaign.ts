import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Chance } from "../chance.ts";
import { faultCount, faultEnv } from "../fault/fault.ts";
import type { Campaign, Context } from "../types.ts";
import { killGroup, type World } from "../world.ts";
import { cardsOf, faultAfter, faultsOfAll } from "./after.ts";
import { type Deed, deedsOf, type ImportHost, type Prepared } from "./deeds.ts";
import { onHost } from "./on-host.ts";

/** What a deed may take that was not seen yet: calls, and milliseconds. */
const GUESS = { calls: 30, ms: 600 };
/** How often the process group dies by the clock rather than at one of its calls: between calls are other moments. */
const BY_CLOCK = 0.15;

export const campaign: Campaign = {
  name: "crash",
  shows:
    "The real command line is killed (SIGKILL, the whole process group) at a random call that changes a file, or at a random " +
    "moment. After each: `coldkeep recover` ends well, the node runs, nothing is left frozen, every snapshot that was " +
    "committed is there and passes `verify --all --read-data`, and what was interrupted comes to its end when it is run " +
    "again; after three in ten a random snapshot is restored and compared, after one in four nothing temporary lies about " +
    "once a backup has run. When the last round is over, every snapshot that has a card and is not expired is listed as " +
    "good and restored, and has in each table the bytes that the node wrote (counted below where a seed's campaign looked; " +
    "imports are restored and compared in their own rounds).",
  ...onHost(play),
};

async function play(context: Context, world: World, imports: ImportHost): Promise<void> {
  const deeds = deedsOf(world, imports);
  const bag = deeds.flatMap((deed) => Array<Deed>(deed.weight).fill(deed));
  /** Calls and milliseconds that each takes undisturbed. */
  const usual = new Map<string, { calls: number; ms: number }>();
  await world.json("backup");

  await context.rounds(async (chance, round) => {
    const deed = chance.pick(bag);
    const what = `kill -9 during ${deed.name}`;
    const known = usual.get(deed.name) ?? GUESS;
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

  const { faults, restored } = await faultsOfAll(world);
  for (const why of faults) context.record("what was there at the end, restored", "lost", { why });
  context.count("snapshots restored and compared at the end", restored);
}

/** Runs it; where it is known how long it takes, kills it on the way. */
async function runAndKill(
  { world, words }: Prepared,
  chance: Chance,
  known: { calls: number; ms: number },
  learn: (measured: { calls: number; ms: number }) => void,
): Promise<{ killed: boolean; code: number; stderr: string }> {
  const counter = join(world.home, "..", "counter");
  const roots = [world.vault, world.state, world.frozen, join(world.home, "second"), world.home];
  const byClock = chance.hits(BY_CLOCK);
  const act = chance.pick(["kill", "kill", "kill-after", "torn"] as const);
  const at = chance.whole(1, Math.max(1, Math.ceil(known.calls * 1.02)));
  const moment = chance.real() * known.ms;
  const began = performance.now();
  const fault = byClock ? {} : { fault: { act, at } };
  const { child, ended } = world.begin(words, faultEnv({ roots, counter, ...fault }));
  const clock = new AbortController();
  if (byClock) {
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
