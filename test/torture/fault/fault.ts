import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder } from "../../e2e/emulator/cache.ts";

const SOURCE = fileURLToPath(new URL("fault.c", import.meta.url));

/** Kinds of calls: what changes files, and `read`. */
export const CHANGES = ["create", "write", "sync", "rename", "link", "remove", "folder", "cut"] as const;
export type Op = (typeof CHANGES)[number] | "read";

/** Numbers of errno(3). */
export const ERRNO = { EIO: 5, ENOSPC: 28, EROFS: 30, EDQUOT: 122 } as const;

/** What happens to the process tree from its `at`-th call on. */
export interface Fault {
  /** Killed before or after the call, killed with half of a write done, half a write told as such, or an error. */
  readonly act: "kill" | "kill-after" | "torn" | "short" | keyof typeof ERRNO;
  /** From 1. */
  readonly at: number;
  /** How many calls from there on; 0: all of them. Default 1. */
  readonly span?: number;
}

export interface Watch {
  /** Folders whose files are meant; nothing else is touched. */
  readonly roots: readonly string[];
  /** A file that holds the count; the harness removes it between runs. */
  readonly counter: string;
  /** Calls that are counted. Default: all that change something. */
  readonly ops?: readonly Op[];
  readonly fault?: Fault;
  /** Where every change is written down, and what it replaces is kept: for `cutPower`. The same file system. */
  readonly log?: { readonly file: string; readonly trash: string };
}

let built: string | { readonly missing: string } | undefined;

/** The library, compiled once for each state of its source; why there is none where no compiler is. */
export function faultLibrary(): string | { readonly missing: string } {
  built ??= build();
  return built;
}

function build(): string | { readonly missing: string } {
  const digest = createHash("sha256").update(readFileSync(SOURCE)).digest("hex").slice(0, 16);
  const folder = join(cacheFolder(), `fault-${digest}`);
  const library = join(folder, "fault.so");
  if (existsSync(library)) return library;
  mkdirSync(folder, { recursive: true });
  const fresh = join(folder, `${process.pid}.so`);
  const { status, error, stderr } = spawnSync(
    process.env.CC ?? "cc",
    ["-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-o", fresh, SOURCE, "-ldl"],
    { encoding: "utf8" },
  );
  if (error !== undefined)
    return { missing: `no C compiler (${error.message}); on Debian and Ubuntu: apt-get install gcc` };
  if (status !== 0) throw new Error(stderr);
  renameSync(fresh, library);
  return library;
}

/** The environment in which a command meets that. @throws Error where there is no library. */
export function faultEnv(watch: Watch): Record<string, string> {
  const library = faultLibrary();
  if (typeof library !== "string") throw new Error(library.missing);
  rmSync(watch.counter, { force: true });
  const { fault, log } = watch;
  return {
    LD_PRELOAD: library,
    FAULT_ROOTS: watch.roots.join(":"),
    FAULT_COUNTER: watch.counter,
    FAULT_OPS: (watch.ops ?? CHANGES).join(" "),
    ...(fault === undefined
      ? {}
      : {
          FAULT_ACT: fault.act in ERRNO ? String(ERRNO[fault.act as keyof typeof ERRNO]) : fault.act,
          FAULT_AT: String(fault.at),
          FAULT_SPAN: String(fault.span ?? 1),
        }),
    ...(log === undefined ? {} : { FAULT_LOG: log.file, FAULT_TRASH: log.trash }),
  };
}

/** How many calls were counted since `faultEnv`, and how many of them met the fault. */
export function faultCount(counter: string): { readonly calls: number; readonly met: number } {
  if (!existsSync(counter)) return { calls: 0, met: 0 };
  const bytes = readFileSync(counter);
  if (bytes.length < 16) return { calls: 0, met: 0 };
  return { calls: Number(bytes.readBigUInt64LE(0)), met: Number(bytes.readBigUInt64LE(8)) };
}
