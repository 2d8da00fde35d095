import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Io } from "../../agent/commands/io.ts";
import { systemClock } from "../../posix/clock.ts";
import { runHere } from "../cli/run.ts";
import { call, flipByte, loseRecord, obstacleToOvn, type Raft, type RaftHost, startRaft } from "./support/ovn-raft.ts";

const obstacle = obstacleToOvn();
const because = obstacle === null ? "" : ` (skipped: ${obstacle})`;

/** coldkeep on a host that reaches all three. */
async function keeperOf({ home, hosts }: Raft, extra = "") {
  const config = join(home, "config.yaml");
  const [first] = hosts as [RaftHost];
  const coldkeep = (words: readonly string[], change: Partial<Io> = {}) =>
    runHere([...words, "--config", config], { clock: systemClock, ...change });
  const init = await coldkeep([
    ...["init", "--state-dir", join(home, "state"), "--vault", join(home, "vault"), "--key-file", join(home, "key")],
    ...["--node", "ovn", "--profile", "ovn", "--root", `ovn=${first.data}`],
    ...["--stop", first.stop, "--start", first.start, "--is-running", `test -e ${first.run}/ovnnb_db.pid`],
  ]);
  expect([init.code, init.stderr]).toEqual([0, ""]);
  const members = hosts.map(({ name, data, run, log, stop, start }) => ({ name, data, run, log, stop, start }));
  // JSON is YAML, too.
  const section = `    ovn: { members: ${JSON.stringify(members)}${extra}, run: ${first.run} }\n`;
  writeFileSync(config, readFileSync(config, "utf8").replace(/^( +)when_down:/m, `${section}$&`));
  const json = async <T>(...words: string[]) => {
    const ran = await coldkeep([...words, "--json"]);
    return { code: ran.code, stderr: ran.stderr, document: ran.stdout === "" ? null : (JSON.parse(ran.stdout) as T) };
  };
  return { config, coldkeep, json };
}

type Status = {
  databases: { quorum: string; leader: string | null; ailing: { member: string; why: string }[]; members: unknown[] }[];
};

