import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { deleteNode } from "../../keeper/index.ts";
import { systemClock } from "../../posix/clock.ts";
import { toNodeName } from "../../vault/names/index.ts";
import { faultyStore } from "../support/faulty-store.ts";
import { type MemoryStore, memoryStore } from "../support/memory-store.ts";
import { sharedTempDir, tempDir } from "../support/tmp.ts";
import { copyOf, type Host, makeHost } from "./host.ts";

/** What becomes of a node that is not needed any more, or goes on under another name. */
const home = sharedTempDir("coldkeep-end");
let host: Host;
let first = "";

beforeAll(async () => {
  host = await makeHost(home);
  first = (await host.json<{ snapshot: string }>("backup")).snapshot;
  writeFileSync(join(host.data, "small"), "hello again\n");
  await host.json("backup");
  await host.json("share", "latest", "--expires", "1d", "--to", join(home, "s.share"));
});

const fresh = () => copyOf(host, tempDir("coldkeep-end"));

function objectsOf(copy: Host): string[] {
  return readdirSync(join(copy.vault, copy.node), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(copy.vault.length + 1));
}

const opens = (name: string) => /\/key\.json$|\/shares\//.test(name);

describe("node retire", () => {
  it("keeps everything whatever the tiers say, alarms nobody, and pauses backups here", async () => {
    const copy = fresh();
    const late = { clock: { now: () => systemClock.now() + 90 * 86_400_000, monotonic: systemClock.monotonic } };
    expect((await copy.run(["status"], late)).code, "late and unproven before").toBe(20);
    const retired = await copy.json("node", "retire", "--reason", "host is gone");
    expect(retired).toMatchObject({ state: "retired", changed: true });
    const status = await copy.run(["status"], late);
    expect([status.code, status.stdout]).toEqual([
      0,
      expect.stringMatching(/demo +retired[\s\S]*since .*: host is gone/),
    ]);
    copy.change("nodes:", "tiers: { keep_last: 1, floor: 0h }\nnodes:");
    const plan = await copy.run(["forget", "--dry-run", "--json"], late);
    expect(JSON.parse(plan.stdout).decisions.map(({ action }: { action: string }) => action)).toEqual(["none", "none"]);
    expect(await copy.failure("backup")).toMatchObject({ kind: "skipped" });
    expect(await copy.json("node", "retire")).toMatchObject({ changed: false });
    await copy.json("node", "retire", "--undo");
    expect((await copy.run(["status"], late)).code).toBe(20);
    await copy.json("backup");
  });

  it("makes `latest` explicit", async () => {
    const copy = fresh();
    await copy.json("node", "retire");
    const to = join(copy.home, "to");
    expect(await copy.failure("restore", "--to", to)).toMatchObject({ exit_code: 2, todo: "name it, or say latest" });
    await copy.json("restore", "latest", "--to", to);
  });
});

