import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../posix/clock.ts";
import { runHere } from "../cli/run.ts";
import { tempDir } from "../support/tmp.ts";

const SCHEMAS = { nb: "/usr/share/ovn/ovn-nb.ovsschema", sb: "/usr/share/ovn/ovn-sb.ovsschema" } as const;
const missing = spawnSync("which", ["ovsdb-server"]).status !== 0 || !existsSync(SCHEMAS.nb);
if (missing && process.env.CI !== undefined)
  throw new Error("apt-get install ovn-central ovn-common openvswitch-common");
const because = missing ? " (skipped: apt-get install ovn-central ovn-common openvswitch-common)" : "";

const call = (program: string, ...words: string[]) => execFileSync(program, words, { encoding: "utf8", stdio: "pipe" });

/** Words that start one ovsdb-server over both databases of a folder, with its socket and pid beside it. */
function startWords(folder: string, at: string): string {
  const places = `--pidfile='${at}/pid' --unixctl='${at}/ctl' --remote='punix:${at}/sock' --log-file='${at}/log'`;
  return `ovsdb-server --detach --no-chdir ${places} '${folder}/ovnnb_db.db' '${folder}/ovnsb_db.db' >/dev/null 2>&1`;
}

/** Ends the server whose pid is there, and waits until it has let go of its files. */
function end(at: string): void {
  spawnSync("sh", ["-c", `p=$(cat '${at}/pid') && kill "$p" && while kill -0 "$p"; do sleep 0.05; done 2>/dev/null`]);
}

/** Every row of every table, as ovsdb-client prints them. */
function rows(at: string): string {
  return ["OVN_Northbound", "OVN_Southbound"]
    .map((name) => call("ovsdb-client", "dump", `unix:${at}/sock`, name))
    .join("\n");
}

describe.skipIf(missing)(`OVN's databases on a real ovsdb-server${because}`, () => {
  it("NB and SB, cold, while rows come in before and after: each row of the moment is restored, and no other", async () => {
    const home = tempDir("ovn");
    const data = join(home, "ovn");
    mkdirSync(data);
    for (const [name, schema] of Object.entries(SCHEMAS))
      call("ovsdb-tool", "create", join(data, `ovn${name}_db.db`), schema);
    const alive = `kill -0 "$(cat '${home}/pid' 2>/dev/null)" 2>/dev/null`;
    const stop = `${alive} || exit 0; kill "$(cat '${home}/pid')"`;
    const start = `${alive} || ${startWords(data, home)}`;
    onTestFinished(() => end(home));
    call("sh", "-c", start);
    const nbctl = (...words: string[]) => call("ovn-nbctl", `--db=unix:${home}/sock`, ...words);
    for (let n = 0; n < 50; n += 1) nbctl("ls-add", `before-${n}`, "--", "lsp-add", `before-${n}`, `port-${n}`);
    call("ovn-sbctl", `--db=unix:${home}/sock`, "chassis-add", "host-1", "geneve", "192.0.2.1");

    const config = join(home, "config.yaml");
    const coldkeep = (...words: string[]) => runHere([...words, "--config", config], { clock: systemClock });
    const init = await coldkeep(
      ...["init", "--state-dir", join(home, "state"), "--vault", join(home, "vault"), "--key-file", join(home, "key")],
      ...["--node", "ovn", "--root", `ovn=${data}`, "--stop", stop, "--start", start, "--is-running", alive],
    );
    expect([init.code, init.stderr]).toEqual([
      0,
      expect.stringMatching(/Northbound \(standalone\), Southbound \(standalone\): profile ovn/),
    ]);
    const before = rows(home);
    const backup = await coldkeep("backup", "--json");
    expect([backup.code, backup.stderr]).toEqual([0, ""]);
    const { freeze } = JSON.parse(backup.stdout).figures as {
      freeze: { linked: number; downtimeMs: number; freezeMs: number };
    };
    expect(freeze.linked).toBe(2);
    process.stderr.write(
      `ovsdb-server: down for ${freeze.downtimeMs.toFixed(0)} ms, ${freeze.freezeMs.toFixed(1)} ms of it beyond its own stop and start\n`,
    );
    for (let n = 0; n < 20; n += 1) nbctl("ls-add", `after-${n}`);
    // Compaction puts another file in place of the one that is frozen.
    call("ovs-appctl", "-t", join(home, "ctl"), "ovsdb-server/compact");
    nbctl("ls-del", "before-0");
    expect((await coldkeep("backup")).code).toBe(0);
    const later = rows(home);
    expect(later).not.toBe(before);

    // The server of both databases by the names that ovn-ctl gives; asked, it stays up.
    for (const stem of ["ovnnb_db", "ovnsb_db"])
      for (const kind of ["sock", "ctl"]) symlinkSync(join(home, kind), join(home, `${stem}.${kind}`));
    const cold = readFileSync(config, "utf8");
    writeFileSync(config, cold.replace(/^( +)when_down:/m, `    ovn: { capture: online, run: ${home} }\n$&`));
    const status = await coldkeep("ovn", "status");
    expect([status.code, status.stdout]).toEqual([
      0,
      expect.stringMatching(/Northbound is served by one server, standalone/),
    ]);
    expect((await coldkeep("ovn", "recover", "--dry-run")).code).toBe(12);
    const pid = readFileSync(join(home, "pid"), "utf8");
    expect((await coldkeep("backup", "--dry-run")).stderr).toMatch(/foretells a stop, and there is none/);
    const online = await coldkeep("backup", "--json");
    expect([online.code, online.stderr]).toEqual([0, ""]);
    expect(JSON.parse(online.stdout)).toMatchObject({ heights: null, tags: ["online"] });
    expect(readFileSync(join(home, "pid"), "utf8")).toBe(pid);
    writeFileSync(config, cold);

    const listed = JSON.parse((await coldkeep("list", "--json")).stdout) as { snapshots: { snapshot: string }[] };
    const [asked, newest, first] = listed.snapshots;
    for (const [snapshot, expected] of [
      [first?.snapshot, before],
      [newest?.snapshot, later],
      [asked?.snapshot, later],
    ] as const) {
      const to = join(home, `restored-${snapshot}`);
      expect((await coldkeep("restore", snapshot ?? "", "--to", to)).code).toBe(0);
      const at = tempDir("ovsdb");
      onTestFinished(() => end(at));
      call("sh", "-c", startWords(join(to, "ovn"), at));
      expect(rows(at)).toBe(expected);
    }
  });
});
