import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../posix/clock.ts";
import { runHere } from "../cli/run.ts";
import { untilExists } from "../support/stand-in-node.ts";
import { tempDir } from "../support/tmp.ts";
import { buildNode, dump, expected, heightOf, ldb, obstacleToRocksdb, scan } from "./support/rocksdb.ts";

const obstacle = obstacleToRocksdb();
const because = obstacle === null ? "" : ` (skipped: ${obstacle})`;

/** A node over RocksDB that is driven by commands, and coldkeep set up for it. */
async function host(program: string, roots: readonly string[], elsewhere = false) {
  const home = tempDir("rocksdb");
  const db = join(home, "db");
  for (const root of roots) mkdirSync(join(home, root));
  const pid = `${db}.pid`;
  const env = !elsewhere ? "" : `BASE='${home}' `;
  const config = join(home, "config.yaml");
  const alive = `kill -0 "$(cat '${pid}' 2>/dev/null)" 2>/dev/null`;
  const stop = `${alive} || exit 0; kill -TERM "$(cat '${pid}')"`;
  const start = `${alive} && exit 0; rm -f '${pid}'; ${env}setsid '${program}' write '${db}' >/dev/null 2>&1 & `;
  onTestFinished(() => void spawnSync("sh", ["-c", `kill -9 "$(cat '${pid}')"`]));
  const coldkeep = async (...words: string[]) => {
    const ran = await runHere([...words, "--config", config], { clock: systemClock });
    expect([ran.code, ran.code === 0 ? "" : ran.stderr]).toEqual([0, ""]);
    return ran;
  };
  const json = async <T>(...words: string[]) => JSON.parse((await coldkeep(...words, "--json")).stdout) as T;
  const initialise = () =>
    coldkeep(
      ...["init", "--state-dir", join(home, "state"), "--vault", join(home, "vault"), "--key-file", join(home, "key")],
      ...["--node", "rocks", ...roots.flatMap((root) => ["--root", `${root}=${join(home, root)}`])],
      ...["--stop", stop, "--start", start, "--is-running", alive],
    );
  const begin = async () => {
    execFileSync("sh", ["-c", start]);
    await untilExists(pid);
  };
  const end = () => {
    execFileSync("sh", ["-c", stop]);
    while (existsSync(pid)) spawnSync("sleep", ["0.05"]);
  };
  return { home, db, config, coldkeep, json, initialise, begin, end };
}

/** As high as the node was when it ended last, by its own word. */
const heightNow = (db: string) => Number(readFileSync(`${db}.stops`, "utf8").trimEnd().split("\n").at(-1));

