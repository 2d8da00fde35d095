import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { prepareFreeze, recoverFreeze } from "../../../agent/freeze/index.ts";

import { writeFileDurable } from "../../../posix/durable.ts";
import { processIdentity } from "../../../posix/process.ts";
import { silent } from "../../../vault/names/index.ts";
import { controlOf, freezeOptions, makeHome, puppet } from "../../support/freezing.ts";
import { expectNothingLeft, isRunning, runningNode } from "../../support/nodes-to-freeze.ts";

const CHILD = fileURLToPath(new URL("freeze.child.ts", import.meta.url));
const signal = new AbortController().signal;

describe("a freeze that is killed (kill -9)", () => {
  const points = {
    linked: false,
    prepared: false,
    stop: true,
    down: true,
    freeze: true,
    start: true,
    started: true,
    captured: false,
  };
  for (const [point, restarts] of Object.entries(points)) {
    it(`at "${point}" is undone by the next start of coldkeep, the node first`, async () => {
      const { home } = makeHome();
      mkdirSync(join(home, "state"), { mode: 0o700 });
      const { standIn, control } = await runningNode(home);
      writeFileSync(join(home, "data/x.dat"), "x");
      const child = spawn(process.execPath, [CHILD, home, point, JSON.stringify(standIn.service)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const [, killer] = (await once(child, "exit")) as [number | null, string | null];
      expect(killer).toBe("SIGKILL");
      expect(existsSync(join(home, "state/freeze.journal"))).toBe(true);
      expect(readdirSync(join(home, ".coldkeep-freeze"))).toEqual(["run-1@icon"]);

      const events: string[] = [];
      const watching = { ...silent, stage: (name: string) => void events.push(name) };
      const done = await recoverFreeze({
        node: "icon",
        stateDir: join(home, "state"),
        control,
        progress: watching,
        signal,
      });
      expect(done?.did).toEqual([
        ...(restarts ? ["icon was started, as it had been asked to stop"] : []),
        "the frozen tree of run-1 was removed",
      ]);
      expect(events).toEqual(restarts ? ["start"] : []);
      expect(await isRunning(standIn)).toBe(true);
      expectNothingLeft(home);
      expect(
        await recoverFreeze({ node: "icon", stateDir: join(home, "state"), control, progress: silent, signal }),
      ).toBe(null);
    });
  }

  it("is undone by the next freeze, too, and left alone while it lives", async () => {
    const { home, data } = makeHome();
    writeFileSync(join(data, "a"), "");
    const options = freezeOptions(home);
    const first = await prepareFreeze(options);
    await expect(prepareFreeze({ ...options, run: "run-2" })).rejects.toMatchObject({
      kind: "busy",
      why: expect.stringContaining(`process ${process.pid} works on run-1`),
    });
    await first.abandon();
    expectNothingLeft(home);

    const dead = { ...processIdentity(), startTime: "1" };
    mkdirSync(join(home, ".coldkeep-freeze/run-0@icon/data/0"), { recursive: true });
    symlinkSync(data, join(home, ".coldkeep-freeze/run-0@icon/data/0/1"));
    const frozen = [join(home, ".coldkeep-freeze/run-0@icon")];
    const record = { format: 1, node: "icon", run: "run-0", step: "stopping", label: "x", identity: dead, frozen };
    writeFileDurable(join(home, "state/freeze.journal"), Buffer.from(JSON.stringify(record)));
    const node = puppet();
    node.running = false;
    const tree = await (await prepareFreeze({ ...options, run: "run-2", control: controlOf(node.manager) })).capture();
    expect(node.calls).toEqual(["start", "stop", "start"]);
    expect(existsSync(join(data, "a"))).toBe(true);
    await tree.release();
    expectNothingLeft(home);
  });

  it("whose journal is damaged, or names folders no freeze makes, is left to a person", async () => {
    const { home, data } = makeHome();
    const options = freezeOptions(home);
    const good = { format: 1, node: "icon", run: "r", step: "stopping", label: "", identity: null };
    for (const text of [
      "{",
      "",
      JSON.stringify({ ...good, frozen: [data] }),
      JSON.stringify({ ...good, frozen: ["r@icon"] }),
      JSON.stringify({ ...good, format: 2, frozen: [] }),
      JSON.stringify({ ...good, step: "other", frozen: [] }),
    ]) {
      writeFileSync(join(home, "state/freeze.journal"), text);
      const node = puppet();
      await expect(prepareFreeze({ ...options, control: controlOf(node.manager) })).rejects.toMatchObject({
        kind: "integrity",
        todo: expect.stringContaining("see that the node runs"),
      });
      expect(existsSync(data)).toBe(true);
      expect(node.calls).toEqual([]);
    }
  });
});
