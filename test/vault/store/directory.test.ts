import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { acquireLock } from "../../../posix/lockfile.ts";
import { type ErrorKind, isColdkeepError } from "../../../vault/names/index.ts";
import type { ApprovedPlan, DeleteOutcome, Deleter } from "../../../vault/store/facets.ts";
import { hashed } from "../../../vault/store/hashed.ts";
import { openStore } from "../../../vault/store/index.ts";
import { putObject } from "../../support/cards.ts";
import { tempDir } from "../../support/tmp.ts";

const isRoot = process.getuid?.() === 0;
const SLOW_CREATE = fileURLToPath(new URL("../../support/create-child.ts", import.meta.url));
const kind = (name: ErrorKind) => expect.toSatisfy((e: unknown) => isColdkeepError(e, name));
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => "it did not fail",
    (e: unknown) => (isColdkeepError(e) ? `${e.kind}: ${e.message}` : `defect: ${e}`),
  );

async function vault() {
  const path = tempDir("vault");
  return { path, store: await openStore(path) };
}

async function listed(store: Awaited<ReturnType<typeof openStore>>, prefix = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of store.list(prefix)) found.push(name);
  return found;
}

async function outcomes(store: Deleter, plan: ApprovedPlan): Promise<DeleteOutcome[]> {
  const found: DeleteOutcome[] = [];
  for await (const outcome of store.delete(plan)) found.push(outcome);
  return found;
}

