import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../posix/clock.ts";
import { runHere } from "../cli/run.ts";
import { assertPrintedNoKey } from "../support/learn-secrets.ts";
import { sharedTempDir } from "../support/tmp.ts";
import { TELL_EXIT } from "../systems/support/world.ts";
import { emulator } from "./emulator/index.ts";
import { startProxy } from "./proxy.ts";
import { endpointOf, makeBucket } from "./s3.ts";

const COLDKEEP = fileURLToPath(new URL("../../bin/coldkeep.mjs", import.meta.url));

const aws = await emulator();
const missing = "missing" in aws ? ` (${aws.missing})` : "";

interface Copied {
  readonly snapshots: readonly { readonly outcome: string; readonly sent: { readonly objects: number } }[];
}

describe.skipIf(missing !== "")(`copies to and from S3${missing}`, { timeout: 240_000 }, () => {
  const folder = sharedTempDir("coldkeep-copy-s3");
  const data = join(folder, "data");
  const config = ["--config", join(folder, "config.yaml")];
  let proxy: Awaited<ReturnType<typeof startProxy>>;

  /** Runs a command in this process. @throws Error where it does not end with 0. */
  async function run<T>(...words: string[]): Promise<T> {
    const { code, stdout, stderr } = await runHere([...words, "--json", ...config], { clock: systemClock });
    if (code !== 0) throw new Error(`coldkeep ${words.join(" ")} ended with ${code}: ${stderr}${stdout}`);
    return JSON.parse(stdout) as T;
  }

  beforeAll(async () => {
    proxy = await startProxy(endpointOf(aws));
    const bucket = await makeBucket(endpointOf(aws));
    mkdirSync(data);
    writeFileSync(join(data, "large"), randomBytes(3_000_000));
    await run(
      ...["init", "--vault", `file://${folder}/vault`, "--state-dir", join(folder, "state")],
      ...["--key-file", join(folder, "key"), "--node", "demo", "--profile", "files", "--root", `data=${data}`],
    );
    const path = config[1] ?? "";
    const yaml = readFileSync(path, "utf8");
    const places = [
      `{ name: main, url: "file://${folder}/vault" }`,
      `{ name: cloud, url: "s3://${bucket}/nodes", endpoint: "${proxy.endpoint}", region: us-east-1 }`,
      `{ name: back, url: "file://${folder}/back" }`,
    ];
    writeFileSync(path, yaml.replace(/^vault: .*$/m, `vaults: [${places.slice(0, 1).join(", ")}]`));
    // Some time ago: of a copy that comes within a minute its own times are near enough.
    const clock = { ...systemClock, now: () => systemClock.now() - 3_600_000 };
    const backup = () => runHere(["backup", ...config], { clock });
    expect((await backup()).code).toBe(0);
    writeFileSync(join(data, "small"), "more\n");
    expect((await backup()).code).toBe(0);
    writeFileSync(path, yaml.replace(/^vault: .*$/m, `vaults: [${places.join(", ")}]`));
    return () => proxy.stop();
  });

  it("directory → S3 → directory: the same list each time, nothing sent twice, restored from the last", async () => {
    expect((await run<Copied>("copy", "--from", "main", "--to", "cloud", "--all")).snapshots).toMatchObject([
      { outcome: "copied" },
      { outcome: "copied" },
    ]);
    const before = proxy.calls.length;
    expect((await run<Copied>("copy", "--from", "main", "--to", "cloud", "--all")).snapshots).toMatchObject([
      { outcome: "there", sent: { objects: 0 } },
      { outcome: "there", sent: { objects: 0 } },
    ]);
    const again = proxy.calls.slice(before);
    expect(again.filter(({ kind }) => kind === "PUT").map(({ key }) => key)).toEqual([]);
    expect(again.filter(({ key }) => /\.pack$|manifest$/.test(key))).toEqual([]);
    await run("copy", "--from", "cloud", "--to", "back", "--all");
    const [main, cloud, back] = [
      await run<{ snapshots: unknown[] }>("list", "--vault", "main"),
      await run<{ snapshots: unknown[] }>("list", "--vault", "cloud"),
      await run<{ snapshots: unknown[] }>("list", "--vault", "back"),
    ];
    expect(cloud.snapshots).toEqual(main.snapshots);
    expect(back.snapshots).toEqual(main.snapshots);
    for (const vault of ["cloud", "back"]) {
      expect(await run("verify", "--all", "--read-data", "--vault", vault)).toMatchObject({ ok: true });
    }
    await run("restore", "--vault", "back", "--to", join(folder, "restored"));
    for (const name of ["large", "small"]) {
      expect(readFileSync(join(folder, "restored/data", name)).equals(readFileSync(join(data, name))), name).toBe(true);
    }
  });

  it("a command ends by itself, though connections are kept open for the next call", async () => {
    const child = spawn(process.execPath, [COLDKEEP, "list", "--vault", "cloud", ...config], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NODE_OPTIONS: TELL_EXIT },
    });
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    assertPrintedNoKey(child.spawnargs.slice(2), stdout + stderr);
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^SNAPSHOT/);
  });

  it("doctor --store sees a bucket's guarantees and leaves nothing in it", async () => {
    const { vaults } = await run<{ vaults: { checks: { name: string; status: string; found: string }[] }[] }>(
      ...["doctor", "--store", "--vault", "cloud"],
    );
    const checks = vaults[0]?.checks ?? [];
    // An emulator is another server than AWS's, and this bucket locks nothing.
    const notes = checks.filter(({ status }) => status !== "ok");
    expect(notes.map(({ name, status }) => [name, status])).toEqual([
      ["place", "note"],
      ["locks", "note"],
    ]);
    expect(checks.map(({ name }) => name)).toContain("versions");
  });
});
