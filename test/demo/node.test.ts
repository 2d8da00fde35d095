import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ClassicLevel } from "classic-level";
import { describe, expect, it, onTestFinished } from "vitest";
import { blockKey, encodeBlock, GENESIS, nextBlock } from "../../demo/blocks.ts";
import { tempDir } from "../support/tmp.ts";

const control = fileURLToPath(new URL("../../demo/control.mjs", import.meta.url));

/** The demo's node in a home of its own, killed when the test ends whatever happened. */
function demoNode() {
  const home = tempDir("coldkeep-demo");
  const act = (action: string, ...options: string[]) =>
    execFileSync(process.execPath, [control, action, home, ...options], { encoding: "utf8" });
  const isRunning = () => spawnSync(process.execPath, [control, "is-running", home]).status === 0;
  onTestFinished(() => {
    const file = join(home, "run/pid");
    if (!existsSync(file) || !isRunning()) return;
    process.kill(Number(readFileSync(file, "utf8")), "SIGKILL");
  });
  return { home, act, isRunning };
}

/** Asks until `answer` gives something; the test's own time limit ends it. */
async function until<T>(answer: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await answer();
    if (found !== undefined) return found;
    await wait(20);
  }
}

async function ask(home: string, path: string): Promise<{ height: number; hash: string } | undefined> {
  try {
    const port = readFileSync(join(home, "run/port"), "utf8");
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return response.ok ? ((await response.json()) as { height: number; hash: string }) : undefined;
  } catch {
    return undefined;
  }
}

const reached = (home: string, height: number) =>
  until(async () => {
    const answer = await ask(home, "/height");
    return answer !== undefined && answer.height >= height ? answer.height : undefined;
  });

describe("the demo's node", () => {
  it("commits the chain to LevelDB, holds its lock, stops at SIGTERM and goes on where it was", async () => {
    const { home, act, isRunning } = demoNode();
    expect(isRunning()).toBe(false);
    act("start", "--until", "1200");
    expect(isRunning()).toBe(true);
    await reached(home, 1200);
    const port = readFileSync(join(home, "run/port"), "utf8");
    await expect(new ClassicLevel(join(home, "data")).open()).rejects.toThrow();

    act("stop");
    await until(async () => (isRunning() ? undefined : true));
    const before = await readChain(home);
    expect(before).toBeGreaterThanOrEqual(1200);

    act("start");
    await reached(home, before + 10);
    expect(readFileSync(join(home, "run/port"), "utf8")).toBe(port);
    const told = await ask(home, "/block/1000");
    expect(told?.hash).toBe(hashAt(1000));
    act("stop");
    await until(async () => (isRunning() ? undefined : true));
    expect(await readChain(home)).toBeGreaterThanOrEqual(before + 10);
  });

  it("stops by itself once the process it was started for is gone", async () => {
    const { act, isRunning } = demoNode();
    const guardian = spawn("sleep", ["60"]);
    await once(guardian, "spawn");
    act("start", "--while", String(guardian.pid));
    expect(isRunning()).toBe(true);
    guardian.kill("SIGKILL");
    await until(async () => (isRunning() ? undefined : true));
  });

  it("is not taken for running when another process has its number", () => {
    const { home, act, isRunning } = demoNode();
    act("start", "--until", "1");
    const pid = Number(readFileSync(join(home, "run/pid"), "utf8"));
    process.kill(pid, "SIGKILL");
    execFileSync("bash", [
      "-c",
      `while [ -s /proc/${pid}/cmdline ]; do sleep 0.02; done; echo ${process.pid} > ${home}/run/pid`,
    ]);
    expect(isRunning()).toBe(false);
  });
});

function hashAt(height: number): string {
  let block: { height: number; hash: Buffer } = { height: 0, hash: GENESIS };
  while (block.height < height) block = nextBlock(block);
  return block.hash.toString("hex");
}

/** Compares the stopped node's database with the chain, block by block; its height. */
async function readChain(home: string): Promise<number> {
  const database = new ClassicLevel<string, Buffer>(join(home, "data"), { valueEncoding: "buffer" });
  let parent: { height: number; hash: Buffer } = { height: 0, hash: GENESIS };
  for await (const [key, value] of database.iterator({ gte: "block/", lt: "block0" })) {
    const block = nextBlock(parent);
    expect(key).toBe(blockKey(block.height));
    expect(value.equals(encodeBlock(block))).toBe(true);
    parent = block;
  }
  expect(String(await database.get("tip"))).toBe(String(parent.height));
  await database.close();
  return parent.height;
}