describe.skipIf(obstacle !== null)(`RocksDB 7.8${because}`, () => {
  const program = obstacle === null ? buildNode() : "";

  it("backed up under a node that is stopped and started, and writes on: ldb opens what is restored, every key is right", async () => {
    const { home, db, coldkeep, json, initialise, begin, end } = await host(program, ["db"]);
    execFileSync(program, ["write", db, "20000"]);
    await initialise();
    expect(readFileSync(join(home, "config.yaml"), "utf8")).toMatch(/profile: rocksdb/);
    await begin();
    const first = await json<{ snapshot: string; figures: { freeze: { linked: number } } }>("backup");
    expect(first.figures.freeze.linked).toBeGreaterThan(0);
    const second = await json<{ snapshot: string; figures: { reused: number } }>("backup");
    expect(second.figures.reused).toBeGreaterThan(0);
    end();
    const heights: number[] = [];
    for (const { snapshot } of [first, second]) {
      const to = join(home, snapshot);
      await coldkeep("restore", snapshot, "--to", to);
      expect(readdirSync(join(to, "db")).filter((name) => name.startsWith("LOG"))).toEqual([]);
      const lines = await dump(program, join(to, "db"));
      heights.push(heightOf(lines));
      expect(lines).toEqual(expected(heightOf(lines)));
      expect(ldb(`--db=${join(to, "db")}`, "checkconsistency")).toContain("OK");
    }
    // The node itself wrote down how high it was when it was stopped: not a block is missing, not one too many.
    const stops = readFileSync(`${db}.stops`, "utf8").split("\n").map(Number);
    expect(stops[0]).toBe(20_000);
    expect(heights).toEqual(stops.slice(1, 3));
  });

  it("killed in the middle of its writing, and started over what is frozen: not one linked table changes", async () => {
    const { home, db } = await host(program, ["db"]);
    execFileSync(program, ["write", db, "5000"]);
    for (let round = 0; round < 3; round += 1) {
      spawnSync("timeout", ["-s", "KILL", "0.4", program, "write", db]);
      const kept = join(home, `kept-${round}`);
      execFileSync("cp", ["-al", db, kept]);
      const sums = () => execFileSync("sh", ["-c", "sha256sum *.sst *.blob"], { cwd: kept, encoding: "utf8" });
      const before = sums();
      spawnSync("timeout", ["-s", "TERM", "0.4", program, "write", db]);
      expect(sums()).toBe(before);
    }
  });

  it("with its WAL and tables elsewhere: refused until all are roots, then restored to other places", async () => {
    const { home, db, config, coldkeep, initialise, begin, end } = await host(
      program,
      ["db", "wal", "tables", "more"],
      true,
    );
    execFileSync(program, ["write", db, "9000"], { env: { ...process.env, BASE: home } });
    // The beginning of LOG tells of tables only at the next start.
    execFileSync(program, ["write", db, "9100"], { env: { ...process.env, BASE: home } });
    const init = await runHere(
      [
        "init",
        "--config",
        config,
        "--state-dir",
        join(home, "state"),
        "--vault",
        join(home, "vault"),
        "--key-file",
        join(home, "key"),
        "--node",
        "rocks",
        "--root",
        `db=${db}`,
        "--json",
      ],
      { clock: systemClock },
    );
    expect([init.code, init.stderr]).toEqual([0, expect.stringMatching(/added to the roots: wal: .*wal_dir of/)]);
    const whole = readFileSync(config, "utf8");
    expect(whole.match(/^ +(?:db|wal|tables\d*): /gm)).toHaveLength(3);
    writeFileSync(config, whole.replace(/^ +wal: .*\n/m, ""));
    const refused = await runHere(["backup", "--config", config], { clock: systemClock });
    expect(refused).toMatchObject({
      code: 12,
      stderr: expect.stringMatching(/a part of the node lies in none of its roots/),
    });
    rmSync(config);
    await initialise();
    await begin();
    await coldkeep("backup");
    end();
    const to = join(home, "other");
    await coldkeep("restore", "latest", "--to", to);
    const lines = await dump(program, join(to, "db"), to);
    expect(heightOf(lines)).toBeGreaterThanOrEqual(9100);
    expect(lines).toEqual(expected(heightOf(lines)));

    // In place, by the names of the roots: all four in one swap, into folders that hold something else.
    const moved = join(home, "moved");
    const places = ["db", "wal", "tables", "more"];
    for (const place of places) {
      mkdirSync(join(moved, place), { recursive: true });
      writeFileSync(join(moved, place, "stale"), "of before");
    }
    const text = readFileSync(config, "utf8");
    writeFileSync(config, text.replace(new RegExp(`^( +(?:${places.join("|")}): )${home}/`, "gm"), `$1${moved}/`));
    await coldkeep("restore", "latest", "--no-start");
    expect(await dump(program, join(moved, "db"), moved)).toEqual(lines);
    expect(places.flatMap((place) => readdirSync(join(moved, place))).filter((name) => name === "stale")).toEqual([]);
  });

  it("--keep-logs brings it back as it was when it was lost, by logs that RocksDB has archived since; not where one is missing", async () => {
    process.env.ARCHIVE = "1";
    onTestFinished(() => void delete process.env.ARCHIVE);
    const { home, db, config, coldkeep, json, initialise, begin, end } = await host(program, ["db"]);
    execFileSync(program, ["write", db, "3000"]);
    await initialise();
    await begin();
    const { snapshot } = await json<{ snapshot: string }>("backup");
    end();
    execFileSync(program, ["write", db, String(heightNow(db) + 500)]);
    const last = heightNow(db);
    const archived = readdirSync(join(db, "archive")).filter((name) => name.endsWith(".log"));
    expect(archived.length).toBeGreaterThan(1);
    const tables = () => readdirSync(db).filter((name) => name.endsWith(".sst"));
    const before = tables();

    const refused = async (words: RegExp, ...more: string[]) => {
      const ran = await runHere(["restore", snapshot, "--keep-logs", ...more, "--config", config], {
        clock: systemClock,
      });
      expect([ran.code === 0, ran.stderr]).toEqual([false, expect.stringMatching(words)]);
      expect(tables()).toEqual(before);
    };
    await refused(/there are none in a fresh folder/, "--to", join(home, "elsewhere"));
    const [one = "", two = ""] = archived
      .sort()
      .slice(-2)
      .map((name) => join(db, "archive", name));
    for (const [log, why] of [
      [two, /writes \d+ to \d+ are in no log/],
      [one, /which the snapshot ends with, is not there any more|writes \d+ to \d+ are in no log/],
    ] as const) {
      const bytes = readFileSync(log);
      rmSync(log);
      await refused(why, "--no-start");
      writeFileSync(log, bytes);
    }

    await coldkeep("restore", snapshot, "--keep-logs", "--no-start", "--keep-old");
    const lines = await dump(program, db);
    expect(heightOf(lines)).toBe(last);
    expect(lines).toEqual(expected(last));
    expect(ldb(`--db=${db}`, "checkconsistency")).toContain("OK");
    // Without it, as it was.
    await coldkeep("restore", snapshot, "--no-start");
    expect(heightOf(await dump(program, db))).toBeLessThan(last);
  });

  it("a table that changed under its name and size aborts the run, visible nowhere; --full takes it; --meta is listed", async () => {
    const { home, db, config, coldkeep, json } = await host(program, ["db"]);
    execFileSync(program, ["write", db, "6000"]);
    // A node that does not write: what is changed below is all that changes.
    const up = join(home, "up");
    writeFileSync(up, "");
    await coldkeep(
      ...["init", "--state-dir", join(home, "state"), "--vault", join(home, "vault"), "--key-file", join(home, "key")],
      ...["--node", "rocks", "--root", `db=${db}`, "--stop", `rm -f ${up}`, "--start", `touch ${up}`],
      ...["--is-running", `test -e ${up}`],
    );
    const meta = { app: "4.2.1", reason: "before the migration" };
    const words = Object.entries(meta).flatMap(([key, value]) => ["--meta", `${key}=${value}`]);
    const { snapshot } = await json<{ snapshot: string }>("backup", ...words);
    type Listed = { snapshots: { snapshot: string; meta?: object; tags: string[] }[] };
    expect((await json<Listed>("list")).snapshots).toMatchObject([{ snapshot, meta }]);
    expect((await coldkeep("show", snapshot)).stdout).toMatch(/meta +app=4\.2\.1\n +reason=before the migration/);
    for (const bad of ["app", "=1", "a b=1", `app=${"x".repeat(300)}`, "app=\u001b[31m"]) {
      const refused = await runHere(["backup", "--config", config, "--meta", bad], { clock: systemClock });
      expect(refused.code).toBe(2);
    }

    const table = readdirSync(db).find((name) => name.endsWith(".sst")) ?? "";
    const bytes = readFileSync(join(db, table));
    bytes.writeUInt8(bytes.readUInt8(100) ^ 1, 100);
    writeFileSync(join(db, table), bytes);
    const refused = await runHere(["backup", "--config", config], { clock: systemClock });
    expect(refused).toMatchObject({
      code: 9,
      stderr: expect.stringMatching(new RegExp(`a file that never changes has changed: db/${table}`)),
    });
    expect((await json<Listed>("list")).snapshots).toHaveLength(1);
    expect((await coldkeep("backup", "--full")).code).toBe(0);
    expect(existsSync(up)).toBe(true);
  });

  it("a BackupEngine directory becomes snapshots, each as ldb restores it, tables stored once; a second import adds nothing", async () => {
    const { home, db, coldkeep, json, initialise } = await host(program, ["db"]);
    const backups = join(home, "backups");
    for (const height of ["6000", "9000"]) {
      execFileSync(program, ["write", db, height]);
      ldb(`--db=${db}`, "backup", `--backup_dir=${backups}`);
    }
    // Applications write that line by CreateNewBackupWithMetadata.
    const metadata = Buffer.from("release 4.2.1");
    const second = join(backups, "meta/2");
    const lines = readFileSync(second, "latin1").split("\n");
    lines.splice(2, 0, `metadata ${metadata.toString("hex").toUpperCase()}`);
    writeFileSync(second, lines.join("\n"));
    await initialise();
    type Imported = { imported: { id: string; snapshot: string | null }[] };
    const { imported } = await json<Imported>("import", "rocksdb-backup", backups);
    expect(imported.map(({ id }) => id)).toEqual(["1", "2"]);
    const listed = await json<{
      snapshots: { snapshot: string; tags: string[]; meta?: object; bytes: { added: number; total: number } }[];
    }>("list");
    const newest = listed.snapshots[0];
    expect(newest?.tags).toContain("rocksdb-backup:2");
    expect(newest?.meta).toEqual({ rocksdb: "release 4.2.1" });
    const exported = join(home, "exported");
    await coldkeep("export", newest?.snapshot ?? "", "--format", "rocksdb-backup", "-o", exported);
    expect(readFileSync(join(exported, "meta/1"), "latin1").split("\n")[2]).toBe(lines[2]);
    ldb(`--db=${join(home, "by-ldb")}`, "restore", `--backup_dir=${exported}`);
    expect(newest?.bytes.added ?? 0).toBeLessThan(newest?.bytes.total ?? 0);
    for (const { id, snapshot } of imported) {
      const to = join(home, `ours-${id}`);
      await coldkeep("restore", snapshot ?? "", "--to", to);
      const theirs = join(home, `theirs-${id}`);
      execFileSync(program, ["restore", theirs, backups, id]);
      const content = scan(join(to, "db"));
      expect(content).toBe(scan(theirs));
      expect(await dump(program, join(to, "db"))).toEqual(expected(id === "1" ? 6000 : 9000));
    }
    const again = await json<Imported>("import", "rocksdb-backup", backups);
    expect(again.imported.map(({ snapshot }) => snapshot)).toEqual([null, null]);
    expect(readdirSync(home).filter((name) => name.startsWith(".coldkeep-import-"))).toEqual([]);
  });

  it("a damaged BackupEngine directory is refused by file and cause, and its good backups can still be taken", async () => {
    const { home, db, config, json, initialise } = await host(program, ["db"]);
    const backups = join(home, "backups");
    for (const height of ["3000", "6000"]) {
      execFileSync(program, ["write", db, height]);
      ldb(`--db=${db}`, "backup", `--backup_dir=${backups}`);
    }
    await initialise();
    const attempt = (...words: string[]) =>
      runHere(["import", "rocksdb-backup", backups, ...words, "--config", config], { clock: systemClock });
    const current = join(backups, "private/1/CURRENT");
    const good = readFileSync(current);
    writeFileSync(current, Buffer.from(good).fill(0x41, 0, 1));
    expect(await attempt()).toMatchObject({
      code: 9,
      stderr: expect.stringMatching(/private\/1\/CURRENT: its checksum is \d+, not \d+/),
    });
    expect(
      (await json<{ imported: { id: string }[] }>("import", "rocksdb-backup", backups, "--only", "2")).imported,
    ).toHaveLength(1);
    rmSync(current);
    expect(await attempt("--only", "1")).toMatchObject({
      code: 9,
      stderr: expect.stringMatching(/CURRENT: the file is missing/),
    });
    writeFileSync(current, good);
    for (const [text, words] of [
      ["x\n", /line 1: a timestamp/],
      ["1\n5\n1\n../../etc/passwd crc32 1\n", /line 4: no path of a backup/],
      ["1\n5\n1\nprivate/1/../../x crc32 1\n", /line 4: no path of a backup/],
      ["schema_version 3.0\n1\n5\n0\n", /line 1: unknown/],
      ["1\n5\n99999999\n", /number of files/],
    ] as const) {
      writeFileSync(join(backups, "meta/1"), text);
      expect(await attempt("--only", "1")).toMatchObject({ code: 9, stderr: expect.stringMatching(words) });
    }
    expect(await attempt("--only", "9")).toMatchObject({
      code: 11,
      stderr: expect.stringMatching(/there is no backup 9/),
    });
  });

  it("what is exported is a BackupEngine directory: ldb restores every key, tables are written once", async () => {
    const { home, db, coldkeep, json, initialise, begin, end } = await host(program, ["db"]);
    execFileSync(program, ["write", db, "6000"]);
    await initialise();
    await begin();
    const first = (await json<{ snapshot: string }>("backup")).snapshot;
    end();
    const backups = join(home, "exported");
    await coldkeep("export", first, "--format", "rocksdb-backup", "-o", backups);
    const second = await json<{ id: number; shared: number; files: number }>(
      "export",
      "latest",
      "--format",
      "rocksdb-backup",
      "-o",
      backups,
    );
    expect(second.id).toBe(2);
    expect(second.shared).toBeGreaterThan(0);
    await coldkeep("restore", first, "--to", join(home, "ours"));
    const ours = scan(join(home, "ours/db"));
    for (const id of [1, 2]) {
      const to = join(home, `by-ldb-${id}`);
      if (id === 1) execFileSync(program, ["restore", to, backups, "1"]);
      else ldb(`--db=${to}`, "restore", `--backup_dir=${backups}`);
      expect(scan(to)).toBe(ours);
      expect(ldb(`--db=${to}`, "checkconsistency")).toContain("OK");
    }
    // The engine goes on in the same directory.
    ldb(`--db=${join(home, "by-ldb-1")}`, "backup", `--backup_dir=${backups}`);
    expect(readdirSync(join(backups, "meta")).sort()).toEqual(["1", "2", "3"]);
    expect(readdirSync(backups).filter((name) => name.startsWith(".coldkeep"))).toEqual([]);
  });
});
