import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  closeSync,
  existsSync,
  globSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { sharedTempDir, tempDir } from "../support/tmp.ts";
import { copyOf, type Host, LARGE, makeHost } from "./host.ts";

interface Listing {
  readonly snapshots: readonly { readonly snapshot: string; readonly state: string; readonly remarks: string[] }[];
}

const home = sharedTempDir("coldkeep-bad");
/** A host with one snapshot. Tests work on copies of it. */
let host: Host;
let snapshot = "";

beforeAll(async () => {
  host = await makeHost(home);
  snapshot = (await host.json<{ snapshot: string }>("backup")).snapshot;
});

const fresh = () => copyOf(host, tempDir("coldkeep-bad"));

/** No second snapshot is listed, no frozen tree is left, and the node runs. */
async function expectUntouched(copy: Host): Promise<void> {
  expect(copy.isUp(), "the node runs").toBe(true);
  expect((await copy.json<Listing>("list")).snapshots.map((entry) => entry.snapshot)).toEqual([snapshot]);
  expect(leftFrozen(copy)).toEqual([]);
}

/** What is left of frozen trees beside the node's data. */
function leftFrozen({ home }: Host): string[] {
  const folder = join(home, ".coldkeep-freeze");
  return existsSync(folder) ? readdirSync(folder) : [];
}

describe("keys", () => {
  it("that are too short are refused before the node is touched", async () => {
    const copy = fresh();
    writeFileSync(copy.key, "fifteen letters!\n");
    copy.change(/^( +)stop: .*$/m, "$1stop: 'false'");
    expect(await copy.failure("backup")).toMatchObject({
      kind: "key",
      exit_code: 4,
      message: expect.stringContaining("has 15 bytes, aes-256-gcm takes 16, 24 or 32"),
    });
    await expectUntouched(copy);
  });

  it("of another vault open nothing, and say so", async () => {
    const copy = fresh();
    writeFileSync(copy.key, "0123456789abcdefghijklmnopqrstuv\n");
    const to = join(copy.home, "copy");
    expect(await copy.failure("restore", "--to", to)).toMatchObject({ kind: "key", exit_code: 4 });
    expect(existsSync(to)).toBe(false);
    const { code, stdout } = await copy.run(["doctor"]);
    expect(code).toBe(4);
    expect(stdout).toMatch(/^FAIL +key proven/m);
  });

  it("in a file that others can read are refused", async () => {
    const copy = fresh();
    chmodSync(copy.key, 0o644);
    expect(await copy.failure("backup")).toMatchObject({ kind: "permission", exit_code: 14 });
    await expectUntouched(copy);
  });
});

