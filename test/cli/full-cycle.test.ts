import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { compareWithChain } from "../../demo/compare.ts";
import { systemClock } from "../../posix/clock.ts";
import { sharedTempDir } from "../support/tmp.ts";
import { makeWorld, type World } from "../systems/support/world.ts";
import { runHere } from "./run.ts";

/**
 * The real program, in processes of its own, on a node that really writes to LevelDB: what ends processes, and what
 * several do at once. What only looks is run in this process, for speed. The world is shared; each test sees to it that
 * the node runs at its end.
 */
const home = sharedTempDir("coldkeep-world");
// What times out would go on in the world of the tests after it.
vi.setConfig({ testTimeout: 240_000 });
let world: World;

beforeAll(async () => {
  world = await makeWorld({ blocks: 1000, home, atEnd: afterAll });
});

/** Runs a command that only looks, in this process. @throws Error where it does not end with 0. */
async function look<T>(...words: string[]): Promise<T> {
  const config = join(world.home, "config.yaml");
  const { code, stdout, stderr } = await runHere([...words, "--json", "--config", config], { clock: systemClock });
  if (code !== 0) throw new Error(`coldkeep ${words.join(" ")} ended with ${code}: ${stderr}${stdout}`);
  return JSON.parse(stdout) as T;
}

/** The snapshots that are listed, newest first. */
async function listed(): Promise<string[]> {
  return (await look<Listing>("list")).snapshots.map(({ snapshot }) => snapshot);
}

const running = () => world.node.reach(1, new AbortController().signal);

interface Backup {
  readonly snapshot: string;
  readonly parent: string | null;
  readonly listed: boolean;
  readonly figures: {
    readonly read: number;
    readonly reused: number;
    readonly freeze: { readonly downtimeMs: number };
  };
}

interface Listing {
  readonly snapshots: readonly {
    readonly snapshot: string;
    readonly state: string;
    readonly tags: readonly string[];
  }[];
}

it("the whole job: init, backup, backup, list, show, verify, doctor, rebuild, restore", async () => {
  const first = await world.json<Backup>("backup", "--tag", "first");
  expect(first.parent).toBeNull();
  expect(first.figures.freeze.downtimeMs).toBeGreaterThan(0);
  await world.node.reach((await world.node.height()) + 20, new AbortController().signal);
  const second = await world.json<Backup>("backup");
  expect(second).toMatchObject({ parent: first.snapshot, listed: true });
  expect(second.figures.reused).toBeGreaterThan(0);

  const { snapshots } = await look<Listing>("list");
  expect(snapshots.map(({ snapshot, state, tags }) => [snapshot, state, tags])).toEqual([
    [second.snapshot, "good", []],
    [first.snapshot, "good", ["first"]],
  ]);
  const text = await world.run("list");
  expect(text.stdout).toMatch(/^SNAPSHOT +TIME +STATE +HEIGHT/);
  expect(text.stdout.trim().split("\n")).toHaveLength(3);

  const shown = await look<{ card: { core: { parent: string } } }>("show", "latest");
  expect(shown.card.core.parent).toBe(first.snapshot);
  const verified = await look<{ ok: boolean; snapshots: unknown[] }>("verify", "--all", "--read-data");
  expect(verified).toMatchObject({ ok: true, snapshots: [{ ok: true }, { ok: true }] });
  const checked = await look<{ checks: { name: string; status: string; found: string }[] }>("doctor");
  expect(checked.checks.find(({ name }) => name === "key proven")).toMatchObject({
    status: "ok",
    found: `it opens ${second.snapshot}`,
  });
  expect(await look("rebuild")).toMatchObject({ changed: false, snapshots: 2 });

  const to = join(world.home, "copy");
  const planned = await look<{ roots: { replaces: string }[] }>("restore", "--dry-run", "--to", to);
  expect(planned.roots.map(({ replaces }) => replaces)).toEqual(["nothing"]);
  expect(existsSync(to)).toBe(false);
  const { blocks, recorded } = await world.restoreAndCompare("copy");
  expect(blocks).toBeGreaterThanOrEqual(recorded);

  const state = readdirSync(join(world.home, "state", "demo"));
  expect(state.filter((name) => /lock|tmp|journal/.test(name))).toEqual([]);
  expect(readFileSync(join(world.home, "config.yaml"), "utf8")).toContain("encrypt_key");
});

