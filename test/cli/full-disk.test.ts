import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { sharedTempDir, tempDir } from "../support/tmp.ts";
import { canMount, mountTmpfs, WITH_MOUNTS } from "../support/tmpfs.ts";
import { copyOf, type Host, makeHost } from "./host.ts";

const MIB = 1 << 20;
const home = sharedTempDir("coldkeep-full");
let host: Host;
let snapshot = "";

beforeAll(async () => {
  host = await makeHost(home);
  snapshot = (await host.json<{ snapshot: string }>("backup")).snapshot;
});

/** The host's copy, one of whose folders lies on a disk of that size. */
function withSmallDisk(folder: "vault" | "data" | "target", size: string): Host {
  const copy = copyOf(host, tempDir("coldkeep-full"));
  const path = join(copy.home, folder);
  if (folder === "target") mkdirSync(path);
  renameSync(path, `${path}~`);
  mountTmpfs(path, size);
  execFileSync("cp", ["-a", `${path}~/.`, path]);
  return copy;
}

async function expectNothingMade(copy: Host): Promise<void> {
  expect(copy.isUp(), "the node runs").toBe(true);
  const { snapshots } = await copy.json<{ snapshots: { snapshot: string }[] }>("list");
  expect(snapshots.map((entry) => entry.snapshot)).toEqual([snapshot]);
  for (const place of [copy.home, copy.data]) {
    const frozen = join(place, ".coldkeep-freeze");
    expect(existsSync(frozen) ? readdirSync(frozen) : []).toEqual([]);
  }
}

describe.skipIf(!canMount)(`a full disk ${WITH_MOUNTS}`, () => {
  it("in the vault ends the backup with 13; once there is room the next one takes over what was put", async () => {
    const copy = withSmallDisk("vault", "2m");
    writeFileSync(join(copy.data, "more"), randomBytes(3 * MIB));
    const error = await copy.failure("backup");
    expect(error).toMatchObject({ kind: "no-space", exit_code: 13 });
    expect(error.message).toContain(copy.vault);
    await expectNothingMade(copy);
    execFileSync("mount", ["-o", "remount,size=32m", copy.vault]);
    expect(await copy.json("backup")).toMatchObject({ listed: true, parent: snapshot });
    expect(await copy.json("verify", "--all", "--read-data")).toMatchObject({ ok: true });
  });

  it("where the frozen tree would lie is told before the node is stopped", async () => {
    const copy = withSmallDisk("data", "20m");
    writeFileSync(join(copy.data, "more"), randomBytes(4 * MIB));
    // Whoever tried to stop it would end with 5.
    copy.change(/^( +)stop: .*$/m, "$1stop: 'false'");
    const error = await copy.failure("backup");
    expect(error).toMatchObject({ kind: "no-space", exit_code: 13 });
    expect(error.message).toContain("the node was not stopped");
    await expectNothingMade(copy);
  });

  it("that fills up while the node is down brings the node back", async () => {
    const copy = withSmallDisk("data", "40m");
    writeFileSync(join(copy.data, "more"), randomBytes(4 * MIB));
    const ballast = join(copy.data, ".coldkeep-freeze", "ballast");
    copy.change(/^( +)stop: (.*)$/m, `$1stop: rm ${copy.home}/up; head -c 34M /dev/zero > ${ballast}`);
    const error = await copy.failure("backup");
    expect(error).toMatchObject({ kind: "no-space", exit_code: 13 });
    expect(copy.isUp()).toBe(true);
    expect(readdirSync(join(copy.data, ".coldkeep-freeze"))).toEqual(["ballast"]);
  });

  it("at the target ends the restore with 13 before anything is written", async () => {
    const copy = withSmallDisk("target", "128k");
    const to = join(copy.home, "target", "copy");
    const error = await copy.failure("restore", "--to", to);
    expect(error).toMatchObject({ kind: "no-space", exit_code: 13 });
    expect(error.message).toMatch(/bytes are needed/);
    expect(readdirSync(join(copy.home, "target"))).toEqual([]);
  });
});

describe("no permission", () => {
  const nobody = 65534;

  /** Runs it without root's powers, where it has them. */
  async function asUser(copy: Host, words: readonly string[]) {
    const isRoot = process.geteuid?.() === 0;
    if (!isRoot) return copy.failure(...words);
    execFileSync("chown", ["-R", `${nobody}:${nobody}`, copy.home]);
    process.seteuid?.(nobody);
    try {
      return await copy.failure(...words);
    } finally {
      process.seteuid?.(0);
    }
  }

  it.each([
    ["to write to the vault", "vault/demo/begins", ["backup"]],
    ["to enter the vault", "vault", ["list"]],
    ["to read the node's files", "data", ["backup"]],
    ["to enter coldkeep's state", "state", ["backup"]],
  ])("%s is told with the path: exit code 14", async (_, folder, words) => {
    const copy = copyOf(host, tempDir("coldkeep-forbidden"));
    const path = join(copy.home, folder);
    execFileSync("chmod", [words[0] === "list" || folder !== "vault/demo/begins" ? "000" : "500", path]);
    const error = await asUser(copy, words);
    expect(error).toMatchObject({ kind: "permission", exit_code: 14 });
    expect(error.message).toContain(path);
    expect(error.todo).toBeDefined();
    expect(copy.isUp()).toBe(true);
  });
});
