import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../posix/clock.ts";
import { runHere } from "../cli/run.ts";
import { chainmakerYml, DATABASES, makeTree } from "../support/chainmaker.ts";
import { untilExists } from "../support/stand-in-node.ts";
import { tempDir } from "../support/tmp.ts";
import { badgerNode, dumpBadger } from "./support/badger.ts";
import { chainmakerContent, chainmakerNode, dumpChainmaker } from "./support/chainmaker-node.ts";

const { program, because } = await badgerNode();
const engines = await chainmakerNode();

/** Backs the stopped node of a folder up, and restores it elsewhere. Gives where each root is, and where it came to lie. */
async function roundTrip(home: string, install: string): Promise<Map<string, string>> {
  const config = join(home, "config.yaml");
  const coldkeep = async (...words: string[]) => {
    const ran = await runHere([...words, "--config", config, "--json"], { clock: systemClock });
    expect([ran.code, ran.code === 0 ? "" : ran.stderr]).toEqual([0, ""]);
    return JSON.parse(ran.stdout) as { roots?: { name: string; target: string }[]; checks?: { label: string }[] };
  };
  const init = await runHere(
    [
      ...["init", "--config", config, "--state-dir", join(home, "state"), "--vault", join(home, "vault")],
      ...["--key-file", join(home, "key"), "--node", "cm", "--root", `install=${join(install, "config")}`],
    ],
    { clock: systemClock },
  );
  const added = [...init.stderr.matchAll(/added to the roots: (\S+): (\S+), since/g)];
  expect([init.code, added.length]).toEqual([0, expect.any(Number)]);
  await coldkeep("backup");
  const { roots = [] } = await coldkeep("restore", "latest", "--to", join(home, "restored"));
  const targets = new Map(roots.map(({ name, target }) => [name, target]));
  return new Map(added.map(([, name = "", path = ""]) => [path, targets.get(name) ?? ""]));
}

it.skipIf(program === "")(
  `ChainMaker with a state on BadgerDB (a tree of its format, real Badger and LevelDB) comes back with every key${because}`,
  async () => {
    const home = tempDir("chainmaker");
    const install = join(home, "node");
    const storage = DATABASES.replace(
      "statedb_config:\n    provider: leveldb\n    leveldb_config:",
      "statedb_config:\n    provider: badgerdb\n    badgerdb_config:",
    );
    await makeTree(install, { storage });
    const state = join(install, "data/org1/state");
    rmSync(state, { recursive: true });
    mkdirSync(join(state, "chain1"), { recursive: true });
    const database = join(state, "chain1/store_state");
    mkdirSync(database);
    spawnSync("timeout", ["-s", "KILL", "1", program, "write", database]);
    const restored = (await roundTrip(home, install)).get(state) ?? "";
    const lines = dumpBadger(program, join(restored, "chain1/store_state"));
    expect(lines.length).toBeGreaterThan(100);
    expect(lines).toEqual(dumpBadger(program, database));
  },
);

it.skipIf(engines.program === "").each(["bfdb", "wal"] as const)(
  `a node over ChainMaker's engines (goleveldb, tidwall/wal; blocks in %s) writes on: each engine reads what is restored, and goes on${engines.because}`,
  async (blocks) => {
    const home = tempDir("chainmaker");
    const install = join(home, "node");
    const folder = join(install, "data/org1");
    for (const name of [folder, join(install, "bin"), join(install, "config/org1")])
      mkdirSync(name, { recursive: true });
    const yml = chainmakerYml().replace("disable_block_file_db: false", `disable_block_file_db: ${blocks === "wal"}`);
    writeFileSync(join(install, "config/org1/chainmaker.yml"), yml);
    const pid = `${folder}.pid`;
    const alive = `kill -0 "$(cat '${pid}' 2>/dev/null)" 2>/dev/null`;
    const stop = `${alive} || exit 0; kill -TERM "$(cat '${pid}')"`;
    const start = `${alive} && exit 0; rm -f '${pid}'; setsid '${engines.program}' write '${folder}' ${blocks} >/dev/null 2>&1 & `;
    onTestFinished(() => void spawnSync("sh", ["-c", `kill -9 "$(cat '${pid}')"`]));
    const down = () => {
      execFileSync("sh", ["-c", stop]);
      while (existsSync(pid)) spawnSync("sleep", ["0.05"]);
    };
    const heights = () => readFileSync(`${folder}.stops`, "utf8").trim().split("\n").map(Number);
    const content = () => dumpChainmaker(engines.program, folder, blocks);
    const config = join(home, "config.yaml");
    const coldkeep = async (...words: string[]) => {
      const ran = await runHere([...words, "--config", config], { clock: systemClock });
      expect([ran.code, ran.code === 0 ? "" : ran.stderr]).toEqual([0, ""]);
      return ran;
    };
    execFileSync("sh", ["-c", start]);
    await untilExists(`${folder}.reached`);
    await coldkeep(
      ...["init", "--state-dir", join(home, "state"), "--vault", join(home, "vault"), "--key-file", join(home, "key")],
      ...["--node", "cm", "--root", `config=${join(install, "config")}`],
      ...["--stop", stop, "--start", start, "--is-running", alive],
    );
    const made: { snapshot: string; figures: { freeze: { linked: number } } }[] = [];
    for (let round = 0; round < 2; round += 1) {
      made.push(JSON.parse((await coldkeep("backup", "--json")).stdout) as (typeof made)[number]);
    }
    down();
    const stops = heights();
    expect(stops).toHaveLength(3);
    for (const [round, { snapshot, figures }] of made.entries()) {
      expect(figures.freeze.linked).toBeGreaterThan(0);
      rmSync(folder, { recursive: true });
      mkdirSync(folder);
      // By --force, as it has a consensus log; so it stays stopped.
      await coldkeep("restore", snapshot, "--force", "--yes");
      // Not a row or block is missing, and not one is of a later time. Compared as one text: a list of so many is slow.
      expect(content() === chainmakerContent(stops[round] ?? -1, blocks)).toBe(true);
    }
    // The engines go on from there.
    rmSync(`${folder}.reached`);
    execFileSync("sh", ["-c", start]);
    await untilExists(`${folder}.reached`);
    down();
    const [, second = 0, , last = 0] = heights();
    expect(last).toBeGreaterThan(second);
    expect(content() === chainmakerContent(last, blocks)).toBe(true);
  },
);

// Nobody's package has ChainMaker: who has one stops a node of it and names its folder.
const given = process.env.COLDKEEP_TEST_CHAINMAKER;
if (given !== undefined) {
  it(`a real node of ChainMaker, stopped, in ${given}: what is restored is what lay there, but for what is left out`, async () => {
    const home = tempDir("chainmaker");
    const install = join(home, "node");
    cpSync(given, install, { recursive: true, preserveTimestamps: true });
    const roots = await roundTrip(home, install);
    expect(roots.size).toBeGreaterThan(0);
    for (const [path, restored] of roots) {
      const found = execFileSync("diff", ["-r", "--no-dereference", "-x", "*-[0-9]*", path, restored], {
        encoding: "utf8",
      });
      expect([path, found]).toEqual([path, ""]);
    }
  });
}
