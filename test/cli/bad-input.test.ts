import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeWorld, type World } from "../systems/support/world.ts";

/** The world's configuration with something replaced. */
function change(world: World, from: string | RegExp, to: string): void {
  const path = join(world.home, "config.yaml");
  const text = readFileSync(path, "utf8");
  const changed = text.replace(from, to);
  expect(changed).not.toBe(text);
  writeFileSync(path, changed);
}

/** Runs a command that must fail, and gives its one JSON error. */
async function failure(world: World, ...words: string[]) {
  const { status, stdout, stderr } = await world.run(...words, "--json");
  expect(stdout, "nothing is printed for a program to mistake").toBe("");
  const { error } = JSON.parse(stderr) as { error: { kind: string; message: string; exit_code: number } };
  expect(error.exit_code).toBe(status);
  return error;
}

/** The node is up, and was not even stopped, where its height never fell back to an earlier start. */
async function isUp(world: World): Promise<void> {
  await world.node.reach(1, new AbortController().signal);
}

describe("keys", () => {
  it("that are too short are refused before the node is touched; wrong ones open nothing", async () => {
    const world = await makeWorld({ blocks: 200 });
    await world.json("backup");
    const key = join(world.home, "coldkeep.key");
    writeFileSync(key, "fifteen letters!\n");
    expect(await failure(world, "backup")).toMatchObject({
      kind: "key",
      message: expect.stringContaining("has 15 bytes, aes-256-gcm takes 16, 24 or 32"),
    });
  });

  it("of another vault open nothing, and say so", async () => {
    const world = await makeWorld({ blocks: 200 });
    await world.json("backup");
    writeFileSync(join(world.home, "coldkeep.key"), "0123456789abcdefghijklmnopqrstuv\n");
    expect(await failure(world, "restore", "latest", "--to", join(world.home, "copy"))).toMatchObject({ kind: "key" });
    expect(existsSync(join(world.home, "copy"))).toBe(false);
    const { status, stdout } = await world.run("doctor");
    expect(status).toBe(4);
    expect(stdout).toMatch(/^FAIL +key proven/m);
  });

  it("in a file that others can read are refused", async () => {
    const world = await makeWorld({ blocks: 100 });
    chmodSync(join(world.home, "coldkeep.key"), 0o644);
    expect(await failure(world, "backup")).toMatchObject({ kind: "permission", exit_code: 14 });
    await isUp(world);
  });
});

describe("vaults", () => {
  it("that are a file, or gone, are told apart, and the node is not touched", async () => {
    const world = await makeWorld({ blocks: 100 });
    const vault = join(world.home, "vault");
    rmSync(vault, { recursive: true });
    expect(await failure(world, "backup")).toMatchObject({
      kind: "vault",
      message: expect.stringContaining("does not exist"),
    });
    writeFileSync(vault, "");
    expect(await failure(world, "backup")).toMatchObject({ kind: "vault" });
    await isUp(world);
  });

  it("in which another host has the node's name are refused", async () => {
    const world = await makeWorld({ blocks: 100 });
    rmSync(join(world.home, "config.yaml"));
    const error = await failure(
      world,
      ...["init", "--state-dir", join(world.home, "other-state"), "--vault", join(world.home, "vault")],
      ...["--key-file", join(world.home, "coldkeep.key"), "--node", "demo", "--profile", "leveldb"],
      ...["--root", `data=${world.node.data}`],
    );
    expect(error).toMatchObject({ kind: "refused", message: expect.stringContaining("another host claims") });
    expect(existsSync(join(world.home, "config.yaml"))).toBe(false);
  });
});

describe("nodes", () => {
  it("that will not stop are started again: exit code 5", async () => {
    const world = await makeWorld({ blocks: 100 });
    change(world, /^( +)stop: .*$/m, "$1stop: 'true'");
    change(world, "stop_timeout: 120s", "stop_timeout: 500ms");
    expect(await failure(world, "backup")).toMatchObject({ kind: "node-stop", exit_code: 5 });
    await isUp(world);
  });

  it("that lie about being stopped are found out: exit code 5", async () => {
    const world = await makeWorld({ blocks: 100 });
    change(world, /^( +)stop: .*$/m, `$1stop: touch ${world.home}/said-stop`);
    change(world, /^( +)is_running: .*$/m, `$1is_running: test ! -e ${world.home}/said-stop`);
    change(world, /^( +)start: .*$/m, `$1start: rm -f ${world.home}/said-stop`);
    change(world, "stop_timeout: 120s", "stop_timeout: 500ms");
    expect(await failure(world, "backup")).toMatchObject({ kind: "node-stop", exit_code: 5 });
    await isUp(world);
  });

  it("that will not start are told loudly: exit code 6", async () => {
    const world = await makeWorld({ blocks: 100 });
    change(world, /^( +)start: .*$/m, "$1start: 'false'");
    change(world, "start_timeout: 300s", "start_timeout: 500ms");
    expect(await failure(world, "backup")).toMatchObject({ kind: "node-start", exit_code: 6 });
  });
});

describe("restores", () => {
  it("into a folder that is not empty, of what is not there, or of what is too old are refused", async () => {
    const world = await makeWorld({ blocks: 100 });
    await world.json("backup");
    const to = join(world.home, "state");
    expect(await failure(world, "restore", "--to", to)).toMatchObject({ kind: "refused" });
    const copy = join(world.home, "copy");
    expect(await failure(world, "restore", "20200101T000000Z", "--to", copy)).toMatchObject({ kind: "not-found" });
    expect(await failure(world, "restore", "--at", "2020-01-01", "--to", copy)).toMatchObject({ kind: "not-found" });
    expect(await failure(world, "restore", "--min-height", "99999999", "--to", copy)).toMatchObject({
      kind: "refused",
    });
    expect(await failure(world, "restore", "--include", "data/nothing*", "--to", copy)).toMatchObject({
      kind: "usage",
    });
    expect(existsSync(copy)).toBe(false);
  });
});
