import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../posix/clock.ts";
import {
  blockFileName,
  blockOf,
  chainmakerYml,
  contentOf,
  DATABASES,
  makeTree,
  readRecords,
  type TreeOptions,
  writeBlocks,
} from "../support/chainmaker.ts";
import { tempDir } from "../support/tmp.ts";
import { runHere } from "./run.ts";

const CHILD = fileURLToPath(new URL("../support/cli-killed-at.child.ts", import.meta.url));

/** What `cmc archive query chain-archived-status` prints (cmc's own form). */
const cmcSays = (process: number, pivot = 0, ranges = "") =>
  `ArchivePivot: ${pivot}, MaxAllowArchiveHeight: 30 . &store.ArchiveStatus{Type:1, FileRanges:[]*store.FileRange(nil), ArchivePivot:0x${pivot.toString(16)}, MaxAllowArchiveHeight:0x1e, Process:${process}}${ranges}\n`;

/** A host with a tree as a node of ChainMaker has it, and stand-ins for the node and for cmc, driven by shell words. */
async function host(options: TreeOptions & { readonly tde?: boolean } = {}) {
  const home = tempDir("chainmaker");
  const install = join(home, "node");
  const yml = await makeTree(install, options);
  const config = join(home, "config.yaml");
  const [up, key, cmc] = [join(home, "up"), join(home, "tde.key"), join(home, "cmc-says")];
  if (options.tde === true) {
    writeFileSync(yml, `${readFileSync(yml, "utf8")}  encryptor: sm4\n  encrypt_key: ${key}\n`);
    writeFileSync(key, "");
  }
  writeFileSync(up, "");
  writeFileSync(cmc, cmcSays(0));
  // As the node does: no key, no start; and the file is empty from then on.
  const start =
    options.tde === true ? `test -e ${up} || { test -s ${key} && cp ${key} ${up} && : > ${key}; }` : `touch ${up}`;
  const coldkeep = (...words: string[]) => runHere([...words, "--config", config], { clock: systemClock });
  const init = (...words: string[]) =>
    coldkeep(
      ...["init", "--state-dir", join(home, "state"), "--vault", join(home, "vault"), "--key-file", join(home, "key")],
      ...["--node", "cm", "--root", `config=${join(install, "config")}`, ...words],
      ...["--stop", `rm -f ${up}`, "--start", start, "--is-running", `test -e ${up}`],
    );
  const set = (lines: string) => {
    const more = (line: string, indent: string) => `${indent}${lines.replaceAll("\n", `\n${indent}`)}\n${line}`;
    writeFileSync(config, readFileSync(config, "utf8").replace(/^( +)when_down:/m, more));
  };
  const ready = async () => {
    const { code, stderr, stdout } = await init();
    // A node that empties its key file is told of at once.
    expect([code, code === 0 ? "" : stdout + stderr]).toEqual(
      options.tde === true ? [12, expect.stringMatching(/FAIL +node key/)] : [0, ""],
    );
    set(`height: { command: echo 34 }\nvalidator: false\narchive_status: cat ${cmc}`);
    return stderr;
  };
  const snapshot = async () => {
    const { code, stdout, stderr } = await coldkeep("backup", "--json");
    expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
    return JSON.parse(stdout) as { snapshot: string; tags: string[]; figures: { freeze: { linked: number } } };
  };
  return { home, install, yml, config, up, key, cmc, coldkeep, init, set, ready, snapshot, isUp: () => existsSync(up) };
}

const data = (install: string, ...rest: string[]) => join(install, "data/org1", ...rest);
const heightsIn = (folder: string) =>
  readdirSync(folder)
    .sort()
    .flatMap((name) =>
      readRecords(readFileSync(join(folder, name))).map((block) => Number(block.toString().split(" ")[1])),
    );
const upTo = (last: number) => Array.from({ length: last + 1 }, (_, height) => height);