describe("vaults", () => {
  it("that are a file, or gone, are told apart, and the node is not touched", async () => {
    const copy = fresh();
    rmSync(copy.vault, { recursive: true });
    expect(await copy.failure("backup")).toMatchObject({
      kind: "vault",
      exit_code: 8,
      message: expect.stringContaining("does not exist"),
    });
    writeFileSync(copy.vault, "");
    expect(await copy.failure("backup")).toMatchObject({
      kind: "vault",
      exit_code: 8,
      message: expect.stringContaining("it is, or leads through, a file"),
    });
    expect(copy.isUp()).toBe(true);
  });

  it("in which another host has the node's name are refused", async () => {
    const copy = fresh();
    rmSync(copy.config);
    const error = await copy.failure(
      ...["init", "--state-dir", join(copy.home, "other-state"), "--vault", copy.vault, "--key-file", copy.key],
      ...["--node", "demo", "--profile", "files", "--root", `data=${copy.data}`],
    );
    expect(error).toMatchObject({
      kind: "refused",
      exit_code: 12,
      message: expect.stringContaining("another host claims"),
    });
    expect(existsSync(copy.config)).toBe(false);
  });

  it("to which two machines of one image write as the same node keep what both put, whole", async () => {
    const one = fresh();
    const other = copyOf(one, tempDir("coldkeep-bad-input"));
    other.change(other.vault, one.vault);
    const made: { snapshot: string; parent: string | null }[] = [];
    for (const [at, machine] of [one, other, other, one].entries()) {
      writeFileSync(join(machine.data, `of-${at}`), `${at}`.repeat(20_000));
      made.push(await machine.json("backup"));
    }
    // What the other put meanwhile nobody here knows the content of: then all is stored anew.
    expect(made.map(({ parent }) => parent)).toEqual([snapshot, null, made[1]?.snapshot, null]);
    const { snapshots } = await one.json<Listing>("list");
    expect(snapshots.map((entry) => entry.state)).toEqual(["good", "good", "good", "good", "good"]);
    expect(await other.json("verify", "--all", "--read-data")).toMatchObject({ ok: true });
    await one.json("restore", made[2]?.snapshot ?? "", "--to", join(one.home, "copy"));
    expect(readdirSync(join(one.home, "copy/data")).sort()).toEqual(["large", "of-1", "of-2", "small"]);
  });

  it("whose index, head.json and backup_list a hand deleted or damaged are read again after a rebuild", async () => {
    const copy = fresh();
    const path = (name: string) => join(copy.vault, "demo", name);
    const before = readFileSync(path("backup_list"), "utf8");
    for (const harm of [(name: string) => rmSync(path(name)), (name: string) => writeFileSync(path(name), "rubbish")]) {
      for (const name of ["index.json", "head.json", "backup_list"]) harm(name);
      const error = await copy.failure("list");
      expect(error).toMatchObject({ kind: "not-found", todo: "Run `coldkeep rebuild`" });
      expect(await copy.json("rebuild")).toMatchObject({ changed: true, snapshots: 1 });
      expect(readFileSync(path("backup_list"), "utf8")).toBe(before);
    }
    // A head.json that tells of an index which is lost does not stand in the way of the next.
    rmSync(path("index.json"));
    const next = await copy.json<{ snapshot: string; parent: string }>("backup");
    expect(next.parent).toBe(snapshot);
    expect(readFileSync(path("head.json"), "utf8")).toContain(`"newest":"${next.snapshot}"`);
  });

  it("that ask for a newer coldkeep are not changed, the node is not touched, and a restore still works", async () => {
    const copy = fresh();
    const path = join(copy.vault, "vault.json");
    writeFileSync(path, readFileSync(path, "utf8").replace(/"min_agent":"[^"]*"/, '"min_agent":"99.0.0"'));
    const error = await copy.failure("backup");
    expect(error).toMatchObject({ kind: "refused", exit_code: 12, on: "vault.json" });
    expect(error.message).toContain("99.0.0 or newer, this is ");
    expect((await copy.run(["doctor"])).stdout).toMatch(/^FAIL +vault .*too old/m);
    await expectUntouched(copy);
    await copy.json("restore", "--to", join(copy.home, "copy"));
  });

  it.each(["head.json", "index.json"])(
    "whose %s a newer stack wrote are refused in plain words, and the node runs on",
    async (name) => {
      const copy = fresh();
      const path = join(copy.vault, "demo", name);
      writeFileSync(path, readFileSync(path, "utf8").replace('"format":1', '"format":2'));
      const error = await copy.failure(name === "head.json" ? "backup" : "list");
      expect(error).toMatchObject({ kind: "refused", exit_code: 12, on: expect.stringContaining(name) });
      expect(error.message).toMatch(/newer coldkeep|newer format/);
      expect(error.message).toContain("format 2, this version");
      expect(copy.isUp()).toBe(true);
    },
  );

  it("that ask for a newer keeper take the snapshot, which their keeper lists", async () => {
    const copy = fresh();
    const path = join(copy.vault, "vault.json");
    writeFileSync(path, readFileSync(path, "utf8").replace(/"min_keeper":"[^"]*"/, '"min_keeper":"99.0.0"'));
    const { listed, warnings } = await copy.json<{ listed: boolean; warnings: string[] }>("backup");
    expect(listed).toBe(false);
    expect(warnings.join()).toContain("99.0.0 or newer");
    expect(await copy.failure("rebuild")).toMatchObject({ kind: "refused", exit_code: 12 });
    await expectUntouched(copy);
  });
});

describe("nodes", () => {
  it("that will not stop are started again: exit code 5", async () => {
    const copy = fresh();
    copy.change(/^( +)stop: .*$/m, "$1stop: 'true'");
    copy.change("stop_timeout: 120s", "stop_timeout: 300ms");
    const error = await copy.failure("backup");
    expect(error).toMatchObject({ kind: "node-stop", exit_code: 5 });
    await expectUntouched(copy);
  });

  it("that lie about being stopped are found out, and the process is named: exit code 5", async () => {
    const copy = fresh();
    const file = openSync(join(copy.data, "large"), "a");
    const liar = spawn("sleep", ["60"], { stdio: ["ignore", file, "ignore"] });
    onTestFinished(() => void liar.kill("SIGKILL"));
    await once(liar, "spawn");
    closeSync(file);
    copy.change("stop_timeout: 120s", "stop_timeout: 300ms");
    const error = await copy.failure("backup");
    expect(error).toMatchObject({ kind: "node-stop", exit_code: 5 });
    expect(error.message).toContain(`process ${liar.pid} (sleep)`);
    await expectUntouched(copy);
  });

  it("that will not start are told loudly: exit code 6", async () => {
    const copy = fresh();
    copy.change(/^( +)start: .*$/m, "$1start: 'false'");
    copy.change("start_timeout: 300s", "start_timeout: 300ms");
    expect(await copy.failure("backup")).toMatchObject({ kind: "node-start", exit_code: 6 });
    expect(copy.isUp()).toBe(false);
  });
});

describe("files", () => {
  it("that vanish while the node stops are not in the snapshot, and nobody minds", async () => {
    const copy = fresh();
    copy.change(/^( +)stop: (.*)$/m, `$1stop: rm ${copy.home}/up ${copy.data}/small`);
    await copy.json("backup");
    await copy.json("restore", "--to", join(copy.home, "copy"));
    expect(readdirSync(join(copy.home, "copy", "data"))).toEqual(["large"]);
  });

  it("that somebody takes out of the frozen tree end the backup, by name: exit code 9", async () => {
    const copy = fresh();
    const said: string[] = [];
    const write = (text: string) => {
      said.push(text);
      if (!text.includes("info store ")) return;
      for (const name of globSync(".coldkeep-freeze/**", { cwd: copy.home })) {
        const path = join(copy.home, name);
        if (statSync(path).size === LARGE) rmSync(path);
      }
    };
    const { code } = await copy.run(["backup"], { stderr: { write } });
    expect(said.join("")).toMatch(/a frozen file changed while it was read: data\/large: it is gone/);
    expect(code).toBe(9);
    await expectUntouched(copy);
  });
});

describe("clocks", () => {
  const HOUR = 3_600_000;
  const hoursAgo = (hours: number) => ({
    clock: { now: () => Date.now() - hours * HOUR, monotonic: () => performance.now() },
  });

  it("that went backwards between two backups do no harm: the later one is the latest", async () => {
    const copy = fresh();
    const { code, stdout } = await copy.run(["backup", "--json"], hoursAgo(24));
    expect(code).toBe(0);
    const later = JSON.parse(stdout) as { snapshot: string; parent: string };
    expect(later.snapshot < snapshot, "its id is from before").toBe(true);
    expect(later.parent).toBe(snapshot);
    const { snapshots } = await copy.json<Listing>("list");
    expect(snapshots.map((entry) => [entry.snapshot, entry.state])).toEqual([
      [later.snapshot, "good"],
      [snapshot, "good"],
    ]);
    expect(await copy.json("show", "latest")).toMatchObject({ snapshot: later.snapshot });
    expect(await copy.json("verify", "--all", "--read-data")).toMatchObject({ ok: true });
  });

  it("that are weeks behind are told: the snapshot is there, and not taken for the latest", async () => {
    const copy = fresh();
    const { code, stdout } = await copy.run(["backup", "--json"], hoursAgo(24 * 30));
    expect(code).toBe(0);
    const odd = JSON.parse(stdout) as { snapshot: string; warnings: string[] };
    expect(odd.warnings.join()).toContain("clock");
    expect(await copy.json("show", "latest")).toMatchObject({ snapshot });
    expect(await copy.json("show", odd.snapshot)).toMatchObject({ state: "good" });
    const { stdout: said } = await copy.run(["doctor"], hoursAgo(24 * 30));
    expect(said).toMatch(/^WARN +clock +.*the vault received/m);
  });
});

describe("restores", () => {
  it("into a folder that is not empty, of what is not there, or of what is too old are refused", async () => {
    const to = join(host.home, "state");
    expect(await host.failure("restore", "--to", to)).toMatchObject({ kind: "refused", exit_code: 12 });
    const copy = join(host.home, "copy");
    for (const [words, kind] of [
      [["20200101T000000Z"], "not-found"],
      [["--at", "2020-01-01"], "not-found"],
      [["--height", "12"], "not-found"],
      [["--min-height", "99999999"], "refused"],
      [["--min-seq", "2"], "refused"],
      [["--max-age", "0s"], "refused"],
      [["--include", "data/nothing*"], "usage"],
    ] as const) {
      expect(await host.failure("restore", ...words, "--to", copy), words.join(" ")).toMatchObject({ kind });
    }
    expect(existsSync(copy)).toBe(false);
  });

  it("on a host without coldkeep's state take the node's claim for the signer, or a fingerprint that is trusted", async () => {
    const copy = fresh();
    const { fingerprint } = JSON.parse((await copy.run(["init", "--json"])).stdout).nodes[0] as { fingerprint: string };
    rmSync(join(copy.home, "state"), { recursive: true });
    const plan = (...words: string[]) => ["restore", "--dry-run", "--to", join(copy.home, "copy"), ...words];
    expect(await copy.json(...plan())).toMatchObject({ origin: "first sight", signer: fingerprint });
    expect(await copy.json(...plan("--trust-card-key", fingerprint))).toMatchObject({ origin: "pinned" });
    const error = await copy.failure(...plan("--trust-card-key", "A".repeat(43)));
    expect(error).toMatchObject({ kind: "integrity", exit_code: 9 });
    expect(error.message).toContain(fingerprint);
    const typo = await copy.failure(...plan("--trust-card-key", "abc"));
    expect(typo).toMatchObject({ kind: "usage", exit_code: 2 });
  });
});
