import { once } from "node:events";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";
import { prepareFreeze, recoverFreeze } from "../../../agent/freeze/index.ts";
import { makeManager } from "../../../agent/node/index.ts";

import { isColdkeepError, silent } from "../../../vault/names/index.ts";
import {
  controlOf,
  entriesOf,
  freeze,
  freezeOptions,
  frozenBytes,
  makeHome,
  pathOf,
  puppet,
} from "../../support/freezing.ts";
import { expectNothingLeft, isRunning, runningNode } from "../../support/nodes-to-freeze.ts";
import { makeStandIn } from "../../support/stand-in-node.ts";

const root = process.getuid?.() === 0;
const signal = new AbortController().signal;

describe("a node that misbehaves", () => {
  it("will not stop: told after the limit, and started again", async () => {
    const { home } = makeHome();
    const { standIn, child, control } = await runningNode(home, { stopMs: 300 }, "--deaf");
    await expect(freeze(home, { control })).rejects.toMatchObject({ kind: "node-stop", on: "icon" });
    expect(standIn.calls().at(0)).not.toBe("start");
    expect(standIn.calls()).toContain("start");
    expect(child.exitCode).toBeNull();
    expectNothingLeft(home);
  });

  it("will not stop: killed only where that was asked for", async () => {
    const { home } = makeHome();
    const { child, control, standIn } = await runningNode(home, { stopMs: 300, onStopTimeout: "kill" }, "--deaf");
    const ended = once(child, "exit");
    const warnings: string[] = [];
    const tree = await freeze(home, { control, progress: { ...silent, warn: (text) => void warnings.push(text) } });
    expect(await ended).toEqual([null, "SIGKILL"]);
    expect(warnings.join()).toMatch(new RegExp(`killing process ${child.pid} .*which .*: ${home}/data/`));
    expect((await entriesOf(tree)).map(pathOf)).toContain("data/000002.log");
    expect(await isRunning(standIn)).toBe(true);
    await tree.release();
  });

  it("stops lying: its manager says down, but it holds its files; named with pid, command and file", async () => {
    const { home } = makeHome();
    const { child } = await runningNode(home);
    const liar = puppet();
    const control = controlOf(liar.manager, { limits: { stopMs: 200, startMs: 5000, onStopTimeout: "fail" } });
    const attempt = freeze(home, { control, profile: "leveldb" });
    await expect(attempt).rejects.toMatchObject({
      kind: "node-stop",
      why: expect.stringMatching(new RegExp(`process ${child.pid} \\(.+\\) .*${home}/data/(LOCK|000002.log)`)),
    });
    expect(liar.calls).toEqual(["stop", "start"]);
    expectNothingLeft(home);
  });

  it("takes a while to let go of its files after its manager says down: waited for", async () => {
    const { home } = makeHome();
    const { child } = await runningNode(home, {}, "--slow", "150");
    const early = puppet({ onStop: () => void child.kill("SIGTERM") });
    const tree = await freeze(home, { control: controlOf(early.manager) });
    const log = (await entriesOf(tree)).find((entry) => pathOf(entry) === "data/000002.log");
    expect(frozenBytes(log).toString("latin1")).toMatch(/end\n$/);
    await tree.release();
  });

  it("will not start: told as such with what was seen, and the next run tries that first", async () => {
    const { home, data } = makeHome();
    writeFileSync(join(data, "a"), "");
    let broken = true;
    const node = puppet({
      onStart() {
        if (broken) throw new Error("unit not found");
      },
    });
    const control = controlOf(node.manager, { limits: { stopMs: 1000, startMs: 500, onStopTimeout: "fail" } });
    await expect(freeze(home, { control })).rejects.toThrow("unit not found");
    expect(existsSync(join(home, ".coldkeep-freeze"))).toBe(false);
    expect(readdirSync(join(home, "state"))).toEqual(["freeze.journal"]);
    broken = false;
    const recover = { node: "icon", stateDir: join(home, "state"), control, progress: silent, signal };
    expect((await recoverFreeze(recover))?.did[0]).toBe("icon was started, as it had been asked to stop");
    expect(node.running).toBe(true);
    expectNothingLeft(home);
  });

  it("hangs while it is asked to stop: cut off at the limit, and started", async () => {
    const { home } = makeHome();
    const standIn = makeStandIn(home);
    await standIn.start();
    const manager = makeManager({ ...standIn.service, stop: "sleep 1000" });
    const control = controlOf(manager, { limits: { stopMs: 200, startMs: 20_000, onStopTimeout: "fail" } });
    await expect(freeze(home, { control })).rejects.toMatchObject({ kind: "node-stop" });
    expect(standIn.calls()).toContain("start");
    expect(await isRunning(standIn)).toBe(true);
    expectNothingLeft(home);
  });

  it("is not stopped by coldkeep (manager none) and runs: refused, nothing is touched", async () => {
    const { home } = makeHome();
    const { child } = await runningNode(home);
    const control = controlOf(makeManager({ manager: "none" }));
    const failure = await freeze(home, { control }).catch((error: unknown) => error);
    // Where not all processes can be looked into, even that is not proven.
    expect(isColdkeepError(failure, "refused") || isColdkeepError(failure, "permission")).toBe(true);
    if (root) expect(String(failure)).toMatch(new RegExp(`process ${child.pid} `));
    expectNothingLeft(home);
  });
});

describe("an abort", () => {
  for (const stage of ["prepare", "stop", "freeze", "start"]) {
    it(`at "${stage}" leaves the node running and nothing behind`, async () => {
      const { home } = makeHome();
      const { standIn, control } = await runningNode(home);
      const controller = new AbortController();
      const progress = {
        ...silent,
        stage: (name: string) => {
          if (name === stage) controller.abort(new Error("SIGTERM"));
        },
      };
      await expect(freeze(home, { control, progress, signal: controller.signal })).rejects.toMatchObject({
        kind: "interrupted",
      });
      expect(await isRunning(standIn)).toBe(true);
      expectNothingLeft(home);
    });
  }

  it("before the capture keeps the node from being touched", async () => {
    const { home } = makeHome();
    const controller = new AbortController();
    const node = puppet();
    const prepared = await prepareFreeze(
      freezeOptions(home, { control: controlOf(node.manager), signal: controller.signal }),
    );
    controller.abort(new Error("SIGTERM"));
    await expect(prepared.capture()).rejects.toMatchObject({ kind: "interrupted" });
    expect(node.calls).toEqual([]);
    expectNothingLeft(home);
  });
});