describe("a node of ChainMaker (a tree of its format, stand-ins for node and cmc)", () => {
  it("is found from chainmaker.yml with all its folders, and comes back without its keys, every block and row", async () => {
    const { install, config, up, coldkeep, ready, snapshot } = await host({ chains: ["chain1", "chain2"] });
    const said = await ready();
    expect(said).toMatch(/found ChainMaker, 2 chains \(chain1, chain2\).*profile chainmaker/);
    const text = readFileSync(config, "utf8");
    for (const [name, path] of [
      ["store", "ledgerData1"],
      ["block", "block"],
      ["state", "state"],
      ["history", "history"],
    ]) {
      expect(text).toMatch(new RegExp(`${name}: ${data(install, path ?? "")}`));
    }
    const before = await contentOf(data(install, "state/chain2/store_state"));
    const { figures } = await snapshot();
    // Two of three finished files of each chain are linked, the highest and .END copied.
    expect(figures.freeze.linked).toBeGreaterThanOrEqual(4);
    rmSync(up);
    rmSync(data(install), { recursive: true });
    mkdirSync(data(install));
    expect(await coldkeep("restore", "latest")).toMatchObject({ code: 0 });
    for (const chain of ["chain1", "chain2"]) {
      expect(heightsIn(data(install, "ledgerData1", chain, "bfdb"))).toEqual(upTo(34));
      expect(await contentOf(data(install, "ledgerData1", chain, "localdb"))).toHaveLength(20);
    }
    expect(await contentOf(data(install, "state/chain2/store_state"))).toEqual(before);
    // The folder that only told where everything is was not touched.
    expect(readFileSync(join(install, "config/org1/certs/node/node.sign.key"), "utf8")).toBe("PRIVATE");
  });

  it("that may vote is not replaced by older data, which would not know of its votes, without --force", async () => {
    const { config, up, coldkeep, ready, snapshot, isUp } = await host();
    await ready();
    await snapshot();
    rmSync(up);
    writeFileSync(config, readFileSync(config, "utf8").replace("validator: false", "validator: true"));
    expect(await coldkeep("restore", "latest")).toMatchObject({
      code: 12,
      stderr: expect.stringMatching(/tbftwal.*vote twice/s),
    });
    const forced = await coldkeep("restore", "latest", "--force");
    expect(forced).toMatchObject({ code: 0, stdout: expect.stringMatching(/left stopped, as it may be a validator/) });
    expect(isUp(), "data may be replaced, which is not yet a wish that it votes").toBe(false);
    expect((await coldkeep("restore", "latest", "--force", "--wait-healthy")).code).toBe(0);
    expect(isUp()).toBe(true);
  });

  it("is not stopped while blocks are archived or restored, and what is archived stands on the card", async () => {
    const { cmc, coldkeep, ready, snapshot, isUp, config } = await host();
    await ready();
    for (const [process, words] of [
      [1, /Process Archiving/],
      [2, /Process Restoring/],
      [7, /Process 7/],
    ] as const) {
      writeFileSync(cmc, cmcSays(process));
      expect(await coldkeep("backup")).toMatchObject({ code: 12, stderr: expect.stringMatching(words) });
    }
    writeFileSync(cmc, "rpc error: connection refused\n");
    expect(await coldkeep("backup")).toMatchObject({ code: 12, stderr: expect.stringMatching(/names no Process/) });
    rmSync(cmc);
    expect(await coldkeep("backup")).toMatchObject({ code: 12, stderr: expect.stringMatching(/No such file/) });
    expect(isUp()).toBe(true);
    // Begun between the first question and the stop.
    const text = readFileSync(config, "utf8");
    const asked = `${cmc}.asked`;
    writeFileSync(cmc, cmcSays(0));
    writeFileSync(`${cmc}.later`, cmcSays(1));
    writeFileSync(
      config,
      text.replace(/archive_status: .*/, `archive_status: "cat ${cmc}; touch ${asked}; cp ${cmc}.later ${cmc}"`),
    );
    expect(await coldkeep("backup")).toMatchObject({ code: 12, stderr: expect.stringMatching(/Process Archiving/) });
    expect([isUp(), existsSync(asked)]).toEqual([true, true]);
    writeFileSync(config, text);
    writeFileSync(
      cmc,
      cmcSays(0, 25, `fileName: ${blockFileName(0)}, start: 0, end: 9 ; fileName: x.fdb, start: 10, end: 15 ; `),
    );
    expect((await snapshot()).tags).toEqual(["archived-to:25", "unmerged:0-9", "unmerged:10-15"]);
  });

  it("without a key in its own key file is not stopped, unless node_key says what to fill it with", async () => {
    const { home, key, up, coldkeep, ready, set, snapshot, isUp, config } = await host({ tde: true });
    await ready();
    expect(await coldkeep("backup")).toMatchObject({
      code: 12,
      stderr: expect.stringMatching(/could not start again/),
    });
    expect(await coldkeep("doctor")).toMatchObject({
      code: 12,
      stdout: expect.stringMatching(/could not start again/),
    });
    expect(isUp()).toBe(true);
    const source = join(home, "safe.key");
    set(`node_key: ${source}`);
    expect(await coldkeep("backup")).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/there is no password file/),
    });
    writeFileSync(source, "0123456789abcdef\n", { mode: 0o600 });
    await snapshot();
    expect([readFileSync(up, "utf8"), readFileSync(key, "utf8")]).toEqual(["0123456789abcdef", ""]);
    expect(statSync(key).mode & 0o777).toBe(0o600);
    // A hook does as well.
    const text = readFileSync(config, "utf8");
    writeFileSync(
      config,
      text
        .replace(/node_key: .*/, "")
        .replace(/^( +)stop_timeout/m, `$1hooks: { before_start: "echo hooked > ${key}" }\n$&`),
    );
    await snapshot();
    expect(readFileSync(up, "utf8")).toBe("hooked\n");
  });

  it("with data in TiKV, MySQL or Redis names them, and is backed up once that is acknowledged", async () => {
    const storage =
      `${DATABASES.replace(/ {2}statedb_config:[\s\S]*?state \}/, "  statedb_config:\n    provider: tikvdb\n    tikvdb_config: { endpoints: '10.0.0.5:2379' }")}
  historydb_config:
    provider: sqlkv
    sqldb_config: { sqldb_type: mysql, dsn: 'root:passw@tcp(10.0.0.7:3306)/' }
  enable_bigfilter: true
  bigfilter_config: { redis_hosts_port: '10.0.0.8:6379' }`.replace(
        / {2}historydb_config:\n {4}provider: leveldb\n.*\n/,
        "",
      );
    const { coldkeep, ready, init, set, snapshot, cmc } = await host({ storage });
    expect(ready).toBeDefined();
    const first = await init();
    expect(first.code).toBe(12);
    expect(first.stdout).toMatch(/a database lies in TiKV \(10\.0\.0\.5:2379\)/);
    expect(first.stdout).toMatch(/a database lies in mysql \(10\.0\.0\.7:3306\)/);
    expect(first.stdout).toMatch(/lies in Redis \(10\.0\.0\.8:6379\)/);
    expect(first.stdout).not.toMatch(/passw/);
    set(`archive_status: cat ${cmc}`);
    expect(await coldkeep("backup")).toMatchObject({
      code: 12,
      stderr: expect.stringMatching(/external: acknowledged/),
    });
    set("external: acknowledged");
    await snapshot();
  });

  it("with a provider that is not known, or no chainmaker.yml, is not backed up", async () => {
    const { yml, coldkeep, ready, isUp } = await host();
    await ready();
    const text = readFileSync(yml, "utf8");
    writeFileSync(yml, text.replace("provider: leveldb", "provider: leveldbb"));
    expect(await coldkeep("backup")).toMatchObject({
      code: 12,
      stderr: expect.stringMatching(
        /provider "leveldbb" of a database is not known.*blockdb_config.*known are leveldb, badgerdb/s,
      ),
    });
    for (const [wrong, words] of [
      ["a: [", /no YAML/],
      ["a: 1", /no storage and blockchain/],
    ] as const) {
      writeFileSync(yml, wrong);
      expect(await coldkeep("backup")).toMatchObject({ code: 12, stderr: expect.stringMatching(words) });
    }
    rmSync(yml);
    expect(await coldkeep("backup")).toMatchObject({
      code: 12,
      stderr: expect.stringMatching(/no chainmaker.yml.*not there/s),
    });
    expect(isUp()).toBe(true);
  });

  it("with a new database that is in no root is not backed up, and one on SQLite is found by its file", async () => {
    const { install, yml, coldkeep, ready } = await host();
    await ready();
    mkdirSync(join(install, "sql"));
    writeFileSync(join(install, "sql/events.db"), "SQLite format 3\0");
    const text = readFileSync(yml, "utf8").replace("disable_contract_eventdb: true", "disable_contract_eventdb: false");
    writeFileSync(
      yml,
      `${text}  contract_eventdb_config:\n    provider: sql\n    sqldb_config: { sqldb_type: sqlite, dsn: ../sql/events.db }\n`,
    );
    expect(await coldkeep("backup")).toMatchObject({
      code: 12,
      stderr: expect.stringMatching(new RegExp(`lies in none of its roots.*event: ${install}/sql`, "s")),
    });
  });

  it("tells which file holds which blocks, and gives back just those", async () => {
    const { home, cmc, coldkeep, ready, snapshot } = await host({ chains: ["chain1", "chain2"], tmp: true });
    await ready();
    await snapshot();
    const shown = JSON.parse((await coldkeep("show", "latest", "--blocks", "--json")).stdout) as {
      blocks: { chain: string; first: number; last: number | null; path: string }[];
    };
    expect(shown.blocks.filter(({ chain }) => chain === "chain1")).toEqual([
      { chain: "chain1", first: 0, last: 9, path: `store/chain1/bfdb/${blockFileName(0)}` },
      { chain: "chain1", first: 10, last: 19, path: `store/chain1/bfdb/${blockFileName(10)}` },
      { chain: "chain1", first: 20, last: 29, path: `tmp/chain1/bfdb/${blockFileName(20)}` },
      { chain: "chain1", first: 30, last: null, path: `tmp/chain1/bfdb/${blockFileName(30, ".END")}` },
    ]);
    expect((await coldkeep("show", "latest", "--blocks")).stdout).toMatch(/chain2 +30- +tmp\/chain2/);
    const to = join(home, "blocks");
    expect((await coldkeep("restore", "latest", "--blocks", "chain1=12-25", "--to", to)).code).toBe(0);
    expect(heightsIn(join(to, "store/chain1/bfdb"))).toEqual(upTo(19).slice(10));
    expect(heightsIn(join(to, "tmp/chain1/bfdb"))).toEqual(upTo(29).slice(20));
    expect([readdirSync(to).sort(), existsSync(join(to, "store/chain2"))]).toEqual([["store", "tmp"], false]);
    expect(await coldkeep("restore", "latest", "--blocks", "36-40", "--to", `${to}2`)).toMatchObject({
      code: 11,
      stderr: expect.stringMatching(/no file of the snapshot holds/),
    });
    expect((await coldkeep("restore", "latest", "--blocks", "9-3", "--to", `${to}3`)).code).toBe(2);
    expect((await coldkeep("restore", "latest", "--blocks", "1-2")).code).toBe(2);
    expect(cmc).toBeDefined();
  });
});

