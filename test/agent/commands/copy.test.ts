import { randomBytes } from "node:crypto";
import { existsSync, globSync, readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../../posix/clock.ts";
import type { IndexEntry } from "../../../vault/card/index.ts";
import { runHere } from "../../cli/run.ts";
import { type KeyedNode, keyedNode } from "../../support/keyed-node.ts";
import { sharedTempDir } from "../../support/tmp.ts";

interface Listing {
  readonly snapshots: readonly IndexEntry[];
}
interface Copied {
  readonly ok: boolean;
  readonly snapshots: readonly {
    readonly snapshot: string;
    readonly outcome: string;
    readonly sent: { objects: number };
  }[];
}

/** A node with two snapshots, the later on top of the earlier, received in January; a second vault in its configuration. */
async function backedUp(home: string): Promise<{ readonly node: KeyedNode; readonly ids: readonly [string, string] }> {
  const node = await keyedNode("encrypt_key: HOME/a.key", home);
  node.file("a.key", "0H#y@EGXPOAScAnB");
  writeFileSync(join(node.data, "large"), randomBytes(600_000));
  const clock = { ...systemClock, now: () => systemClock.now() - 3_600_000 };
  const backup = async () => {
    const { stdout } = await node.run(["backup", "--json"], { clock });
    return JSON.parse(stdout) as { readonly snapshot: string; readonly parent: string };
  };
  const first = await backup();
  writeFileSync(join(node.data, "file"), "later content");
  const second = await backup();
  expect(second.parent).toBe(first.snapshot);
  const config = readFileSync(node.config, "utf8");
  writeFileSync(
    node.config,
    config.replace(/^vault: (.*)$/m, `vaults: [{ name: main, url: "$1" }, { name: offsite, url: "$1-2" }]`),
  );
  return { node, ids: [first.snapshot, second.snapshot] };
}

/** As if the source had received all this an hour before. */
function anHourAgo(vault: string): void {
  for (const path of globSync("**/*.json", { cwd: vault })) {
    const { mtimeMs } = statSync(join(vault, path));
    utimesSync(join(vault, path), mtimeMs / 1000 - 3600, mtimeMs / 1000 - 3600);
  }
}

describe("coldkeep copy", () => {
  const home = sharedTempDir("coldkeep-copy");
  let node: KeyedNode;
  let ids: readonly [string, string];
  beforeAll(async () => {
    ({ node, ids } = await backedUp(home));
  });

  it("makes a vault that lists, verifies and restores the same, with the first receipts, and needs no key", async () => {
    anHourAgo(node.vault);
    await node.json("rebuild");
    const { key } = { key: readFileSync(node.path("a.key")) };
    rmSync(node.path("a.key"));
    const target = `${node.vault}-2`;
    const looked = await node.run(["copy", "--from", "main", "--to", target, "--all", "--dry-run"]);
    expect(looked.stdout, looked.stderr).toMatch(/2 snapshots to copy\.\n$/);
    expect(existsSync(target)).toBe(false);

    const made = await node.run(["copy", "--from", "main", "--to", `file://${target}`, "--all"]);
    expect(made.stdout, made.stderr).toMatch(
      new RegExp(`${ids[0]}  copied: \\d+ objects, [^]*\\n2 snapshots copied\\.`),
    );
    expect(made.code).toBe(0);
    // As a copy leaves it that was killed after the cards and before the list.
    for (const name of ["index.json", "head.json", "backup_list"]) rmSync(join(target, "demo", name));
    const again = await node.json<Copied>("copy", "--from", "main", "--to", "offsite", "--all");
    expect(again.snapshots.map(({ outcome, sent }) => [outcome, sent.objects])).toEqual([
      ["there", 0],
      ["there", 0],
    ]);

    const [here, there] = await Promise.all([
      node.json<Listing>("list"),
      node.json<Listing>("list", "--vault", "offsite"),
    ]);
    expect(there.snapshots).toEqual(here.snapshots);
    expect(there.snapshots.map(({ snapshot, state }) => [snapshot, state])).toEqual([
      [ids[1], "good"],
      [ids[0], "good"],
    ]);
    expect((await node.run(["verify", "--all", "--read-data", "--without-key", "--vault", "offsite"])).code).toBe(0);
    writeFileSync(node.path("a.key"), key, { mode: 0o600 });
    expect((await node.run(["verify", "--all", "--read-data", "--vault", "offsite"])).code).toBe(0);
    const restored = await node.json<{ receivedAt: number }>(
      ...["restore", "latest", "--vault", "offsite", "--to", node.path("restored")],
    );
    expect(readFileSync(node.path("restored/data/file"), "utf8")).toBe("later content");
    expect(restored.receivedAt).toBe(here.snapshots[0]?.received);
    const old = await node.run(["restore", "--vault", "offsite", "--to", node.path("never"), "--max-age", "10m"]);
    expect(old.code, old.stderr).toBe(12);
  });

  it("copies one snapshot between two places on a host without configuration", async () => {
    const places = ["--from", node.vault, "--to", node.path("copy"), "--node", "demo"];
    const { code, stdout, stderr } = await runHere(["copy", ids[1].slice(0, -4), ...places]);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain(`${ids[1]}  copied`);
    expect(existsSync(node.path(`copy/demo/snapshots/${ids[0]}.card.json`))).toBe(false);
    expect(readFileSync(node.path("copy/demo/backup_list"), "utf8")).toContain(ids[1]);
  });

  it("leaves out what is damaged, says what, and ends with 9", async () => {
    const [pack = ""] = globSync(`demo/data/${ids[1]}/*.pack`, { cwd: node.vault });
    truncateSync(join(node.vault, pack), 100);
    const { code, stdout, stderr } = await node.run(["copy", "--from", "main", "--to", node.path("damaged"), "--all"]);
    expect(code).toBe(9);
    expect(stdout).toMatch(new RegExp(`${ids[1]}  NOT COPIED\\n  ${pack}: truncated: it has 100 bytes`));
    expect(stdout).toContain("1 snapshot copied, 1 not copied.");
    expect(stderr).toContain(`coldkeep: 1 snapshot could not be copied: ${ids[1]}: ${pack}: truncated`);
  });

  it("refuses a vault that holds another node of the same name", async () => {
    const other = await keyedNode("encrypt_key: HOME/a.key");
    const { code, stderr } = await node.run(["copy", "--from", "main", "--to", other.vault, "--all"]);
    expect(code).toBe(12);
    expect(stderr).toMatch(/the target holds another node of this name: demo\/node\.json: its cards are signed by/);
  });

  it.each([
    [
      "nothing named",
      ["--from", "main", "--to", "nowhere"],
      /--to is no vault of the configuration, and no place: "nowhere"/,
    ],
    ["a name that is nearly right", ["--from", "mian", "--to", "offsite"], /Did you mean --from main\?/],
    ["the same vault twice", ["--from", "main", "--to", "HOME/vault"], /--from and --to are the same vault/],
    ["--all and an id", ["x", "--from", "main", "--to", "offsite", "--all"], /snapshots and --all are given/],
    ["no --to", ["--from", "main"], /--to/],
  ])("%s is told, with exit code 2", async (_, words, told) => {
    const { code, stderr } = await node.run(["copy", ...words.map((word) => word.replace("HOME", node.home))]);
    expect(stderr).toMatch(told);
    expect(code).toBe(2);
  });
});
