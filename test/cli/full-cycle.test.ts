import {
  existsSync,
  globSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { compareWithChain } from "../../demo/compare.ts";
import { makeWorld } from "../systems/support/world.ts";

/** Everything through the real program, in processes of its own, on a node that really writes to LevelDB. */

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
  const world = await makeWorld({ blocks: 1000 });
  const first = await world.json<Backup>("backup", "--tag", "first");
  expect(first.parent).toBeNull();
  expect(first.figures.freeze.downtimeMs).toBeGreaterThan(0);
  await world.node.reach((await world.node.height()) + 20, new AbortController().signal);
  const second = await world.json<Backup>("backup");
  expect(second).toMatchObject({ parent: first.snapshot, listed: true });
  expect(second.figures.reused).toBeGreaterThan(0);

  const { snapshots } = await world.json<Listing>("list");
  expect(snapshots.map(({ snapshot, state, tags }) => [snapshot, state, tags])).toEqual([
    [second.snapshot, "good", []],
    [first.snapshot, "good", ["first"]],
  ]);
  const text = await world.run("list");
  expect(text.stdout).toMatch(/^SNAPSHOT +TIME +STATE +HEIGHT/);
  expect(text.stdout.trim().split("\n")).toHaveLength(3);

  const shown = await world.json<{ card: { core: { parent: string } } }>("show", "latest");
  expect(shown.card.core.parent).toBe(first.snapshot);
  const verified = await world.json<{ ok: boolean; snapshots: unknown[] }>("verify", "--all", "--read-data");
  expect(verified).toMatchObject({ ok: true, snapshots: [{ ok: true }, { ok: true }] });
  const checked = await world.json<{ ok: boolean; checks: { name: string; status: string; found: string }[] }>(
    "doctor",
  );
  expect(checked.checks.find(({ name }) => name === "key proven")).toMatchObject({
    status: "ok",
    found: `it opens ${second.snapshot}`,
  });
  expect(await world.json("rebuild")).toMatchObject({ changed: false, snapshots: 2 });

  const planned = await world.json<{ roots: { replaces: string }[] }>(
    "restore",
    "--dry-run",
    "--to",
    join(world.home, "copy"),
  );
  expect(planned.roots.map(({ replaces }) => replaces)).toEqual(["nothing"]);
  expect(existsSync(join(world.home, "copy"))).toBe(false);
  const { blocks, recorded } = await world.restoreAndCompare("copy");
  expect(blocks).toBeGreaterThanOrEqual(recorded);
});

describe("a restore in place", () => {
  it("is refused over a running node, and brings the old blocks back on a stopped one", async () => {
    const world = await makeWorld({ blocks: 500 });
    const { snapshot } = await world.json<Backup>("backup");
    const refused = await world.run("restore", snapshot);
    expect(refused).toMatchObject({ status: 12 });
    expect(await world.node.height()).toBeGreaterThan(500);

    await world.node.stop();
    const done = await world.json<{ heights: Record<string, number>; roots: { old?: string }[] }>(
      "restore",
      snapshot,
      "--keep-old",
    );
    const before = await compareWithChain(world.node.data, new Set());
    expect(before.blocks).toBeGreaterThanOrEqual(done.heights[""] ?? Number.NaN);
    expect(readdirSync(done.roots[0]?.old ?? "/nowhere")).toContain("CURRENT");
    world.node.start();
    await world.node.reach(before.blocks + 1, new AbortController().signal);
  });
});

describe("two backups of one node at once", () => {
  it("one is made, the other is told that it is not alone", async () => {
    const world = await makeWorld({ blocks: 1000 });
    const runs = await Promise.all([world.run("backup", "--json"), world.run("backup", "--json")]);
    expect(runs.map(({ status }) => status).sort()).toEqual([0, 10]);
    const loser = runs.find(({ status }) => status === 10);
    expect(JSON.parse(loser?.stderr ?? "")).toMatchObject({ error: { kind: "busy", exit_code: 10 } });
    expect((await world.json<Listing>("list")).snapshots).toHaveLength(1);
  });
});