describe.skipIf(obstacle !== null)(`OVN's databases as a raft of three real ovsdb-servers each${because}`, () => {
  it("one member with a record lost: status names it by its log, kick takes it out and it joins anew with every row", async () => {
    const raft = await startRaft();
    raft.fill("a", 30);
    const before = raft.rows();
    const { coldkeep, json } = await keeperOf(raft);
    const [first, second, third] = raft.hosts as [RaftHost, RaftHost, RaftHost];
    const well = await json<Status>("ovn", "status");
    expect([well.code, well.stderr]).toEqual([0, ""]);
    expect(well.document?.databases).toMatchObject([
      { quorum: "alive", ailing: [] },
      { quorum: "alive", ailing: [] },
    ]);

    call("sh", "-c", third.stop);
    loseRecord(third.file("nb"));
    expect(() => call("sh", "-c", third.start)).toThrow();
    const status = await json<Status>("ovn", "status");
    expect(status.code).toBe(9);
    const [ailing] = status.document?.databases.flatMap((each) => each.ailing) ?? [];
    expect(ailing).toMatchObject({
      member: third.name,
      why: expect.stringMatching(/error reading record \d+ from OVN_Northbound log: .* advances commit index/),
    });
    expect(status.stderr).toMatch(/coldkeep ovn kick nb 127\.0\.0\.3/);

    // What cannot be well is refused: nobody to ask, a host that is none, a majority that lives.
    expect(await coldkeep(["ovn", "kick", "nb", third.name])).toMatchObject({ code: 2 });
    expect(await coldkeep(["ovn", "kick", "nb", "10.9.9.9", "--yes"])).toMatchObject({ code: 11 });
    expect(await coldkeep(["ovn", "recover", "--db", "nb", "--yes"])).toMatchObject({
      code: 12,
      stderr: expect.stringMatching(/OVN_Northbound has a leader/),
    });
    const dry = await coldkeep(["ovn", "kick", "nb", third.name, "--dry-run"]);
    expect(dry.stdout).toMatch(
      /error reading record[\s\S]*1\. kick[\s\S]*2\. move away[\s\S]*3\. restart[\s\S]*4\. join/,
    );

    // Declined after the kick: what is left is done by the next run.
    const declined = await coldkeep(["ovn", "kick", "nb", third.name], {
      ask: async (question) => (question.startsWith("step 1") ? "y" : "n"),
    });
    expect(declined.stdout).toMatch(/Stopped before "move away"/);
    const kicked = await json<{ did: string[]; member: string }>("ovn", "kick", "nb", third.name, "--yes");
    expect([kicked.code, kicked.stderr]).toEqual([0, ""]);
    expect(kicked.document).toMatchObject({ did: ["move away", "restart", "join"], member: third.name });
    expect((await json<Status>("ovn", "status")).code).toBe(0);
    for (const host of [first, second, third]) expect(raft.rows(host)).toBe(before);
    raft.fill("b", 1);

    // Of two that are left one more may not go.
    second.kill();
    third.kill();
    expect(await coldkeep(["ovn", "kick", "nb", second.name, "--yes"])).toMatchObject({ code: 12 });
  });

  it("the majority lost and the first host's file damaged: recover goes on where it was cut off, serves every row, and is undone", async () => {
    const raft = await startRaft();
    raft.fill("a", 30);
    raft.fill("last", 1);
    const before = raft.rows();
    const { coldkeep, json } = await keeperOf(raft);
    const [first, second, third] = raft.hosts as [RaftHost, RaftHost, RaftHost];
    const kept = join(raft.home, "sb.backup");
    call("sh", "-c", `ovsdb-client --no-leader-only backup unix:${third.run}/ovnsb_db.sock OVN_Southbound > ${kept}`);
    first.kill();
    second.kill();
    flipByte(first.file("nb"), "last-0");
    const files = raft.hosts.flatMap(({ file }) => [file("nb"), file("sb")]);
    // A server believes in a leader for as long as its election timer runs.
    const quorums = async () => {
      const { code, document } = await json<Status>("ovn", "status");
      return [code, ...(document?.databases ?? []).map(({ quorum }) => quorum)];
    };
    await expect.poll(quorums, { timeout: 30_000 }).toEqual([7, "lost", "lost"]);
    call("sh", "-c", third.stop);
    const held = files.map((path) => readFileSync(path));

    const dry = await coldkeep(["ovn", "recover", "--dry-run"]);
    expect(dry.code).toBe(0);
    expect(dry.stdout).toMatch(
      /cluster-to-standalone ovnnb_db\.db of 127\.0\.0\.[23] \(whole up to term \d+, index \d+; 127\.0\.0\.1: damaged/,
    );
    expect(dry.stdout).toMatch(/put the standalone ovnnb_db\.db in place on 127\.0\.0\.1/);
    expect(await coldkeep(["ovn", "recover"])).toMatchObject({ code: 2, stderr: expect.stringMatching(/confirmed/) });

    // Declined before the third step, then cut off while the fourth is asked for, then to its end.
    const asked: string[] = [];
    for (const bad of [third.file("sb"), third.file("nb"), join(raft.home, "config.yaml")])
      expect(await coldkeep(["ovn", "recover", "--sb-file", bad, "--dry-run"])).toMatchObject({ code: 12 });
    const declined = await coldkeep(["ovn", "recover", "--sb-file", kept], {
      ask: async (question) => {
        asked.push(question);
        return asked.length < 3 ? "y" : "n";
      },
    });
    expect([declined.code, asked.length]).toEqual([0, 3]);
    expect(files.map((path) => readFileSync(path))).toEqual(held);
    const cut = new AbortController();
    const cutOff = await coldkeep(["ovn", "recover"], {
      signal: cut.signal,
      ask: async (question) => {
        if (question.startsWith("step 4")) cut.abort();
        return "y";
      },
    });
    expect(cutOff.code).not.toBe(0);
    const done = await json<{ did: string[]; notes: string[] }>("ovn", "recover", "--yes");
    expect([done.code, done.document?.did]).toEqual([0, ["place", "start", "check"]]);
    expect(done.document?.notes).toEqual([
      expect.stringMatching(/^OVN_Northbound: (\d+) of \1 recovered rows are served$/),
      expect.stringMatching(/^OVN_Southbound: (\d+) of \1 recovered rows are served$/),
    ]);
    for (const host of raft.hosts) expect(raft.rows(host)).toBe(before);
    expect((await json<Status>("ovn", "status")).code).toBe(0);
    raft.fill("after", 1);

    const undone = await json<{ state: string }>("ovn", "recover", "--undo", "--yes");
    expect([undone.code, undone.document?.state]).toEqual([0, "undone"]);
    // With all three up again their own files are enough, and what came after the recovery is not in them.
    await expect.poll(() => json<Status>("ovn", "status").then(({ code }) => code), { timeout: 30_000 }).toBe(0);
    expect(raft.rows(third)).toBe(before);
    expect((await json("ovn", "recover", "--undo", "--yes")).code).toBe(11);
  });

  it("online: all servers stay up, a member's cold file is placed only as what was said, an operator's backup is imported; every row each time", async () => {
    const raft = await startRaft();
    raft.fill("a", 30);
    const before = raft.rows();
    const { config, coldkeep, json } = await keeperOf(raft, ", capture: online");
    const [first, , third] = raft.hosts as [RaftHost, RaftHost, RaftHost];
    const pids = () => raft.hosts.map(({ run }) => readFileSync(join(run, "ovnnb_db.pid"), "utf8"));
    const running = pids();

    type Backup = {
      snapshot: string;
      heights: { nb: number; sb: number };
      tags: string[];
      figures: { freeze: object };
    };
    const online = await json<Backup>("backup");
    expect([online.code, online.stderr]).toEqual([0, ""]);
    expect(online.document).toMatchObject({ tags: ["online"], figures: { freeze: { downtimeMs: null } } });
    const { nb, sb } = online.document?.heights ?? { nb: 0, sb: 0 };
    const term = JSON.parse(JSON.stringify((await json<Status>("ovn", "status")).document)) as {
      databases: { members: { serving: { index: number } }[] }[];
    };
    expect([nb, sb]).toEqual(
      term.databases.map(({ members }) => Math.max(...members.map(({ serving }) => serving.index))),
    );
    expect(pids()).toEqual(running);
    const to = join(raft.home, "online");
    expect((await coldkeep(["restore", online.document?.snapshot ?? "", "--to", to])).code).toBe(0);
    expect(standalone(raft.home, join(to, "ovn"))).toBe(before);
    expect(readdirSync(join(raft.home, "state/ovn")).filter((name) => name.startsWith("online-"))).toEqual([]);

    // The same host's files, cold: those of a raft member.
    raft.fill("b", 1);
    const later = raft.rows();
    writeFileSync(config, readFileSync(config, "utf8").replace("capture: online", "capture: cold"));
    const cold = await json<Backup>("backup");
    expect([cold.code, cold.stderr]).toEqual([0, ""]);
    expect(cold.document?.heights.nb).toBeGreaterThan(nb);
    call("sh", "-c", first.stop);
    expect(await coldkeep(["restore"])).toMatchObject({
      code: 12,
      stderr: expect.stringMatching(/is a member of a raft cluster[\s\S]*--raft standalone/),
    });
    expect((await coldkeep(["restore", "--raft", "member"])).code).toBe(0);
    await expect.poll(() => json<Status>("ovn", "status").then(({ code }) => code), { timeout: 30_000 }).toBe(0);
    expect(raft.rows(first)).toBe(later);
    const alone = join(raft.home, "alone");
    const converted = await coldkeep(["restore", "--raft", "standalone", "--to", alone]);
    expect(converted.code, converted.stderr).toBe(0);
    expect(standalone(raft.home, join(alone, "ovn"))).toBe(later);

    // As `kubectl ko nb backup` writes it.
    const theirs = join(raft.home, "ovnnb_db.060223191654183154.backup");
    call("sh", "-c", third.stop);
    call("ovsdb-tool", "cluster-to-standalone", theirs, third.file("nb"));
    type Imported = { imported: { snapshot: string | null }[] };
    const imported = await json<Imported>("import", "ovn", theirs);
    expect([imported.code, imported.stderr]).toEqual([0, ""]);
    expect((await json<Imported>("import", "ovn", theirs)).document?.imported).toMatchObject([{ snapshot: null }]);
    const back = join(raft.home, "imported");
    expect((await coldkeep(["restore", imported.document?.imported[0]?.snapshot ?? "", "--to", back])).code).toBe(0);
    expect(readFileSync(join(back, "ovn/ovnnb_db.db"))).toEqual(readFileSync(theirs));
    flipByte(theirs, "b-0");
    expect(await coldkeep(["import", "ovn", theirs])).toMatchObject({
      code: 9,
      stderr: expect.stringMatching(/record \d+: its digest is another/),
    });
    expect(await coldkeep(["import", "ovn", config])).toMatchObject({ code: 12 });
  });
});

/** Every row of the two databases in a folder, as one server of its own serves them. */
function standalone(home: string, data: string): string {
  const at = join(home, "alone.sock");
  const files = `${data}/ovnnb_db.db ${data}/ovnsb_db.db`;
  const words = `--remote=punix:${at} --unixctl=${at}.ctl --pidfile=${at}.pid -vconsole:off`;
  call("sh", "-c", `ovsdb-server --detach --no-chdir ${words} ${files} >/dev/null 2>&1`);
  try {
    return ["OVN_Northbound", "OVN_Southbound"]
      .map((name) => call("ovsdb-client", "dump", `unix:${at}`, name))
      .join("\n");
  } finally {
    call("sh", "-c", `p=$(cat ${at}.pid); kill $p; while kill -0 $p 2>/dev/null; do sleep 0.02; done`);
  }
}
