import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../posix/clock.ts";
import { runHere } from "../cli/run.ts";
import { sharedTempDir } from "../support/tmp.ts";
import { emulator } from "./emulator/index.ts";
import { type S3Proxy, startProxy } from "./proxy.ts";
import { endpointOf, makeBucket } from "./s3.ts";

const aws = await emulator();
const missing = "missing" in aws ? ` (${aws.missing})` : "";

describe.skipIf(missing !== "")(`the command line on a vault in S3${missing}`, { timeout: 240_000 }, () => {
  const folder = sharedTempDir("coldkeep-s3");
  const data = join(folder, "data");
  const config = ["--config", join(folder, "config.yaml")];
  let proxy: S3Proxy;

  beforeAll(async () => {
    proxy = await startProxy(endpointOf(aws));
    const bucket = await makeBucket(endpointOf(aws));
    mkdirSync(data);
    writeFileSync(join(data, "large"), randomBytes(5_000_000));
    writeFileSync(join(data, "small"), "hello\n");
    const up = join(folder, "up");
    writeFileSync(up, "");
    await run(
      ...["init", "--vault", `s3://${bucket}/nodes`, "--endpoint", proxy.endpoint, "--region", "us-east-1"],
      ...["--state-dir", join(folder, "state"), "--key-file", join(folder, "key"), "--node", "demo"],
      ...["--profile", "files", "--root", `data=${data}`],
      ...["--stop", `rm -f ${up}`, "--start", `touch ${up}`, "--is-running", `test -e ${up}`],
    );
  });
  afterAll(() => proxy.stop());

  /** Runs a command in this process. @throws Error where it does not end with 0. */
  async function run<T>(...words: string[]): Promise<T> {
    const { code, stdout, stderr } = await runHere([...words, "--json", ...config], { clock: systemClock });
    if (code !== 0) throw new Error(`coldkeep ${words.join(" ")} ended with ${code}: ${stderr}${stdout}`);
    return JSON.parse(stdout) as T;
  }

  it("does the whole job: init, backup, incremental, list, show, verify, restore, rebuild, doctor", async () => {
    const first = await run<{ snapshot: string }>("backup");
    writeFileSync(join(data, "more"), randomBytes(3_000_000));
    const second = await run<{ snapshot: string; parent: string; listed: boolean }>("backup");
    expect(second).toMatchObject({ parent: first.snapshot, listed: true });
    const { snapshots } = await run<{ snapshots: { snapshot: string; state: string }[] }>("list");
    expect(snapshots.map(({ snapshot, state }) => [snapshot, state])).toEqual([
      [second.snapshot, "good"],
      [first.snapshot, "good"],
    ]);
    expect(await run("show", "latest")).toMatchObject({ snapshot: second.snapshot });
    expect(await run("verify", "--all", "--read-data")).toMatchObject({ ok: true });
    await run("restore", "--to", join(folder, "copy"));
    for (const name of ["large", "small", "more"]) {
      expect(readFileSync(join(folder, "copy", "data", name)).equals(readFileSync(join(data, name))), name).toBe(true);
    }
    expect(await run("rebuild")).toMatchObject({ changed: false, snapshots: 2 });
    const { checks } = await run<{ checks: { name: string; status: string; found: string }[] }>("doctor");
    expect(checks.filter(({ name, status }) => status === "fail" || (status === "warn" && name !== "health"))).toEqual(
      [],
    );
    expect(checks.find(({ name }) => name === "vault versions")?.found).toContain("kept");
  });

  it("an incremental backup with k new packs makes at most k + 5 PUTs, no LIST and at most 2 GETs up to its card", async () => {
    writeFileSync(join(data, "large"), randomBytes(5_000_000));
    const before = proxy.calls.length;
    const { figures } = await run<{ figures: { packs: number } }>("backup");
    const all = proxy.calls.slice(before);
    // The card is the commit. What comes after it is the indexer's work, which runs in this process for now.
    const commit = all.findIndex(({ kind, key }) => kind === "PUT" && key.endsWith(".card.json"));
    const agent = all.slice(0, commit + 1);
    const keeper = all.slice(commit + 1);
    const count = (calls: typeof all, kind: string) => calls.filter((call) => call.kind === kind).length;
    const told = (calls: typeof all) => calls.map(({ kind, key }) => `${kind} ${key}`);
    expect(commit, told(all).join("\n")).toBeGreaterThan(0);
    expect(count(agent, "PUT"), told(agent).join("\n")).toBeLessThanOrEqual(figures.packs + 5);
    expect(count(agent, "LIST")).toBe(0);
    expect(count(agent, "GET"), told(agent).join("\n")).toBeLessThanOrEqual(2);
    expect(count(agent, "DELETE") + count(keeper, "DELETE")).toBe(0);
    expect(count(keeper, "LIST")).toBe(0);
    expect(proxy.calls.every(({ headers }) => /\bcoldkeep\/\d/.test(headers["user-agent"] ?? ""))).toBe(true);
  });

  it("a server that takes an object under a name that is taken is refused by init", async () => {
    proxy.behave(({ kind, key }) =>
      kind === "PUT" && key.endsWith("vault.json") ? { status: 200, headers: { etag: '"1"' } } : "pass",
    );
    try {
      await expect(run("init")).rejects.toThrow(/ended with 12.*this place cannot be a vault.*If-None-Match/s);
    } finally {
      proxy.behave(() => "pass");
    }
  });

  it("doctor names the right that is missing, and needs none to list", async () => {
    proxy.behave(({ kind }) => (kind === "LIST" ? { status: 403, code: "AccessDenied" } : "pass"));
    const { checks } = await run<{ checks: { name: string; status: string; todo?: string }[] }>("doctor");
    expect(checks.find(({ name }) => name === "vault")).toMatchObject({
      status: "note",
      todo: expect.stringContaining("s3:ListBucket"),
    });
    proxy.behave(() => "pass");
  });
});
