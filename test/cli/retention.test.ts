import { readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../posix/clock.ts";
import { sharedTempDir, tempDir } from "../support/tmp.ts";
import { copyOf, type Host, makeHost } from "./host.ts";

const DAY = 86_400_000;
const NOW = systemClock.now();
const AGES = [20, 12, 9, 3, 0];

const home = sharedTempDir("coldkeep-retention");
let old: Host;
/** Oldest first, as AGES. */
const ids: string[] = [];

/** Receipts in a directory vault are the files' times: this is what it looks like after `days` more. */
function letPass(host: Host, days: number, only = ""): void {
  for (const name of readdirSync(host.vault, { recursive: true, encoding: "utf8" })) {
    if (!name.includes(only) || name.includes(".coldkeep")) continue;
    const path = join(host.vault, name);
    const { mtimeMs } = statSync(path);
    const time = (only === "" ? mtimeMs : NOW) - days * DAY;
    utimesSync(path, time / 1000, time / 1000);
  }
}

beforeAll(async () => {
  old = await makeHost(home);
  for (const age of AGES) {
    writeFileSync(join(old.data, `file-${age}`), `${age}`.repeat(50_000));
    const clock = { ...systemClock, now: () => systemClock.now() - age * DAY };
    const { code, stdout, stderr } = await old.run(["backup", "--json"], { clock });
    if (code !== 0) throw new Error(stderr);
    const { snapshot, vaults } = JSON.parse(stdout) as { snapshot: string; vaults: object[] };
    expect(vaults[0], "nothing expires by itself where no tiers are written").not.toHaveProperty("retained");
    ids.push(snapshot);
    letPass(old, age, snapshot);
    // Grown only: what a snapshot is the last to use is to be seen.
    rmSync(join(old.data, `file-${age}`));
  }
  await old.json("rebuild");
});

const fresh = () => copyOf(old, tempDir("coldkeep-retention"));

interface Listing {
  readonly snapshots: readonly { snapshot: string; state: string; pinned?: true; tags: string[]; due?: number }[];
}

interface Forgotten {
  readonly expired: readonly string[];
  readonly rescued: readonly string[];
  readonly decisions: readonly { snapshot: string; reasons: readonly string[]; action: string }[];
  readonly freed?: { bytes: number; objects: number };
}

const states = async (host: Host) =>
  (await host.json<Listing>("list")).snapshots.map(({ snapshot, state }) => [ids.indexOf(snapshot), state]);

it("forget, and gc after the grace: the week stays, the rest goes, and what stays restores", async () => {
  const host = fresh();
  const dry = await host.json<Forgotten>("forget", "--dry-run");
  expect(dry.decisions.map(({ snapshot, action }) => [ids.indexOf(snapshot), action])).toEqual([
    [4, "none"],
    [3, "none"],
    [2, "expire"],
    [1, "expire"],
    [0, "expire"],
  ]);
  expect(dry.freed?.bytes).toBeGreaterThan(0);
  const plan = await host.run(["forget", "--dry-run"]);
  expect(plan.stdout).toContain("newest good, within 7d, younger than 7d");
  expect(plan.stdout).toContain("2 snapshots kept, 3 to expire, 0 expired already.");
  expect(await states(host)).toEqual([4, 3, 2, 1, 0].map((at) => [at, "good"]));

  const done = await host.json<Forgotten>("forget", "--apply");
  expect(done.expired).toHaveLength(3);
  expect((await host.json<{ dead: unknown[] }>("gc", "--apply")).dead).toEqual([]);
  const list = await host.run(["list"]);
  expect(list.stdout).toMatch(/expired, deleted in (7d 0h|6d 23h)/);

  letPass(host, 6.9);
  await host.json("rebuild");
  expect((await host.json<{ dead: unknown[] }>("gc", "--apply")).dead).toEqual([]);
  letPass(host, 0.2);
  await host.json("rebuild");
  const before = await host.json<{ dead: unknown[]; bytes: number }>("gc", "--dry-run", "--despite", "clock");
  const gone = await host.json<{ collected: string[]; bytes: number }>("gc", "--apply", "--despite", "clock");
  expect(gone.collected).toHaveLength(3);
  expect(Math.abs(gone.bytes - before.bytes)).toBeLessThan(1000);
  expect(await states(host)).toEqual([
    [4, "good"],
    [3, "good"],
  ]);
  const verified = await host.json<{ ok: boolean }>("verify", "--all", "--read-data");
  expect(verified.ok).toBe(true);
  for (const at of [3, 4]) {
    const into = join(host.home, `restored-${at}`);
    await host.json("restore", ids[at] ?? "", "--to", into);
    expect(readFileSync(join(into, `data/file-${AGES[at]}`), "utf8")).toBe(`${AGES[at]}`.repeat(50_000));
  }
});

it("pin, unpin and tag: what is said of a snapshot holds, is shown, and can be taken back", async () => {
  const host = fresh();
  const [id = ""] = ids;
  await host.json("pin", id, "--reason", "for the auditors");
  expect((await host.run(["show", id])).stdout).toContain("good, pinned; for the auditors");
  await host.json("tag", ids[1] ?? "", "--add", "release", "--add", "q4");
  await host.json("tag", ids[1] ?? "", "--remove", "q4");
  expect((await host.json<Listing>("list")).snapshots[3]).toMatchObject({ tags: ["release"] });
  host.change(/^version: 1$/m, "version: 1\ntiers:\n  keep_within: 7d\n  keep_tags: [release]");
  const { decisions } = await host.json<Forgotten>("forget", "--dry-run");
  expect(decisions.map(({ reasons }) => reasons[0])).toEqual([
    "newest good",
    "within 7d",
    undefined,
    "tag release",
    "pinned",
  ]);
  expect((await host.json<{ changed: boolean }>("pin", id)).changed).toBe(false);
  await host.json("unpin", id);
  expect((await host.json<Forgotten>("forget", "--dry-run")).decisions[4]).toMatchObject({ action: "expire" });
  expect((await host.failure("pin", "20200101T000000Z-0000000000000000")).kind).toBe("not-found");
  expect((await host.failure("tag", id)).kind).toBe("usage");
  expect((await host.failure("tag", id, "--add", "a b")).kind).toBe("usage");
});

it("a restore keeps what it needs from being deleted, where it may write; else it says how long there is", async () => {
  const host = fresh();
  const id = ids[2] ?? "";
  const restore = async (to: string, ...words: string[]) => {
    const { code, stderr } = await host.run(["restore", id, "--to", join(host.home, to), ...words]);
    return [code, stderr] as const;
  };
  const pins = () =>
    readdirSync(host.vault, { recursive: true, encoding: "utf8" }).filter((name) => /pins\/.+\//.test(name));
  expect((await restore("early"))[1]).not.toContain("expired");
  expect(pins()).toEqual([expect.stringMatching(new RegExp(`/pins/${id}/[0-9a-f]{16}\\.json$`))]);

  await host.json("forget", "--apply");
  letPass(host, 6);
  expect((await restore("looked", "--dry-run"))[1]).toContain("is expired: finish within its grace, which ends ");
  expect(pins()).toHaveLength(1);
  expect(await restore("late")).toEqual([
    0,
    expect.stringContaining("is expired: a pin keeps it for this restore until "),
  ]);
  letPass(host, 3);
  await host.json("rebuild");
  expect(await host.json("gc", "--apply", "--despite", "clock")).toMatchObject({
    collected: [ids[0], ids[1]],
    postponed: [id],
  });
  expect((await restore("held"))[1]).toContain("is expired: a pin keeps it");

  // A vault that this version may only read takes no pin, and is restored from all the same.
  const before = pins();
  const path = join(host.vault, "vault.json");
  const mine = readFileSync(path, "utf8");
  writeFileSync(path, mine.replace(/"min_agent":"[^"]*"/, '"min_agent":"99.0.0"'));
  expect(await restore("read-only")).toEqual([0, expect.stringContaining("finish within its grace")]);
  expect(pins()).toEqual(before);
  writeFileSync(path, mine);
  letPass(host, 8);
  await host.json("rebuild");
  expect(await host.json("gc", "--apply", "--despite", "clock")).toMatchObject({ collected: [id] });
});

it("a pin that comes when a snapshot is being deleted is refused", async () => {
  const host = fresh();
  await host.json("forget", "--apply");
  const fate = { format: 1, fate: "collect", node: "demo", round: 1, snapshot: ids[0], vault: await vaultOf(host) };
  const members = Object.entries(fate).sort(([a], [b]) => (a < b ? -1 : 1));
  writeFileSync(join(host.vault, `demo/snapshots/${ids[0]}.fate.1.json`), JSON.stringify(Object.fromEntries(members)));
  const error = await host.failure("pin", ids[0] ?? "");
  expect(error).toMatchObject({ kind: "refused", message: expect.stringContaining("too late") });
  expect((await host.run(["restore", ids[0] ?? "", "--to", join(host.home, "copy")])).stderr).toContain(
    "is being deleted",
  );
});

const vaultOf = async (host: Host) =>
  (JSON.parse(readFileSync(join(host.vault, "demo/node.json"), "utf8")) as { vault: string }).vault;

it("a backup lets written tiers rule by itself, and says what it held back", async () => {
  const host = fresh();
  host.change(/^version: 1$/m, "version: 1\ntiers: { keep_within: 10d }");
  expect(await host.json("backup")).toMatchObject({ vaults: [{ retained: { expired: 2, deleted: 0 } }] });
  host.change("keep_within: 10d", "keep_last: 1, floor: 0d");
  const { code, stderr } = await host.run(["backup"]);
  expect([code, stderr]).toEqual([0, expect.stringContaining("nothing expires (share)")]);
});

it("brakes hold back what looks like a mistake, until it is said to be meant", async () => {
  const host = fresh();
  host.change(/^version: 1$/m, "version: 1\ntiers: { keep_last: 1, floor: 0d }");
  const plan = await host.run(["forget", "--dry-run"]);
  expect(plan.code).toBe(0);
  expect(plan.stdout).toContain("HELD BACK (share): it would leave 1 good snapshots of 3 that there were 7d ago");
  const held = await host.run(["forget", "--apply"]);
  expect(held.code).toBe(12);
  expect(held.stderr).toContain("coldkeep forget --apply --despite share");
  expect(await states(host)).toEqual([4, 3, 2, 1, 0].map((at) => [at, "good"]));
  const done = await host.json<Forgotten>("forget", "--apply", "--despite", "share");
  expect(done.expired).toHaveLength(4);
});

it("node before vault before file: the closest tiers hold", async () => {
  const host = fresh();
  const kept = async () => (await host.json<Forgotten>("forget", "--dry-run")).decisions.at(-1)?.reasons;
  host.change(/^version: 1$/m, "version: 1\ntiers: { keep_last: 17 }");
  expect(await kept()).toEqual(["last"]);
  host.change(/^vault: (.*)$/m, "vault: { url: $1, tiers: { keep_yearly: 3 } }");
  expect(await kept()).toEqual(["oldest yearly"]);
  host.change("    profile: files", "    profile: files\n    tiers: { keep_within: 1m, timezone: Asia/Seoul }");
  expect(await kept()).toEqual(["within 1m"]);
});

describe("bad input", () => {
  it.each([
    ["tiers: {}", "tiers: nothing would be kept but the newest snapshot"],
    ["tiers: { timezone: UTC }", "tiers: nothing would be kept but the newest snapshot"],
    ["tiers: { keep_last: 0 }", "tiers.keep_last: found 0; allowed: a whole number from 1, or unlimited"],
    ["tiers: { keep_within: 90s }", 'tiers.keep_within: found "90s"; allowed: a length of time such as 15d'],
    ["tiers: { keep_within: 3d }", "tiers: keep_within: 3d is shorter than floor: 7d"],
    [
      "tiers: { keep_within: 1m, keep_within_daily: 14d }",
      "tiers: keep_within: 1m keeps all that keep_within_daily: 14d could",
    ],
    ["tiers: { keep_last: unlimited, keep_daily: 3 }", "tiers: keep_last: unlimited keeps everything already"],
    ["tiers: { keep_last: 3, grace: 1d }", "tiers: grace: 1d is too short, at least 5d are needed"],
    ["tiers: { keep_last: 3, timezone: Mars }", 'tiers.timezone: found "Mars"; allowed: a time zone by its IANA name'],
    ["tiers: { permanent: 0 }", "tiers.permanent: found 0; allowed: a time of day in quotes"],
    ["tiers: { keep_dayly: 3 }", "tiers.keep_dayly: unknown key; did you mean keep_daily?"],
  ])("%s is told with its place", async (written, words) => {
    const host = fresh();
    host.change(/^version: 1$/m, `version: 1\n${written}`);
    const { code, stderr } = await host.run(["config", "check"]);
    expect(code).toBe(3);
    expect(stderr).toContain(`config.yaml:`);
    expect(stderr).toContain(words);
  });

  it("forget and gc want one of --dry-run and --apply", async () => {
    const host = fresh();
    for (const words of [["forget"], ["gc"], ["forget", "--dry-run", "--apply"]]) {
      const failure = await host.failure(...words);
      expect([failure.kind, failure.exit_code]).toEqual(["usage", 2]);
      expect(failure.todo).toContain("--dry-run shows the plan");
    }
  });

  it("a card of a newer coldkeep stops both, and says so", async () => {
    const host = fresh();
    const card = join(host.vault, `demo/snapshots/${ids[4]}.card.json`);
    writeFileSync(card, readFileSync(card, "utf8").replace('"format":1', '"format":2'));
    await host.json("forget", "--apply");
    const failure = await host.failure("gc", "--apply", "--despite", "clock");
    expect(failure).toMatchObject({ kind: "refused", on: expect.stringContaining(ids[4] ?? "") });
    expect(failure.message).toContain("format 2");
  });
});

describe("forget <id>", () => {
  const writeTiers = (host: Host, tiers: string) => host.change(/^version: 1$/m, `version: 1\ntiers: { ${tiers} }`);
  const due = (host: Host, ...words: string[]) => host.json<Forgotten>("forget", ...words);

  it("lets single snapshots expire that the tiers keep; they stay so until they are pinned, and gc takes them after the grace", async () => {
    const host = fresh();
    writeTiers(host, "keep_last: 10, floor: 1d");
    const id = ids[1] ?? "";
    const dry = await due(host, id, "--dry-run");
    expect(dry.decisions.map(({ snapshot, action, reasons }) => [snapshot, action, reasons])).toEqual([
      [id, "expire", []],
    ]);
    expect(await states(host)).toEqual([4, 3, 2, 1, 0].map((at) => [at, "good"]));
    expect((await due(host, id.slice(0, 20), "--apply")).expired).toEqual([id]);
    const told = [4, 3, 2, 1, 0].map((at) => [at, at === 1 ? "expired" : "good"]);
    expect(await states(host)).toEqual(told);
    // The tiers would keep it: it is not brought back, however often they are asked, and a tag changes nothing in that.
    await host.json("tag", id, "--add", "old");
    expect(await due(host, "--apply")).toMatchObject({ expired: [], rescued: [] });
    expect(await states(host)).toEqual(told);
    expect((await due(host, id, "--apply")).expired).toEqual([]);

    await host.json("pin", id);
    expect((await due(host, "--apply")).rescued).toEqual([id]);
    await host.json("unpin", id);
    expect(await due(host, "--apply")).toMatchObject({ expired: [], rescued: [] });

    expect((await due(host, id, "--apply")).expired).toEqual([id]);
    letPass(host, 8);
    await host.json("gc", "--apply", "--despite", "clock");
    expect(await states(host)).toEqual([4, 3, 2, 0].map((at) => [at, "good"]));
  });

  it("refuses the newest good one, a pinned one, a young one, what permanent keeps without --force, what is not there: and changes nothing", async () => {
    const host = fresh();
    writeTiers(host, "keep_last: 10, floor: 4d, permanent: '00:00'");
    const refused = async (words: string[], why: RegExp, code = 12) => {
      const { code: got, stderr } = await host.run(["forget", ...words, "--apply"]);
      expect([words, got, stderr]).toEqual([words, code, expect.stringMatching(why)]);
    };
    await refused(["latest"], /it is newest good/);
    await refused([ids[3] ?? ""], /younger than 4d/);
    await refused([ids[1] ?? ""], /it is permanent[\s\S]*--force/);
    await host.json("pin", ids[0] ?? "");
    await refused([ids[0] ?? "", "--force"], /it is pinned[\s\S]*unpin/);
    // One that may not go holds back those that may.
    await refused([ids[1] ?? "", "latest", "--force"], /newest good/);
    await refused(["20010101T000000Z"], /no such snapshot|no snapshot/, 11);
    await refused(["--force"], /for snapshots that are named/, 2);
    expect(await states(host)).toEqual([4, 3, 2, 1, 0].map((at) => [at, "good"]));
    expect((await due(host, ids[1] ?? "", "--force", "--apply")).expired).toEqual([ids[1]]);
    expect(await due(host, "--apply")).toMatchObject({ expired: [], rescued: [] });
  });

  it("a brake holds: most of the vault at once looks like a mistake", async () => {
    const host = fresh();
    writeTiers(host, "keep_last: 10, floor: 1d");
    letPass(host, 8);
    const all = ids.slice(0, 4);
    const { code, stderr } = await host.run(["forget", ...all, "--apply", "--despite", "clock"]);
    expect([code, stderr]).toEqual([12, expect.stringMatching(/share: it would leave 1 good snapshots of/)]);
    expect(await states(host)).toEqual([4, 3, 2, 1, 0].map((at) => [at, "good"]));
    const words = [...all, "--apply", "--despite", "clock", "--despite", "share"];
    expect((await due(host, ...words)).expired).toHaveLength(4);
  });
});