/** The host's node from now on with the other setting of block_store_tmp_path, and its data gone. */
function change(install: string, yml: string, config: string, tmp: boolean) {
  writeFileSync(yml, chainmakerYml({ tmp }));
  const text = readFileSync(config, "utf8").replace(/^ +"?tmp"?: .*\n/m, "");
  const line = `      tmp: ${join(install, "tmp/org1")}\n`;
  writeFileSync(config, tmp ? text.replace(/^ +roots:\n/m, `$&${line}`) : text);
}

describe("a snapshot of ChainMaker on a host with the other setting of block_store_tmp_path (format level)", () => {
  it("taken with it, restored without: all block files lie in one folder, of a half-moved one the whole", async () => {
    const { install, yml, config, up, coldkeep, ready, snapshot } = await host({ tmp: true });
    // A move of the node that was cut off: the beginning is in the store already.
    const whole = readFileSync(join(install, "tmp/org1/chain1/bfdb", blockFileName(20)));
    writeFileSync(data(install, "ledgerData1/chain1/bfdb", blockFileName(20)), whole.subarray(0, 100));
    await ready();
    await snapshot();
    rmSync(up);
    change(install, yml, config, false);
    const { code, stdout, stderr } = await coldkeep("restore", "latest");
    expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/2 block files were moved/);
    const store = data(install, "ledgerData1/chain1/bfdb");
    expect(heightsIn(store)).toEqual(upTo(34));
    expect(readdirSync(store)).toContain(blockFileName(30, ".END"));
    expect(readdirSync(data(install))).not.toContain("ledgerData1.coldkeep-tmp-blocks");
  });

  it.each(["recover", "restore"] as const)(
    "killed (kill -9) between the swap and the moves: %s ends it",
    async (how) => {
      const { install, yml, config, up, coldkeep, ready, snapshot } = await host();
      await ready();
      await snapshot();
      rmSync(up);
      const live = join(install, "tmp/org1/chain1/bfdb");
      writeBlocks(live, 40, 44, ".END");
      change(install, yml, config, true);
      const words = ["settle", "restore", "latest", "--config", config];
      expect(spawnSync(process.execPath, [CHILD, ...words], { encoding: "utf8" })).toMatchObject({ signal: "SIGKILL" });
      // It is in place, and the live file not yet where the node looks.
      expect(heightsIn(live)).toEqual([40, 41, 42, 43, 44]);
      const { code, stdout, stderr } = await (how === "recover" ? coldkeep("recover") : coldkeep("restore", "latest"));
      expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
      expect(stdout + stderr).toMatch(/was moved into .*this host's node has a block_store_tmp_path/);
      expect(heightsIn(live)).toEqual(upTo(34).slice(30));
      expect(heightsIn(data(install, "ledgerData1/chain1/bfdb"))).toEqual(upTo(29));
      expect((await coldkeep("recover")).stdout).toMatch(/nothing was left behind/);
    },
  );

  it("killed there in the restore of a group: recover ends it", async () => {
    const { home, install, yml, config, up, coldkeep, ready } = await host();
    await ready();
    mkdirSync(join(home, "other"));
    const other = `  other: { profile: files, roots: { d: ${home}/other }, service: { manager: none } }\n`;
    const text = readFileSync(config, "utf8").replace(
      /^nodes:\n/m,
      `groups: { set: { order: [cm, other] } }\n$&${other}`,
    );
    writeFileSync(config, text);
    expect((await coldkeep("init")).code).toBe(0);
    expect((await coldkeep("backup", "--group", "set")).code).toBe(0);
    rmSync(up);
    const live = join(install, "tmp/org1/chain1/bfdb");
    change(install, yml, config, true);
    const words = ["restore", "--group", "set", "--config", config];
    const killed = spawnSync(process.execPath, [CHILD, "settle", ...words], { encoding: "utf8" });
    expect(killed).toMatchObject({ signal: "SIGKILL" });
    expect(existsSync(live)).toBe(false);
    const ran = await coldkeep("recover");
    expect([ran.code, ran.code === 0 ? "" : ran.stderr]).toEqual([0, ""]);
    expect(ran.stdout + ran.stderr).toMatch(/was moved into .*this host's node has a block_store_tmp_path/);
    expect(heightsIn(live)).toEqual(upTo(34).slice(30));
    expect(heightsIn(data(install, "ledgerData1/chain1/bfdb"))).toEqual(upTo(29));
  });

  it("taken without it, restored with: the live file lies where the node looks, what was there is put aside", async () => {
    const { install, yml, config, up, coldkeep, ready, snapshot } = await host();
    await ready();
    await snapshot();
    rmSync(up);
    const live = join(install, "tmp/org1/chain1/bfdb");
    writeBlocks(live, 40, 44, ".END");
    change(install, yml, config, true);
    const { code, stdout, stderr } = await coldkeep("restore", "latest");
    expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/was of another time/);
    expect(heightsIn(live)).toEqual(upTo(34).slice(30));
    expect(heightsIn(data(install, "ledgerData1/chain1/bfdb"))).toEqual(upTo(29));
  });
});

