import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { cacheFolder, lockInstall } from "../../e2e/emulator/cache.ts";
import { onCi } from "../../support/ci.ts";
import { assertNoSecret } from "../../support/secrets.ts";

const SUITE = "bookworm";
const PACKAGES = ["systemd", "systemd-sysv", "dbus", "polkitd"];
const PATIENCE_MS = 120_000;
/** This checkout, which a machine has read-only at /coldkeep. */
const CHECKOUT = fileURLToPath(new URL("../../..", import.meta.url));

/** Why no machine can be booted here, in words for a test's name; null where one can. In CI that is an error. */
export function obstacleToMachines(): string | null {
  const missing = ["mmdebstrap", "systemd-nspawn", "nsenter"].filter((name) => spawnSync("which", [name]).status !== 0);
  const why =
    process.getuid?.() !== 0
      ? "needs root"
      : missing.length > 0
        ? `${missing.join(", ")} missing; on Debian and Ubuntu: apt-get install mmdebstrap systemd-container`
        : null;
  if (why !== null && onCi()) throw new Error(`CI boots no machine: ${why}`);
  return why;
}

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A Debian with systemd as its first process, in namespaces of its own: no network, nothing of it outlives the test. */
export interface Machine {
  /** Words before a program that make it run inside. */
  readonly enter: readonly string[];
  /** For one that is kept: shuts it down in order. */
  halt(): Promise<void>;
  /** Runs a program in it as root, to its end. */
  run(words: readonly string[], input?: string | Uint8Array): Promise<Ran>;
  /** The same, for what must end with 0. @throws Error with what it said. */
  must(words: readonly string[], input?: string | Uint8Array): Promise<string>;
  /** Writes a file below an existing folder. */
  write(path: string, content: string | Uint8Array, mode?: number): Promise<void>;
}

/** How coldkeep is called in a machine. */
export const COLDKEEP = ["/coldkeep/node_modules/.bin/node", "/coldkeep/bin/coldkeep.mjs"] as const;

export interface MachineOptions {
  /** Folders of the host that it sees under the same path. */
  readonly binds?: readonly string[];
  /** Whoever boots it halts it; default: it is halted when the running test ends. */
  readonly kept?: boolean;
}

/** Boots a machine, which is halted when the running test ends. What it writes goes with it. */
export async function bootMachine({ binds = [], kept = false }: MachineOptions = {}): Promise<Machine> {
  const root = await image();
  const name = `coldkeep-${process.pid}-${Math.trunc(performance.now())}`;
  const words = [
    ...["--quiet", "--keep-unit", "--register=no", "--private-network", "--console=pipe", `--machine=${name}`],
    ...[`--directory=${root}`, "--volatile=overlay", `--bind-ro=${CHECKOUT}:/coldkeep`],
    ...binds.map((folder) => `--bind=${folder}`),
    ...["/lib/systemd/systemd", "--show-status=no"],
  ];
  const nspawn = spawn("systemd-nspawn", words, { stdio: ["ignore", "pipe", "pipe"] });
  const said = Promise.all([text(nspawn.stdout), text(nspawn.stderr)]);
  if (!kept) onTestFinished(() => halt(nspawn));
  const inside = await firstProcess(nspawn, said);

  const enter = ["nsenter", "-t", String(inside), "-a", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"];

  const run = async (program: readonly string[], input: string | Uint8Array = ""): Promise<Ran> => {
    const [nsenter = "", ...words] = enter;
    const child = spawn(nsenter, [...words, ...program]);
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    // Its configuration is in there and read by nobody here: what tests write as keys they tell by keepSecret.
    if (program[0] === "journalctl" || COLDKEEP.some((word) => program.includes(word))) {
      assertNoSecret(stdout + stderr, program.join(" "));
    }
    return { code: code as number | null, stdout, stderr };
  };
  const must = async (program: readonly string[], input?: string | Uint8Array): Promise<string> => {
    const { code, stdout, stderr } = await run(program, input);
    if (code !== 0) throw new Error(`${program.join(" ")} ended with ${code}:\n${stdout}${stderr}`);
    return stdout;
  };
  // Its answer may be "degraded": a container has no use for some of a distribution's units.
  await run(["systemctl", "is-system-running", "--wait"]);
  return {
    enter,
    halt: () => halt(nspawn),
    run,
    must,
    write: async (path, content, mode = 0o600) => {
      await must(["sh", "-c", 'umask 077; cat >"$1"; chmod "$2" "$1"', "sh", path, mode.toString(8)], content);
    },
  };
}

/** The tree that machines see below what they write themselves, made once. */
async function image(): Promise<string> {
  const root = join(cacheFolder(), `debian-${SUITE}-${PACKAGES.join("-")}`);
  if (existsSync(root)) return root;
  using _lock = await lockInstall(root, "making a Debian");
  if (existsSync(root)) return root;
  process.stderr.write(`making a Debian in ${root}, once; this takes half a minute\n`);
  const partial = `${root}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial);
  const words = ["--quiet", "--variant=minbase", `--include=${PACKAGES.join(",")}`, SUITE, partial];
  execFileSync("mmdebstrap", words, { stdio: "pipe" });
  renameSync(partial, root);
  return root;
}

/** The host's pid of what is process 1 inside, once it answers. */
async function firstProcess(nspawn: ChildProcess, said: Promise<string[]>): Promise<number> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    if (nspawn.exitCode !== null || performance.now() > end) {
      if (nspawn.exitCode === null) nspawn.kill("SIGKILL");
      throw new Error(`the machine did not start:\n${(await said).join("")}`);
    }
    for (const child of childrenOf(nspawn.pid)) {
      if (spawnSync("nsenter", ["-t", child, "-a", "systemctl", "show-environment"]).status === 0) return Number(child);
    }
    await sleep(100);
  }
}

function childrenOf(pid: number | undefined): string[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean);
  } catch {
    return [];
  }
}

/** SIGTERM makes nspawn shut its machine down in order. */
async function halt(nspawn: ChildProcess): Promise<void> {
  if (nspawn.exitCode !== null || nspawn.signalCode !== null) return;
  const gone = once(nspawn, "exit");
  nspawn.kill("SIGTERM");
  const hard = setTimeout(() => nspawn.kill("SIGKILL"), 20_000);
  await gone;
  clearTimeout(hard);
}
