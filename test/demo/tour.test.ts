import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { tempDir } from "../support/tmp.ts";

const start = fileURLToPath(new URL("../../demo/start.mjs", import.meta.url));

/** A short tour in a temporary folder of its own, its output as it comes. */
function beginTour() {
  const folder = tempDir("coldkeep-short-tour");
  const child = spawn(process.execPath, [start], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, TMPDIR: folder, COLDKEEP_TOUR_BLOCKS: "3000", NO_COLOR: "1" },
  });
  onTestFinished(() => {
    for (const pid of processesOf(folder)) process.kill(pid, "SIGKILL");
  });
  let output = "";
  const collect = (text: string) => {
    output += text;
  };
  child.stdout.setEncoding("utf8").on("data", collect);
  child.stderr.setEncoding("utf8").on("data", collect);
  const said = async (text: string) => {
    while (!output.includes(text)) await once(child.stdout, "data");
  };
  return { folder, child, said, output: () => output };
}

/** Processes whose command line names the folder: the node, coldkeep, anything a tour started. */
function processesOf(folder: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(join("/proc", pid, "cmdline"), "utf8").includes(folder);
      } catch {
        return false;
      }
    })
    .map(Number);
}

async function statusOf(child: ChildProcess): Promise<number | null> {
  const [status] = (await once(child, "close")) as [number | null];
  return status;
}

describe("the tour", () => {
  it("goes through the whole job, proves the restore, and leaves nothing running", async () => {
    const { folder, child, output } = beginTour();
    expect(await statusOf(child), output()).toBe(0);
    expect(output()).toMatch(/downtime +\d/);
    expect(output()).toContain("all are equal");
    expect(processesOf(folder)).toEqual([]);
  });

  for (const moment of ["The first backup", "Restore the latest"]) {
    it(`ends with 130 when interrupted at "${moment}", and leaves nothing running`, async () => {
      const { folder, child, said, output } = beginTour();
      await said(moment);
      child.kill("SIGINT");
      expect(await statusOf(child), output()).toBe(130);
      expect(output()).not.toContain("The tour failed");
      expect(processesOf(folder)).toEqual([]);
    });
  }

  it("leaves no node behind even when it is killed", async () => {
    const { folder, child, said } = beginTour();
    await said("Tell coldkeep about it");
    child.kill("SIGKILL");
    await once(child, "close");
    while (processesOf(folder).length > 0) await wait(20);
  });
});
