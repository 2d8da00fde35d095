import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readdirSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { parseMounts } from "../../posix/mounts.ts";
import { findHolders, type HolderQuestion } from "../../posix/openfiles.ts";
import { tempDir } from "../support/tmp.ts";

const root = process.getuid?.() === 0;
const python = spawnSync("python3", ["-c", "import fcntl, mmap"]).status === 0;
const withPython = python ? "" : " (skipped: needs python3)";

/** Runs Python that prints a line when it is ready, and waits for it; killed when the test ends. */
async function hold(code: string, ...prefix: readonly string[]): Promise<ChildProcess> {
  const script = `${code}\nprint("ready", flush=True)\nimport sys; sys.stdin.read()`;
  const [file = "", ...words] = [...prefix, "python3", "-c", script];
  const child = spawn(file, words, { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  if (child.stdout !== null) await once(child.stdout, "data");
  return child;
}

const nothing = () => false;
const listing = (...files: readonly string[]): HolderQuestion["includes"] => {
  const known = files.map((file) => statSync(file));
  return (dev, ino) => known.some((info) => info.dev === dev && info.ino === ino);
};

describe.skipIf(!python)(`open files${withPython}`, () => {
  it("are found by their path, with who holds them and how; our own do not count", async () => {
    const folder = realpathSync(tempDir());
    const beside = `${folder}x`;
    mkdirSync(beside);
    onTestFinished(() => void execFileSync("rm", ["-r", beside]));
    for (const name of ["a", "b", "c"]) writeFileSync(join(folder, name), "content");
    writeFileSync(join(beside, "d"), "");
    const child = await hold(`
import os
a = open("${folder}/a", "r+"); b = open("${folder}/b"); d = open("${beside}/d", "w")
o = os.open("${folder}/c", os.O_PATH); f = os.open("${folder}", os.O_RDONLY)
n = open(b"${folder}/\\xff\\n", "w"); os.unlink(b"${folder}/\\xff\\n")`);
    const { holders } = findHolders({ roots: [folder], includes: nothing });
    const found = holders.map(({ pid, command, below, hold, listed }) => ({ pid, command, below, hold, listed }));
    const of = { pid: child.pid, command: "python3", listed: false };
    expect(found.sort((x, y) => ((x.below?.path ?? "") < (y.below?.path ?? "") ? -1 : 1))).toEqual([
      { ...of, below: { root: 0, path: "a" }, hold: "writes" },
      { ...of, below: { root: 0, path: "b" }, hold: "reads" },
      { ...of, below: { root: 0, path: "\xff\n" }, hold: "writes" },
    ]);
  });

  it("that are only mapped, or only locked, are found", async () => {
    const folder = realpathSync(tempDir());
    for (const name of ["mapped", "flock", "posix"]) writeFileSync(join(folder, name), "content");
    const child = await hold(`
import fcntl, mmap, os
f = os.open("${folder}/mapped", os.O_RDONLY); m = mmap.mmap(f, 0, prot=mmap.PROT_READ); os.close(f)
l = open("${folder}/flock", "w"); fcntl.flock(l, fcntl.LOCK_EX)
p = open("${folder}/posix", "w"); fcntl.lockf(p, fcntl.LOCK_EX)`);
    const { holders } = findHolders({
      roots: [folder],
      includes: listing(join(folder, "flock"), join(folder, "posix")),
    });
    const mine = holders.filter(({ pid }) => pid === child.pid);
    expect(mine.filter((h) => h.hold === "mapped").map((h) => h.below?.path)).toContain("mapped");
    expect(mine.filter((h) => h.hold === "locked").length).toBe(2);
    expect(findHolders({ roots: [folder], includes: nothing }).holders.every((h) => h.pid === child.pid)).toBe(true);
  });

  it.skipIf(!root)(`in another mount namespace are found by their inode${root ? "" : " (needs root)"}`, async () => {
    const folder = realpathSync(tempDir());
    const elsewhere = tempDir();
    writeFileSync(join(folder, "a"), "");
    const child = await hold(
      `a = open("${elsewhere}/a", "r+")`,
      ...["unshare", "--mount", "sh", "-c", `mount --bind ${folder} ${elsewhere} && exec "$0" "$@"`],
    );
    const question = { roots: [folder], includes: listing(join(folder, "a")) };
    expect(findHolders(question).holders).toMatchObject([{ pid: child.pid, listed: true, hold: "writes" }]);
  });

  it.skipIf(!root)(
    `of others that may not be looked into are told as unseen${root ? "" : " (needs root)"}`,
    async () => {
      const folder = realpathSync(tempDir());
      chmodSync(folder, 0o755);
      writeFileSync(join(folder, "a"), "");
      const child = await hold(`a = open("${folder}/a", "r+")`);
      const script = `
      import { findHolders } from ${JSON.stringify(new URL("../../posix/openfiles.ts", import.meta.url).href)};
      process.setgid(65534); process.setuid(65534);
      console.log(JSON.stringify(findHolders({ roots: [${JSON.stringify(folder)}], includes: () => false })));`;
      const out = execFileSync(process.execPath, ["--input-type=module", "--eval", script]).toString();
      const { holders, unseen } = JSON.parse(out) as ReturnType<typeof findHolders>;
      expect(holders).toEqual([]);
      expect(unseen).toContainEqual({ pid: child.pid, command: "python3" });
      const kernelThreads = readdirSync("/proc").filter(
        (pid) => /^\d+$/.test(pid) && !unseen.some((process) => String(process.pid) === pid),
      );
      if (statSync("/proc/2", { throwIfNoEntry: false }) !== undefined) expect(kernelThreads).toContain("2");
    },
  );
});

describe("mounts", () => {
  it("are read with their escapes; other lines are left out", () => {
    const text = [
      "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw",
      "37 35 0:45 / /a\\040b\\134\\012 rw - btrfs /dev/sda1 rw",
      "nonsense",
      "",
    ].join("\n");
    expect(parseMounts(text)).toEqual([
      { id: 36, major: 98, minor: 0, point: "/mnt2", folder: "/mnt1", type: "ext3", source: "/dev/root" },
      { id: 37, major: 0, minor: 45, point: "/a b\\\n", folder: "/", type: "btrfs", source: "/dev/sda1" },
    ]);
  });
});
