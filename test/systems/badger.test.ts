import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../posix/clock.ts";
import { runHere } from "../cli/run.ts";
import { untilExists } from "../support/stand-in-node.ts";
import { tempDir } from "../support/tmp.ts";
import { badgerNode, dumpBadger } from "./support/badger.ts";

const { program, because } = await badgerNode();

/** The same computed: what a database of that height holds. */
function expected(height: number): string[] {
  const all = new Map([["height", String(height)]]);
  for (let n = 0; n < height; n += 1) all.set(`key${(n * 7919) % 5003}`, n + "x".repeat(n % 3 === 0 ? 900 : 90));
  return [...all].map(([key, value]) => `${key} ${value}`).sort();
}

function heightOf(lines: readonly string[]): number {
  return Number(lines.find((line) => line.startsWith("height "))?.slice("height ".length));
}

describe.skipIf(program === "")(`Badger v4${because}`, () => {
  it("backed up under a node that writes as fast as it can: Badger opens what is restored, every key is right", async () => {
    const home = tempDir("badger");
    const db = join(home, "db");
    mkdirSync(db);
    const [pid, config] = [`${db}.pid`, join(home, "config.yaml")];
    const alive = `kill -0 "$(cat '${pid}' 2>/dev/null)" 2>/dev/null`;
    const stop = `${alive} || exit 0; kill -TERM "$(cat '${pid}')"`;
    const start = `${alive} && exit 0; rm -f '${pid}'; setsid '${program}' write '${db}' >/dev/null 2>&1 & `;
    onTestFinished(() => void spawnSync("sh", ["-c", `kill -9 "$(cat '${pid}')"`]));
    const coldkeep = async (...words: string[]) => {
      const ran = await runHere([...words, "--config", config], { clock: systemClock });
      expect([ran.code, ran.code === 0 ? "" : ran.stderr]).toEqual([0, ""]);
      return ran;
    };
    execFileSync("sh", ["-c", start]);
    await untilExists(`${db}.reached`);
    const init = await coldkeep(
      ...["init", "--state-dir", join(home, "state"), "--vault", join(home, "vault"), "--key-file", join(home, "key")],
      ...["--node", "badger", "--root", `db=${db}`, "--stop", stop, "--start", start, "--is-running", alive],
    );
    expect(init.stderr).toMatch(/found Badger, 1 database: profile badger/);
    const made: { snapshot: string; figures: { freeze: { linked: number } } }[] = [];
    for (let round = 0; round < 2; round += 1) {
      made.push(JSON.parse((await coldkeep("backup", "--json")).stdout) as (typeof made)[number]);
    }
    execFileSync("sh", ["-c", stop]);
    while (existsSync(pid)) spawnSync("sleep", ["0.05"]);
    // The node itself wrote down how high it was when it was stopped: not a block is missing, not one too many.
    const stops = readFileSync(`${db}.stops`, "utf8").trim().split("\n").map(Number);
    expect(stops).toHaveLength(3);
    for (const [round, { snapshot, figures }] of made.entries()) {
      expect(figures.freeze.linked).toBe(0);
      const to = join(home, snapshot);
      await coldkeep("restore", snapshot, "--to", to);
      const lines = dumpBadger(program, join(to, "db"));
      expect(heightOf(lines)).toBe(stops[round]);
      expect(lines).toEqual(expected(stops[round] ?? -1));
    }
  });

  it("is why nothing is linked: a start over hard links changes files that were frozen by them", async () => {
    const home = tempDir("badger");
    const db = join(home, "db");
    mkdirSync(db);
    const write = (signal: string) => spawnSync("timeout", ["-s", signal, "1.5", program, "write", db]);
    write("KILL");
    const kept = join(home, "kept");
    execFileSync("cp", ["-al", db, kept]);
    const sizes = () => readdirSync(kept).map((name) => `${name} ${statSync(join(kept, name)).size}`);
    const before = sizes();
    write("TERM");
    expect(sizes()).not.toEqual(before);
  });
});
