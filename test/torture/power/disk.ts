import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, mkdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Chance } from "../chance.ts";
import { compileOnce } from "../compile.ts";
import type { Op } from "../fault/fault.ts";

/** Bits of serve.c. */
const KINDS: Readonly<Record<Op, number>> = {
  create: 1,
  write: 2,
  sync: 4,
  rename: 8,
  link: 16,
  remove: 32,
  folder: 64,
  cut: 128,
  read: 256,
};

/** What happens at a call; see serve.c. A number is one of errno(3). */
export type Act = "none" | "cut" | "cut-after" | "torn" | "short" | "forget" | number;

export interface Aim {
  /** Whose calls wait for an fsync, and are counted: a process group. */
  readonly group: number;
  readonly ops: readonly Op[];
  /** The folders below the host's, by how their names begin, by commas; `.` for the host's own. Default: everywhere. */
  readonly place?: string;
  /** From 1. */
  readonly from: number;
  /** How many calls; 0: all of them. */
  readonly span: number;
  readonly act: Act;
}

/** An fsync that failed. */
export interface Unsynced {
  /** From the mount point on; `*` of a sync of the whole disk. */
  readonly path: string;
  readonly kind: "file" | "folder" | "all";
  /** Of a folder: the names in it that had been added, taken away or changed since it was last synced. */
  readonly names: readonly string[];
  /** Whether another file with the same bytes was synced after that. */
  readonly anew: boolean;
  /** Whether an fsync of the very same went well after that: on Linux that tells nothing of what was lost. */
  readonly again: boolean;
}

/** A disk of which the power can be cut (serve.c), mounted at `folder`. */
export interface PowerDisk {
  readonly folder: string;
  readonly pid: number;
  arm(aim: Aim): Promise<void>;
  /** What may still be written, in bytes. */
  leave(bytes: number): Promise<void>;
  count(): Promise<{ readonly calls: number; readonly met: number; readonly powerless: boolean }>;
  /** The fsyncs that failed since it was armed, and were not forgotten by `sync` or `cut` since. */
  unsynced(): Promise<readonly Unsynced[]>;
  /** All is kept, and nothing armed. */
  sync(): Promise<void>;
  /** The power goes, and comes back. @returns how many changes of names, and files, lost something. */
  cut(chance: Chance): Promise<{ readonly names: number; readonly files: number }>;
  end(): Promise<void>;
}

const at = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Why no such disk can be mounted here, or null. */
export function powerDiskMissing(): string | null {
  try {
    accessSync("/dev/fuse", constants.R_OK | constants.W_OK);
  } catch {
    return "/dev/fuse cannot be opened";
  }
  if (process.getuid?.() !== 0) return "only root may mount";
  const programs = [server(), syncfsLibrary()];
  for (const program of programs) if (typeof program !== "string") return program.missing;
  return null;
}

function server() {
  return compileOnce("serve", [at("serve.c"), at("tree.c")], { read: [at("tree.h")] });
}

function syncfsLibrary() {
  return compileOnce("syncfs.so", [at("syncfs.c")], { before: ["-shared", "-fPIC"] });
}

/** The environment of a command that works on such a disk. */
export function powerEnv(): Record<string, string> {
  const library = syncfsLibrary();
  if (typeof library !== "string") throw new Error(library.missing);
  return { LD_PRELOAD: library };
}

/** Mounts an empty one. @throws Error where that cannot be done. */
export async function mountPowerDisk(folder: string): Promise<PowerDisk> {
  const program = server();
  if (typeof program !== "string") throw new Error(program.missing);
  mkdirSync(folder, { recursive: true });
  const child = spawn(program, [folder, "0"], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise<void>((done) => child.once("exit", () => done()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error("the disk's server has ended");
    return String(value);
  };
  const ask = (line: string) => {
    child.stdin.write(`${line}\n`);
    return next();
  };
  const end = () => {
    child.stdin.end();
    return ended;
  };
  const first = await next();
  if (first !== "mounted") throw new Error(first);
  return { folder, pid: pidOf(child), ...commandsBy(ask), end };
}

function commandsBy(ask: (line: string) => Promise<string>): Omit<PowerDisk, "folder" | "pid" | "end"> {
  const numbers = async (line: string) => (await ask(line)).split(" ").map(Number) as [number, number, number];
  return {
    async arm({ group, ops, place = "*", from, span, act }) {
      const kinds = ops.reduce((all, op) => all | KINDS[op], 0);
      await ask(`arm ${group} ${kinds} ${place} ${from} ${span} ${act}`);
    },
    async leave(bytes) {
      await ask(`space ${bytes}`);
    },
    async count() {
      const [calls, met, powerless] = await numbers("count");
      return { calls, met, powerless: powerless === 1 };
    },
    async unsynced() {
      return JSON.parse(await ask("unsynced")) as Unsynced[];
    },
    async sync() {
      await ask("sync");
    },
    async cut(chance) {
      const [names, files] = await numbers(`cut ${chance.whole(0, 2 ** 40)} ${chance.whole(0, 1)}`);
      return { names, files };
    },
  };
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error("the disk's server did not start");
  return child.pid;
}
