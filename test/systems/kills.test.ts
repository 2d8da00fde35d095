import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { makeWorld, type World } from "./support/world.ts";

const KILLS = Number(process.env.COLDKEEP_KILLS ?? "50");
const SIGNALS = Number(process.env.COLDKEEP_SIGNALS ?? "20");
const SEED = Number(process.env.COLDKEEP_SEED ?? String(process.pid));

/** Numbers in [0, 1), the same for the same seed (mulberry-style mixing of a counter). */
function chances(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** How long an undisturbed backup takes here, so that kills fall all over it. */
async function usualLength(world: World): Promise<number> {
  const began = performance.now();
  await world.json("backup");
  return performance.now() - began;
}

/** Whatever was interrupted before, all that is listed opens, and the latest restores to the very chain. */
async function expectAllGood(world: World, into: string): Promise<void> {
  await world.json("verify", "--all", "--read-data");
  const { blocks, recorded } = await world.restoreAndCompare(into);
  expect(blocks).toBeGreaterThanOrEqual(recorded);
}

describe("a backup that is interrupted", () => {
  it(`is killed ${KILLS} times at random moments: the node comes back, nothing false is visible`, async () => {
    console.log(`seed ${SEED}`);
    const chance = chances(SEED);
    const world = await makeWorld({ blocks: 10_000 });
    const usual = await usualLength(world);
    for (let kill = 1; kill <= KILLS; kill++) {
      const run = world.begin("backup", ...(chance() < 0.3 ? ["--full"] : []));
      await wait(chance() * usual);
      run.child.kill("SIGKILL");
      await run.ended;
      if (kill % 10 === 0) await world.json("backup");
    }
    await world.json("backup");
    expect(await world.node.height()).toBeGreaterThan(10_000);
    expect(leftFrozen(world)).toEqual([]);
    await expectAllGood(world, "restored");
  });

  it(`is told to stop ${SIGNALS} times at random moments: it ends with 130, the node running`, async () => {
    console.log(`seed ${SEED}`);
    const chance = chances(SEED + 1);
    const world = await makeWorld({ blocks: 10_000 });
    const usual = await usualLength(world);
    for (let turn = 0; turn < SIGNALS; turn++) {
      const run = world.begin("backup");
      await wait(chance() * usual);
      run.child.kill(turn % 2 === 0 ? "SIGTERM" : "SIGINT");
      const { status, signal, stderr } = await run.ended;
      // Before coldkeep listens for signals it has touched nothing, and after the card it has won.
      expect([0, 130], `${signal} ${stderr}`).toContain(status ?? 130);
      await world.node.reach(1, new AbortController().signal);
      expect(leftFrozen(world)).toEqual([]);
    }
    await expectAllGood(world, "restored");
  });
});

/** What is left of frozen trees beside the node's data. */
function leftFrozen({ node }: World): string[] {
  const folder = join(node.home, ".coldkeep-freeze");
  return existsSync(folder) ? readdirSync(folder) : [];
}