describe("a lean snapshot of ChainMaker (format level, a stand-in for rebuild-dbs)", () => {
  it("holds block and ledgerData1 only; databases are made anew, judged by log and height and not by the exit status", async () => {
    const { home, install, up, coldkeep, ready, set, snapshot } = await host();
    await ready();
    set("lean: true");
    const { tags, snapshot: id } = await snapshot();
    expect(tags).toContain("lean");
    const listed = (await coldkeep("ls", id)).stdout;
    expect(listed).toMatch(/block/);
    expect(listed).not.toMatch(/state|history|result/);
    rmSync(up);
    expect(await coldkeep("restore", "latest")).toMatchObject({
      code: 12,
      stderr: expect.stringMatching(/the snapshot is lean/),
    });
    expect(await coldkeep("restore", "latest", "--rebuild-dbs")).toMatchObject({
      code: 12,
      stderr: expect.stringMatching(/Configure rebuild/),
    });
    const [log, words] = [join(home, "system.log"), join(home, "words")];
    writeFileSync(log, "2026 [ERROR] of long ago\n");
    set(
      `rebuild:\n  run: 'echo "$1 $2" > ${words}; cat ${home}/adds >> ${log}; exit 0'\n  log: ${log}\n  height: cat ${home}/reached`,
    );
    writeFileSync(join(home, "adds"), "[INFO] done\n");
    writeFileSync(join(home, "reached"), "34\n");
    expect((await coldkeep("restore", "latest", "--rebuild-dbs", "--no-start")).code).toBe(0);
    expect(readFileSync(words, "utf8")).toBe("chain1 \n");
    writeFileSync(join(home, "reached"), "20\n");
    expect((await coldkeep("restore", "latest", "--rebuild-to", "20", "--no-start")).code).toBe(0);
    expect(readFileSync(words, "utf8")).toBe("chain1 20\n");
    expect(await coldkeep("restore", "latest", "--rebuild-to", "21")).toMatchObject({
      code: 21,
      stderr: expect.stringMatching(/height 20, and 21/),
    });
    expect(await coldkeep("restore", "latest", "--rebuild-to", "35")).toMatchObject({
      code: 12,
      stderr: expect.stringMatching(/ends at 34/),
    });
    writeFileSync(join(home, "adds"), "2026 [ERROR] [Storage] leveldb: corrupted\n");
    expect(await coldkeep("restore", "latest", "--rebuild-dbs")).toMatchObject({
      code: 21,
      stderr: expect.stringMatching(/leveldb: corrupted/),
    });
    expect(heightsIn(data(install, "ledgerData1/chain1/bfdb"))).toEqual(upTo(34));
  });

  it("is refused where the databases share a root, and where they are no LevelDB", async () => {
    const { home, install, yml, config, up, coldkeep, ready, set, snapshot } = await host();
    await ready();
    set(`rebuild: { run: "true" }`);
    await snapshot();
    rmSync(up);
    const text = readFileSync(yml, "utf8");
    writeFileSync(
      yml,
      text.replace(
        /provider: leveldb\n {4}leveldb_config: \{ store_path: ..\/data\/org1\/state/,
        "provider: badgerdb\n    badgerdb_config: { store_path: ../data/org1/state",
      ),
    );
    expect(await coldkeep("restore", "latest", "--rebuild-dbs")).toMatchObject({
      code: 12,
      stderr: expect.stringMatching(/LevelDB only/),
    });
    writeFileSync(yml, text);
    writeFileSync(up, "");
    set("lean: true");
    const one = readFileSync(config, "utf8").replace(/^ +(?:store|block|state|history|result): .*\n/gm, "");
    writeFileSync(config, one.replace(/^ +roots:\n/m, `$&      data: ${data(install)}\n`));
    expect(await coldkeep("backup")).toMatchObject({
      code: 12,
      stderr: expect.stringMatching(/lean leaves out whole roots only/),
    });
    expect(home).toBeDefined();
  });
});

it("a block is read back as it was written, and a damaged one is seen (the tests' own reader)", () => {
  const folder = tempDir("bfdb");
  const path = writeBlocks(folder, 5, 9);
  const bytes = readFileSync(path);
  expect(readRecords(bytes)).toEqual([5, 6, 7, 8, 9].map(blockOf));
  bytes[20] = (bytes[20] ?? 0) ^ 1;
  expect(() => readRecords(bytes)).toThrow(/checksum/);
});
