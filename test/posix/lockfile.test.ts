import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { acquireLock, lockHolder } from "../../posix/lockfile.ts";
import { isColdkeepError, messageOf } from "../../vault/names/index.ts";
import { tempDir } from "../support/tmp.ts";

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

const CHILD = fileURLToPath(new URL("../support/lock-child.ts", import.meta.url));

function start(...args: string[]): Child {
  const child = spawn(process.execPath, [CHILD, ...args], { stdio: ["pipe", "pipe", "pipe"] });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  return child;
}

/** A process that holds the lock now. */
async function holder(path: string): Promise<Child> {
  const child = start("hold", path);
  await once(child.stdout, "data");
  return child;
}

async function kill(child: Child): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
}

/** Changes what a lock file says of its holder. */
function rewrite(path: string, change: object): void {
  const said = JSON.parse(readFileSync(path, "utf8"));
  writeFileSync(path, JSON.stringify({ ...said, ...change }));
}

const busy = (error: unknown) => isColdkeepError(error, "busy");

describe("a lock", () => {
  it("is held by one, given back, and leaves nothing", () => {
    const folder = tempDir();
    const path = join(folder, "deep", "run.lock");
    const lock = acquireLock(path, "backing up icon");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, "deep")).mode & 0o777).toBe(0o700);
    expect(lockHolder(path)).toEqual({ pid: process.pid, label: "backing up icon" });
    expect(() => acquireLock(path, "again")).toThrow(/another run is active: backing up icon/);
    lock.release();
    lock.release();
    expect(lockHolder(path)).toBeNull();
    expect(readdirSync(join(folder, "deep"))).toEqual([]);
  });

  it("ends with its scope", () => {
    const path = join(tempDir(), "run.lock");
    {
      using _lock = acquireLock(path, "scoped");
      expect(lockHolder(path)).not.toBeNull();
    }
    expect(lockHolder(path)).toBeNull();
  });

  it("of a living process is respected, naming its pid and what it does", async () => {
    const path = join(tempDir(), "run.lock");
    const child = await holder(path);
    expect(() => acquireLock(path, "me")).toThrow(
      new RegExp(`holding for a test: process ${child.pid} holds .*run.lock`),
    );
    await kill(child);
  });

  it("outlives kill -9 of its holder by nothing", async () => {
    const folder = tempDir();
    const path = join(folder, "run.lock");
    await kill(await holder(path));
    expect(readdirSync(folder)).toEqual(["run.lock"]);
    expect(lockHolder(path)).toBeNull();
    acquireLock(path, "me").release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("of a pid that was given to another process is broken", async () => {
    const path = join(tempDir(), "run.lock");
    const child = await holder(path);
    const { identity } = JSON.parse(readFileSync(path, "utf8"));
    rewrite(path, { identity: { ...identity, startTime: "1" } });
    acquireLock(path, "me").release();
    await kill(child);
  });

  it("from before a reboot is broken, though the pid lives again", () => {
    const path = join(tempDir(), "run.lock");
    acquireLock(path, "before");
    const { identity } = JSON.parse(readFileSync(path, "utf8"));
    rewrite(path, { identity: { ...identity, bootId: "00000000-0000-0000-0000-000000000000" } });
    acquireLock(path, "after").release();
  });

  it.each(["machine", "pidNamespace"])("of another %s is respected, until it is as old as the caller says", (field) => {
    const path = join(tempDir(), "run.lock");
    acquireLock(path, "elsewhere");
    rewrite(path, { [field]: "other" });
    expect(() => acquireLock(path, "me")).toThrow(/another run is active: elsewhere/);
    expect(() => acquireLock(path, "me", { foreignStaleMs: 60_000 })).toThrow(/elsewhere/);
    const hourAgo = Date.now() / 1000 - 3600;
    utimesSync(path, hourAgo, hourAgo);
    acquireLock(path, "me", { foreignStaleMs: 60_000 }).release();
  });

  it("that does not say who holds it is not broken", () => {
    const path = join(tempDir(), "run.lock");
    for (const content of ["", "{}", "1234\n", "x".repeat(5000), '{"nonce":"../../x"}']) {
      writeFileSync(path, content);
      try {
        acquireLock(path, "me");
        expect.unreachable(content);
      } catch (error) {
        expect(isColdkeepError(error, "busy") || isColdkeepError(error, "integrity"), messageOf(error)).toBe(true);
      }
      expect(readFileSync(path, "utf8")).toBe(content);
    }
  });

  it("whose breaker died too is broken all the same, and nothing is left lying", async () => {
    const folder = tempDir();
    const path = join(folder, "run.lock");
    await kill(await holder(path));
    const dead = JSON.parse(readFileSync(path, "utf8"));
    // Breakers of the lock, of its breaker, and a half-made one, all killed.
    const [a, b] = ["a".repeat(16), "b".repeat(16)];
    writeFileSync(`${path}.break.${dead.nonce}`, JSON.stringify({ ...dead, nonce: a }));
    writeFileSync(`${path}.break.${a}`, JSON.stringify({ ...dead, nonce: b }));
    writeFileSync(`${path}.tmp.${b}.0`, JSON.stringify({ ...dead, nonce: b }));
    const lock = acquireLock(path, "me");
    expect(readdirSync(folder)).toEqual(["run.lock"]);
    lock.release();
  });

  it("while a living process breaks it is busy, not taken twice", async () => {
    const path = join(tempDir(), "run.lock");
    await kill(await holder(path));
    const dead = JSON.parse(readFileSync(path, "utf8"));
    const breaker = acquireLock(`${path}.break.${dead.nonce}`, "breaking");
    expect(() => acquireLock(path, "me")).toThrow(expect.toSatisfy(busy));
    breaker.release();
    acquireLock(path, "me").release();
  });

  it("keeps many processes apart, some of which are killed while they hold it", async () => {
    const folder = tempDir();
    const [path, inside] = [join(folder, "run.lock"), join(folder, "inside")];
    const children = [4, 7, 9, 0].map((die) => start("storm", path, inside, "12", `${die}`));
    const ends = await Promise.all(
      children.map(async (child) => {
        const [[code, signal], errors] = await Promise.all([once(child, "exit"), text(child.stderr)]);
        return { code, signal, errors };
      }),
    );
    expect(ends.map(({ errors }) => errors)).toEqual(["", "", "", ""]);
    expect(ends.map(({ code, signal }) => signal ?? code)).toEqual(["SIGKILL", "SIGKILL", "SIGKILL", 0]);
  });
});
