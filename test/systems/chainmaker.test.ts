import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { systemClock } from "../../posix/clock.ts";
import { runHere } from "../cli/run.ts";
import { DATABASES, makeTree } from "../support/chainmaker.ts";
import { tempDir } from "../support/tmp.ts";
import { badgerNode, dumpBadger } from "./support/badger.ts";

const { program, because } = await badgerNode();

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