describe("node delete", () => {
  it("wants the node retired and its name once more, and changes nothing before", async () => {
    const copy = fresh();
    const before = objectsOf(copy);
    expect(await copy.failure("node", "delete", "--confirm", "demo")).toMatchObject({ kind: "refused" });
    expect(objectsOf(copy)).toEqual(before);
    await copy.json("node", "retire");
    expect(await copy.failure("node", "delete", "--confirm", "demmo")).toMatchObject({ exit_code: 2 });
    const plan = await copy.json("node", "delete");
    expect(plan).toMatchObject({ applied: false, keys: 3, done: false });
    expect(objectsOf(copy).filter(opens)).toHaveLength(3);
  });

  it("is refused while a snapshot is pinned, and while a restore or a backup may be under way", async () => {
    const copy = fresh();
    await copy.json("node", "retire");
    await copy.json("pin", first);
    expect(await copy.failure("node", "delete", "--confirm", "demo")).toMatchObject({ kind: "refused", exit_code: 12 });
    await copy.json("unpin", first);
    await copy.json("restore", first, "--to", join(copy.home, "to"));
    expect(await copy.failure("node", "delete", "--confirm", "demo")).toMatchObject({ kind: "busy" });
    rmSync(join(copy.vault, "demo/pins"), { recursive: true });
    rmSync(join(copy.vault, `demo/snapshots/${first}.card.json`));
    const open = await copy.failure("node", "delete", "--confirm", "demo");
    expect(open.message).toContain("a backup of the node may be under way");
    expect(objectsOf(copy).filter(opens)).toHaveLength(3);
  });

  it("leaves the name, the word and the plans, and whoever restores afterwards is told", async () => {
    const copy = fresh();
    await copy.json("node", "retire");
    const done = await copy.run(["node", "delete", "--confirm", "demo"]);
    expect(done.stdout).toMatch(/^demo is deleted: 3 versions .*\nTake it out of the configuration/);
    const left = objectsOf(copy).filter((name) => !name.startsWith("demo/plans/"));
    expect(left.sort()).toEqual([
      "demo/node.json",
      "demo/standing.1.json",
      "demo/standing.2.json",
      "demo/standing.3.json",
    ]);
    for (const words of [["latest"], [first]]) {
      const error = await copy.failure("restore", ...words, "--to", join(copy.home, "to"));
      expect(error).toMatchObject({ exit_code: 11 });
      expect(error.message).toMatch(/^the node was deleted: demo: an operator said so at/);
    }
    expect(await copy.failure("node", "retire", "--undo")).toMatchObject({ kind: "refused" });
    expect(await copy.json("node", "delete", "--confirm", "demo")).toMatchObject({ done: true, keys: 0 });
  });

  it("goes on after it was killed between any two of its calls", async () => {
    const copy = fresh();
    await copy.json("node", "retire");
    const objects = objectsOf(copy).map((name) => [name, readFileSync(join(copy.vault, name))] as const);
    const names = (store: MemoryStore) => [...store.objects.keys()];
    const job = { node: toNodeName("demo"), apply: true, now: systemClock.now() };
    for (let at = 1; ; at += 1) {
      const real = memoryStore(() => job.now);
      for (const [name, bytes] of objects) real.plant(name, bytes);
      let calls = 0;
      const faulty = faultyStore(real, () => {
        calls += 1;
        return calls === at ? "crashes-after" : null;
      });
      // Each object that is deleted is a call by itself.
      const store = {
        ...faulty,
        delete: async function* (plan: Parameters<typeof real.delete>[0]) {
          for await (const outcome of real.delete(plan)) {
            calls += 1;
            if (calls >= at) throw new Error("killed");
            yield outcome;
          }
        },
      };
      const ended = await deleteNode({ ...job, store }).then(
        () => true,
        () => false,
      );
      // Of what is gone no list tells any more.
      if (names(real).filter(opens).length < 3) expect(names(real)).not.toContain("demo/index.json");
      expect(await deleteNode({ ...job, store: real }), `killed at call ${at}`).toMatchObject({ done: true });
      expect(names(real).filter((name) => !/plans|standing|node\.json/.test(name))).toEqual([]);
      if (ended) break;
    }
  });
});

describe("node rename", () => {
  it("retires the old name, and keeps its snapshots within reach under it", async () => {
    const copy = fresh();
    expect(await copy.failure("node", "rename", "old")).toMatchObject({ exit_code: 2 });
    copy.change(/^ {2}demo:/m, "  icon:\n    formerly: [demo]");
    await copy.json("init");
    expect(await copy.json("node", "rename", "demo")).toMatchObject({ formerly: "demo", changed: true });
    expect(await copy.json("node", "rename", "demo")).toMatchObject({ changed: false });
    expect((await copy.run(["node", "rename", "demo"])).stdout).toMatch(
      /`coldkeep backup --node \w+` .* `coldkeep install`/,
    );
    const made = await copy.json<{ parent: string | null }>("backup");
    expect(made.parent).toBeNull();
    const listing = (node: string) => copy.json<{ snapshots: unknown[] }>("list", "--node", node);
    expect([(await listing("icon")).snapshots.length, (await listing("demo")).snapshots.length]).toEqual([1, 2]);
    expect(await copy.failure("backup", "--node", "demo")).toMatchObject({ kind: "refused", todo: "give --node icon" });
    const unnamed = await copy.failure("restore", "--node", "demo", "--to", join(copy.home, "a"));
    expect(unnamed.message).toContain("it goes on as icon");
    await copy.json("restore", first, "--node", "demo", "--to", join(copy.home, "b"));
    expect(await copy.json("verify", "--node", "demo", "--all")).toMatchObject({ ok: true });
  });
});