describe("a signal in the middle of a backup", () => {
  it.each(["stop", "store"])(
    "in stage %s brings the node back, ends with 130 and leaves nothing visible",
    async (stage) => {
      const world = await makeWorld({ blocks: 1000 });
      const { child, ended } = world.begin("backup", "--log-format", "json");
      let said = "";
      child.stderr?.on("data", (text: string) => {
        said += text;
        if (!child.killed && said.includes(`"message":"${stage}"`)) child.kill("SIGTERM");
      });
      const { status, stderr } = await ended;
      expect(stderr).toContain("SIGTERM: stopping");
      expect(status, stderr).toBe(130);
      await world.node.reach(1, new AbortController().signal);
      expect((await world.json<Listing>("list")).snapshots).toEqual([]);
      expect(await world.json<Backup>("backup")).toMatchObject({ listed: true });
    },
  );
});

describe("a backup that is killed while the node is down", () => {
  it("is undone by the next run of coldkeep, the node first, and doctor says so meanwhile", async () => {
    const world = await makeWorld({ blocks: 1000 });
    const { child, ended } = world.begin("backup", "--log-format", "json");
    let said = "";
    child.stderr?.on("data", (text: string) => {
      said += text;
      if (!child.killed && said.includes('"message":"freeze"')) child.kill("SIGKILL");
    });
    expect(await ended).toMatchObject({ signal: "SIGKILL" });
    const { stdout } = await world.run("doctor");
    expect(stdout).toMatch(/^WARN +left behind +a backup was cut off/m);
    const next = await world.json<Backup & { warnings: string[] }>("backup");
    expect(next.warnings.join()).toContain("an earlier run was cut off");
    await world.node.reach(1, new AbortController().signal);
    expect((await world.json<Listing>("list")).snapshots.map(({ snapshot }) => snapshot)).toEqual([next.snapshot]);
    expect(existsSync(join(world.home, "state", "demo", "freeze.journal"))).toBe(false);
  });
});

describe("a node that does not answer", () => {
  it("is restarted, no backup is made, and the exit code is its own", async () => {
    const world = await makeWorld({ blocks: 200 });
    await world.node.stop();
    const { status, stderr } = await world.run("backup", "--json");
    expect(status).toBe(7);
    expect(JSON.parse(stderr).error.todo).toContain("it was restarted");
    await world.node.reach(1, new AbortController().signal);
    expect((await world.json<Listing>("list")).snapshots).toEqual([]);
  });
});

describe("a damaged vault", () => {
  it("is told by verify: which object, what it costs, exit code 9", async () => {
    const world = await makeWorld({ blocks: 500 });
    const { snapshot } = await world.json<Backup>("backup");
    const packs = globSync(`vault/demo/data/${snapshot}/*.pack`, { cwd: world.home }).map((name) =>
      join(world.home, name),
    );
    const largest = packs.toSorted((a, b) => statSync(b).size - statSync(a).size)[0] ?? "none";
    truncateSync(largest, 65_536);
    const { status, stdout, stderr } = await world.run("verify", "--read-data", "--json");
    expect(status).toBe(9);
    const answer = JSON.parse(stdout) as { ok: boolean; snapshots: { damages: { object: string }[] }[] };
    expect(answer.ok).toBe(false);
    expect(answer.snapshots[0]?.damages.map(({ object }) => object).join()).toContain(".pack");
    expect(JSON.parse(stderr)).toMatchObject({ error: { kind: "integrity", exit_code: 9 } });
  });
});

it("verify --without-key needs none, and tells a byte that was changed where no frame lies", async () => {
  const world = await makeWorld({ blocks: 500 });
  const { snapshot } = await world.json<Backup>("backup");
  rmSync(join(world.home, "coldkeep.key"));
  const keyless = () => world.run("verify", "--read-data", "--without-key", "--json");
  const before = await keyless();
  expect(before.status, before.stderr).toBe(0);
  const [pack = ""] = globSync(`vault/demo/data/${snapshot}/*.pack`, { cwd: world.home });
  const bytes = readFileSync(join(world.home, pack));
  // A byte of the header's salt, which opening frames by their place does not read.
  bytes[40] = (bytes[40] ?? 0) ^ 1;
  writeFileSync(join(world.home, pack), bytes);
  const after = await keyless();
  expect(after.status).toBe(9);
  expect(JSON.parse(after.stdout).snapshots).toMatchObject([
    { snapshot, ok: false, damages: [{ problem: "changed" }] },
  ]);
});

it("a run leaves neither temporary files nor locks behind", async () => {
  const world = await makeWorld({ blocks: 200 });
  await world.json("backup");
  const state = readdirSync(join(world.home, "state", "demo"));
  expect(state.filter((name) => /lock|tmp|journal/.test(name))).toEqual([]);
  expect(readFileSync(join(world.home, "config.yaml"), "utf8")).toContain("encrypt_key");
});