describe("two backups of one node at once", () => {
  it("one is made, the other is told that it is not alone", async () => {
    const before = await listed();
    const runs = await Promise.all([world.run("backup", "--json"), world.run("backup", "--json")]);
    expect(runs.map(({ status }) => status).sort()).toEqual([0, 10]);
    const loser = runs.find(({ status }) => status === 10);
    expect(JSON.parse(loser?.stderr ?? "")).toMatchObject({ error: { kind: "busy", exit_code: 10 } });
    expect((await listed()).slice(1)).toEqual(before);
  });
});

describe("a signal in the middle of a backup", () => {
  it.each(["stop", "store"])(
    "in stage %s brings the node back, ends with 130 and leaves nothing visible",
    async (stage) => {
      const before = await listed();
      const { child, ended } = world.begin("backup", "--log-format", "json");
      let said = "";
      child.stderr?.on("data", (text: string) => {
        said += text;
        if (!child.killed && said.includes(`"message":"${stage}"`)) child.kill("SIGTERM");
      });
      const { status, stderr } = await ended;
      expect(stderr).toContain("SIGTERM: stopping");
      expect(status, stderr).toBe(130);
      await running();
      expect(await listed()).toEqual(before);
    },
  );
});

describe("a backup that is killed while the node is down", () => {
  it("is undone by the next run of coldkeep, the node first, and doctor says so meanwhile", async () => {
    const before = await listed();
    const { child, ended } = world.begin("backup", "--log-format", "json");
    let said = "";
    child.stderr?.on("data", (text: string) => {
      said += text;
      if (!child.killed && said.includes('"message":"freeze"')) child.kill("SIGKILL");
    });
    expect(await ended).toMatchObject({ signal: "SIGKILL" });
    const { checks } = await look<{ checks: { name: string; found: string }[] }>("doctor");
    expect(checks.find(({ name }) => name === "left behind")?.found).toContain("a backup was cut off");
    const next = await world.json<Backup & { warnings: string[] }>("backup");
    expect(next.warnings.join()).toContain("an earlier run was cut off");
    await running();
    expect(await listed()).toEqual([next.snapshot, ...before]);
    expect(existsSync(join(world.home, "state", "demo", "freeze.journal"))).toBe(false);
  });
});

describe("a node that does not answer", () => {
  it("is restarted, no backup is made, and the exit code is its own", async () => {
    const before = await listed();
    await world.node.stop();
    const { status, stderr } = await world.run("backup");
    expect(status).toBe(7);
    expect(stderr).toContain("It was restarted");
    expect(stderr).toContain("start: done");
    expect(stderr, "nobody must think that the start failed").not.toContain("ended early");
    await running();
    expect(await listed()).toEqual(before);
  });
});

describe("a restore in place", () => {
  it("is refused over a running node, and brings the old blocks back on a stopped one", async () => {
    const [snapshot = ""] = await listed();
    const refused = await world.run("restore", snapshot);
    expect(refused).toMatchObject({ status: 12 });
    expect(await world.node.height()).toBeGreaterThan(1000);

    await world.node.stop();
    const done = await world.json<{ heights: Record<string, number>; roots: { old?: string }[] }>(
      "restore",
      snapshot,
      "--keep-old",
      // LevelDB is opened first.
      "--no-start",
    );
    const before = await compareWithChain(world.node.data, new Set());
    expect(before.blocks).toBeGreaterThanOrEqual(done.heights[""] ?? Number.NaN);
    expect(readdirSync(done.roots[0]?.old ?? "/nowhere")).toContain("CURRENT");
    world.node.start();
    await world.node.reach(before.blocks + 1, new AbortController().signal);
  });
});