describe("opening", () => {
  it("takes a path or a file URL, and follows a link to the vault itself", async () => {
    const { path, store } = await vault();
    await putObject(store, "n/a", Buffer.from("x"));
    const link = join(tempDir(), "link");
    symlinkSync(path, link);
    for (const place of [path, `file://${path}`, link, join(path, ".")]) {
      const again = await openStore(place);
      expect(await listed(again)).toEqual(["n/a"]);
      expect(again.url).toBe(store.url);
    }
  });

  it("says what is wrong with the place", async () => {
    const folder = tempDir();
    const file = join(folder, "file");
    writeFileSync(file, "");
    expect(await failure(openStore(join(folder, "no")))).toMatch(/^vault: there is no vault: .*does not exist.*init/s);
    expect(await failure(openStore(file))).toMatch(/^vault: the vault's path does not lead to a folder/);
    expect(await failure(openStore(join(file, "x")))).toMatch(/^vault: the vault's path does not lead to a folder/);
    expect(await failure(openStore(join(file, "x"), { create: true }))).toMatch(/^vault: .*does not lead to a folder/);
    expect(await failure(openStore("ftp://host/x"))).toMatch(/^config: .*directories or in S3, found "ftp:"/);
    expect(await failure(openStore("file://elsewhere/x"))).toMatch(/^config: not the place/);
    expect(existsSync(join(folder, "no"))).toBe(false);
  });

  it("makes the folder only where asked to, 0700", async () => {
    const path = join(tempDir(), "a", "b");
    await openStore(path, { create: true });
    expect(statSync(path).mode & 0o777).toBe(0o700);
    await openStore(path, { create: true });
  });

  it("notices a disk that went away, or came back as another folder", async () => {
    const { path, store } = await vault();
    await putObject(store, "n/a", Buffer.from("x"));
    renameSync(path, `${path}-away`);
    expect(await failure(store.head("n/a"))).toMatch(/^vault: .*does not exist any more.*mounted/s);
    mkdirSync(path);
    expect(await failure(store.get("n/a"))).toMatch(/^vault: .*another folder lies in its place/);
    expect(await failure(store.create("n/b", hashed(Buffer.from("x"))))).toMatch(/^vault/);
    expect(await failure(listed(store))).toMatch(/^vault/);
    rmSync(`${path}-away`, { recursive: true });
  });
});

describe("what lies in the folder", () => {
  it("is 0600 in 0700, whatever the umask", async () => {
    for (const umask of [0, 0o777]) {
      const { path, store } = await vault();
      const before = process.umask(umask);
      try {
        await putObject(store, "n/data/x/00000.pack", Buffer.from("x"));
        await store.replace("n/index.json", Buffer.from("x"), null);
        const modes = ["n", "n/data", "n/data/x", ".tmp", "n/data/x/00000.pack", "n/index.json"].map(
          (name) => statSync(join(path, name)).mode & 0o7777,
        );
        expect(modes).toEqual([0o700, 0o700, 0o700, 0o700, 0o600, 0o600]);
      } finally {
        process.umask(before);
      }
    }
  });

  it("is one link a file, and nothing temporary stays", async () => {
    const { path, store } = await vault();
    await putObject(store, "n/a", Buffer.from("x"));
    await store.create("n/a", hashed(Buffer.from("y")));
    await failure(store.create("n/b", hashed(Buffer.from("y"))));
    const first = await store.replace("n/c", Buffer.from("x"), null);
    if (first.replaced) await store.replace("n/c", Buffer.from("y"), first.info.etag);
    await store.replace("n/c", Buffer.from("z"), "no such etag");
    expect(readdirSync(join(path, ".tmp"))).toEqual([]);
    expect(statSync(join(path, "n/a")).nlink).toBe(1);
  });

  it("that is no object's name is not listed: hidden, lost+found, an editor's copies", async () => {
    const { path, store } = await vault();
    await putObject(store, "n/a", Buffer.from("x"));
    for (const name of [".hidden", "a~", "ü", "a b"]) writeFileSync(join(path, "n", name), "x");
    mkdirSync(join(path, "lost+found"));
    mkdirSync(join(path, ".Trash"));
    writeFileSync(Buffer.concat([Buffer.from(`${path}/n/`), Buffer.from([0xff])]), "x");
    expect(await listed(store)).toEqual(["n/a"]);
  });

  it("by symbolic links is never followed: out of the vault or within", async () => {
    const { path, store } = await vault();
    const outside = tempDir("outside");
    writeFileSync(join(outside, "secret"), "secret");
    await putObject(store, "n/a", Buffer.from("x"));
    symlinkSync(outside, join(path, "out"));
    symlinkSync(join(outside, "secret"), join(path, "n", "file"));
    symlinkSync("a", join(path, "n", "inner"));
    symlinkSync(join(outside, "new"), join(path, "n", "dangling"));
    const x = Buffer.from("x");
    for (const name of ["out/secret", "n/file", "n/inner", "n/dangling", "out/deep/new"]) {
      expect(await failure(store.head(name)), name).toMatch(/^vault: something else lies .*symbolic link/);
      expect(await failure(store.get(name)), name).toMatch(/symbolic link/);
      expect(await failure(store.getRange(name, 0, 1)), name).toMatch(/symbolic link/);
      expect(await failure(store.create(name, hashed(x))), name).toMatch(/symbolic link/);
      expect(await failure(store.replace(name, x, null)), name).toMatch(/symbolic link/);
      const plan = { objects: [{ name, etag: "0" }] } as unknown as ApprovedPlan;
      expect(await failure(store.delete(plan)[Symbol.asyncIterator]().next()), name).toMatch(/symbolic link/);
    }
    expect(await failure(listed(store, "n/"))).toMatch(/symbolic link/);
    expect(await failure(listed(store))).toMatch(/symbolic link/);
    expect(readdirSync(outside)).toEqual(["secret"]);
    expect(readFileSync(join(outside, "secret"), "utf8")).toBe("secret");
  });

  it("under .tmp as a link to elsewhere is not written through", async () => {
    const path = tempDir("vault");
    const outside = tempDir("outside");
    symlinkSync(outside, join(path, ".tmp"));
    const store = await openStore(path);
    expect(await failure(store.create("n/a", hashed(Buffer.from("x"))))).toMatch(/symbolic link/);
    expect(await failure(store.replace("n/a", Buffer.from("x"), null))).toMatch(/symbolic link/);
    expect(readdirSync(outside)).toEqual([]);
  });

  it("as FIFOs and folders in an object's place is told, and nothing waits", async () => {
    const { path, store } = await vault();
    await putObject(store, "n/folder/a", Buffer.from("x"));
    execFileSync("mkfifo", [join(path, "n", "fifo")]);
    const x = Buffer.from("x");
    expect(await failure(store.get("n/fifo"))).toMatch(/^vault: .*a special file/);
    expect(await failure(store.create("n/fifo", hashed(x)))).toMatch(/^vault: .*a special file/);
    expect(await failure(listed(store))).toMatch(/a special file/);
    expect(await failure(store.create("n/folder", hashed(x)))).toMatch(/^vault: .*found a folder/);
    expect(await failure(store.create("n/folder/a/b", hashed(x)))).toMatch(/^vault: .*found a file/);
    expect(await store.get("n/folder")).toBeNull();
  });
});

describe("versions", () => {
  it("differ though time stands still or goes backwards", async () => {
    const { path, store } = await vault();
    const first = await store.replace("n/a", Buffer.from("1"), null);
    if (!first.replaced) throw new Error("not put");
    // As if the clock had been a day ahead when the first was put.
    const tomorrow = Date.now() / 1000 + 86_400;
    utimesSync(join(path, "n/a"), tomorrow, tomorrow);
    const planted = await store.head("n/a");
    const second = await store.replace("n/a", Buffer.from("2"), planted?.etag ?? "");
    if (!second.replaced) throw new Error("not replaced");
    expect(second.info.receivedAt).toBeGreaterThanOrEqual(planted?.receivedAt ?? Number.POSITIVE_INFINITY);
    expect(await store.head("n/a")).toEqual(second.info);
    expect(new Set([first.info.etag, planted?.etag, second.info.etag]).size).toBe(3);
  });

  it("changed by hand are other versions", async () => {
    const { path, store } = await vault();
    const first = await store.replace("n/a", Buffer.from("1"), null);
    appendFileSync(join(path, "n/a"), "2");
    expect(await store.replace("n/a", Buffer.from("3"), first.replaced ? first.info.etag : "")).toEqual({
      replaced: false,
    });
  });
});

describe("killed, full, forbidden", () => {
  it("kill -9 in the middle of a create leaves nothing to be seen, and the next opening sweeps", async () => {
    const { path, store } = await vault();
    const child = spawn(process.execPath, [SLOW_CREATE, path, "n/data/x/00000.pack"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => {
      child.kill("SIGKILL");
    });
    await once(child.stdout, "data");
    const [temp = ""] = readdirSync(join(path, ".tmp"));
    expect(statSync(join(path, ".tmp", temp)).size).toBeGreaterThan(0);
    // Alive: what it writes is not touched.
    await openStore(path);
    expect(readdirSync(join(path, ".tmp"))).toEqual([temp]);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(await store.head("n/data/x/00000.pack")).toBeNull();
    expect(await listed(store)).toEqual([]);
    await openStore(path, { readonly: true });
    expect(readdirSync(join(path, ".tmp"))).toEqual([temp]);
    await openStore(path);
    expect(readdirSync(join(path, ".tmp"))).toEqual([]);
    await putObject(store, "n/data/x/00000.pack", Buffer.from("again"));
  });

  it("the lock of a killed process, and of who died breaking one, go with the next opening; one that is held stays", async () => {
    const { path, store } = await vault();
    await putObject(store, "n/a", Buffer.from("whole"));
    const at = (name: string) => join(path, ".tmp", name);
    const [dead, broken, live] = ["a", "b", "c"].map((digit) => `${digit.repeat(32)}.lock`) as [string, string, string];
    const lock = acquireLock(at(live), "at work");
    const holder = JSON.parse(readFileSync(at(live), "utf8"));
    const gone = JSON.stringify({ ...holder, nonce: "d".repeat(16), identity: { ...holder.identity, startTime: "1" } });
    writeFileSync(at(dead), gone);
    writeFileSync(at(`${broken}.break.${"e".repeat(16)}`), gone);
    await openStore(path);
    expect(readdirSync(join(path, ".tmp"))).toEqual([live]);
    lock.release();
  });

  it("a torn temporary file, and one with two links after a power cut, are swept without harm", async () => {
    const { path, store } = await vault();
    await putObject(store, "n/a", Buffer.from("whole"));
    const dead = `${"0".repeat(16)}-${"0".repeat(36)}-1-1-${"0".repeat(16)}.part`;
    const strangers = ["notes.txt", `${dead}x`];
    for (const name of strangers) writeFileSync(join(path, ".tmp", name), "x");
    execFileSync("ln", [join(path, "n/a"), join(path, ".tmp", dead)]);
    const old = Date.now() / 1000 - 30 * 86_400;
    utimesSync(join(path, ".tmp", dead), old, old);
    await openStore(path);
    expect(readdirSync(join(path, ".tmp")).sort()).toEqual(strangers.sort());
    expect(Buffer.from((await store.get("n/a"))?.bytes ?? []).toString()).toBe("whole");
    expect(statSync(join(path, "n/a")).nlink).toBe(1);
  });

  it("an object that was cut by hand is an integrity error where its end is wanted", async () => {
    const { path, store } = await vault();
    await putObject(store, "n/a", Buffer.alloc(1000));
    truncateSync(join(path, "n/a"), 999);
    await expect(store.getRange("n/a", 900, 100)).rejects.toThrow(kind("integrity"));
    expect((await store.getRange("n/a", 900, 99))?.length).toBe(99);
  });

  it.skipIf(!isRoot)(
    "a full disk at put leaves what was there, and goes on once there is room (needs root)",
    async () => {
      const path = tempDir("vault");
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "none", path]);
      try {
        const store = await openStore(path);
        await putObject(store, "n/small", Buffer.from("x"));
        const first = await store.replace("n/index.json", Buffer.from("1"), null);
        const big = Buffer.alloc(2 << 20);
        await expect(store.create("n/big", hashed(big))).rejects.toThrow(kind("no-space"));
        await expect(store.replace("n/index.json", big, first.replaced ? first.info.etag : "")).rejects.toThrow(
          kind("no-space"),
        );
        expect(await listed(store)).toEqual(["n/index.json", "n/small"]);
        expect(readdirSync(join(path, ".tmp"))).toEqual([]);
        await putObject(store, "n/half", Buffer.alloc(500_000));
      } finally {
        execFileSync("umount", [path]);
      }
    },
  );

  it.skipIf(!isRoot)("a folder on another file system is refused with the reason (needs root)", async () => {
    const { path, store } = await vault();
    mkdirSync(join(path, "n"));
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "none", join(path, "n")]);
    try {
      const x = Buffer.from("x");
      expect(await failure(store.create("n/a", hashed(x)))).toMatch(/^vault: this folder cannot be a vault.*EXDEV/);
      expect(readdirSync(join(path, ".tmp"))).toEqual([]);
    } finally {
      execFileSync("umount", [join(path, "n")]);
    }
  });

  it.skipIf(!isRoot)("a read-only mount can be read, and refuses every change (needs root)", async () => {
    const { path, store } = await vault();
    await putObject(store, "n/a", Buffer.from("x"));
    const place = tempDir("mount");
    execFileSync("mount", ["--bind", path, place]);
    try {
      execFileSync("mount", ["-o", "remount,bind,ro", place]);
      const mounted = await openStore(place);
      expect(await listed(mounted)).toEqual(["n/a"]);
      const x = Buffer.from("x");
      expect(await failure(mounted.create("n/b", hashed(x)))).toMatch(/^permission: .*EROFS/);
      expect(await failure(mounted.replace("n/b", x, null))).toMatch(/^permission/);
    } finally {
      execFileSync("umount", [place]);
    }
  });

  it.skipIf(!isRoot)("what the file system protects stays in the plan (needs root)", async ({ skip }) => {
    const { path, store } = await vault();
    await putObject(store, "n/a", Buffer.from("x"));
    try {
      execFileSync("chattr", ["+i", join(path, "n/a")], { stdio: "ignore" });
    } catch {
      return skip("chattr +i does not work on this file system");
    }
    try {
      const info = await store.head("n/a");
      const plan = { objects: [{ name: "n/a", etag: info?.etag }] } as unknown as ApprovedPlan;
      expect(await outcomes(store, plan)).toEqual([{ name: "n/a", outcome: "locked" }]);
      expect(await listed(store)).toEqual(["n/a"]);
    } finally {
      execFileSync("chattr", ["-i", join(path, "n/a")]);
    }
  });

  it("an object that was deleted takes its empty folders along, and no others", async () => {
    const { path, store } = await vault();
    await putObject(store, "n/data/x/00000.pack", Buffer.from("x"));
    await putObject(store, "n/data/y/00000.pack", Buffer.from("y"));
    const info = await store.head("n/data/x/00000.pack");
    const plan = { objects: [{ name: "n/data/x/00000.pack", etag: info?.etag }] } as unknown as ApprovedPlan;
    expect(await outcomes(store, plan)).toEqual([{ name: "n/data/x/00000.pack", outcome: "deleted" }]);
    expect(readdirSync(join(path, "n/data"))).toEqual(["y"]);
    await putObject(store, "n/data/x/00000.pack", Buffer.from("anew"));
  });

  it.skipIf(isRoot)("no permission is told as such (needs a user that is not root)", async () => {
    const { path, store } = await vault();
    await putObject(store, "n/a", Buffer.from("x"));
    chmodSync(join(path, "n"), 0o500);
    const x = Buffer.from("x");
    expect(await failure(store.create("n/b", hashed(x)))).toMatch(/^permission/);
    chmodSync(join(path, "n"), 0);
    expect(await failure(store.get("n/a"))).toMatch(/^permission/);
    chmodSync(join(path, "n"), 0o700);
  });

  it.skipIf(!isRoot)("another user's vault is a matter of permission, not of absence (needs root)", async () => {
    const { path, store } = await vault();
    await putObject(store, "n/a", Buffer.from("x"));
    chmodSync(path, 0o755);
    const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
    const code = `
      process.setgroups([]); process.setgid(65534); process.setuid(65534);
      const store = await openStore(${JSON.stringify(path)});
      for (const call of [() => store.get("n/a"), () => store.head("n/b"), () => store.create("n/b", hashed(Buffer.from("x")))])
        await call().then(() => console.log("done"), (e) => console.log(e.kind));`;
    const imports = `import { hashed, openStore } from ${JSON.stringify(join(root, "vault/store/index.ts"))};`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", imports + code], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    expect((await text(child.stdout)).trim().split("\n")).toEqual(["permission", "permission", "permission"]);
  });
});
