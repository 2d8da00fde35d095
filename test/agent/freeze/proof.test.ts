import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it, onTestFinished } from "vitest";
import { assertNotRunning, prepareFreeze } from "../../../agent/freeze/index.ts";
import { makeManager } from "../../../agent/node/index.ts";

import { controlOf, freeze, freezeOptions, makeHome, puppet } from "../../support/freezing.ts";
import { runningNode } from "../../support/nodes-to-freeze.ts";

import { tempDir } from "../../support/tmp.ts";

const root = process.getuid?.() === 0;
const asRoot = root ? "" : " (needs root)";

describe("the proof of death", () => {
  it("does not mind who reads what is left out, and minds who reads what is captured", async () => {
    const { home, data } = makeHome();
    writeFileSync(join(data, "debug.log"), "");
    const reader = spawn("tail", ["-f", join(data, "debug.log")], { stdio: "ignore" });
    onTestFinished(() => void reader.kill("SIGKILL"));
    await once(reader, "spawn");
    while (!holdsFile(reader.pid, join(data, "debug.log"))) await new Promise(setImmediate);
    const limits = { stopMs: 100, startMs: 100, onStopTimeout: "fail" as const };
    const tree = await freeze(home, { globs: { exclude: ["*.log"] } });
    await tree.release();
    await expect(freeze(home, { control: controlOf(puppet().manager, { limits }) })).rejects.toMatchObject({
      kind: "node-stop",
      why: expect.stringMatching(/\(tail\) has it open: .*debug\.log/),
    });
  });

  function holdsFile(pid: number | undefined, path: string): boolean {
    try {
      return execFileSync("ls", ["-l", `/proc/${pid}/fd`]).includes(path);
    } catch {
      return false;
    }
  }

  it.skipIf(!root)(
    `sees a container that holds a file by another path, made after the preparation${asRoot}`,
    async () => {
      const { home, data } = makeHome();
      writeFileSync(join(data, "a"), "");
      const prepared = await prepareFreeze(
        freezeOptions(home, {
          control: controlOf(puppet().manager, { limits: { stopMs: 100, startMs: 100, onStopTimeout: "fail" } }),
        }),
      );
      const elsewhere = tempDir();
      const script = `mount --bind ${data} ${elsewhere} && exec 9>${elsewhere}/new.log && echo ready && exec sleep 1000`;
      const holder = spawn("unshare", ["--mount", "sh", "-c", script], { stdio: ["ignore", "pipe", "inherit"] });
      onTestFinished(() => void holder.kill("SIGKILL"));
      await once(holder.stdout, "data");
      await expect(prepared.capture()).rejects.toMatchObject({
        kind: "node-stop",
        why: expect.stringMatching(/new\.log/),
      });
    },
  );
});

describe("clocks and counts", () => {
  it("a wall clock that runs backwards changes no figure", async () => {
    const { home, data } = makeHome();
    writeFileSync(join(data, "a"), "12345");
    let now = 1_800_000_000_000;
    const clock = {
      now: () => {
        now -= 3_600_000;
        return now;
      },
      monotonic: () => performance.now(),
    };
    const tree = await freeze(home, { clock });
    expect(tree.figures.freezeMs).toBeGreaterThan(0);
    expect(tree.figures.downtimeMs).toBeGreaterThanOrEqual(tree.figures.freezeMs);
    expect(tree.figures).toMatchObject({ files: 1, bytes: 5 });
    expect(tree.capturedAt).toBeLessThan(1_800_000_000_000);
    await tree.release();
  });

  it("a manager that controls nothing has no downtime, and heights are asked before the stop", async () => {
    const { home } = makeHome();
    const node = puppet();
    const asked: boolean[] = [];
    const probe = {
      health: async () => ({ healthy: true, detail: "" }),
      heights: async () => {
        asked.push(node.running);
        return { "": 77 };
      },
    };
    const tree = await freeze(home, { control: controlOf(node.manager, { probe }) });
    expect([tree.heights, asked]).toEqual([{ "": 77 }, [true]]);
    expect(tree.figures.downtimeMs).toBeGreaterThan(0);
    await tree.release();
    const none = await freeze(home, { control: controlOf(makeManager({ manager: "none" })) }).catch(() => null);
    if (none !== null) expect(none.figures.downtimeMs).toBeNull();
    await none?.release();
  });
});

describe("restore's question", () => {
  it("is answered no where the node runs, or anybody holds a file of its folders", async () => {
    const { home, data } = makeHome();
    const { standIn, child, control } = await runningNode(home);
    const roots = [{ name: "data", path: data }];
    await expect(assertNotRunning({ roots, control })).rejects.toMatchObject({
      kind: "refused",
      what: "the node runs",
    });
    const down = puppet();
    down.running = false;
    await expect(assertNotRunning({ roots, control: controlOf(down.manager) })).rejects.toMatchObject({
      kind: "refused",
      why: expect.stringContaining(`process ${child.pid} `),
    });
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
    await assertNotRunning({ roots, control });
    await assertNotRunning({ roots: [{ path: join(home, "not/there") }], control });
    expect(standIn.pid()).toBeNull();
  });
});
