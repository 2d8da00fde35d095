import { existsSync, readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { compileOnce } from "../compile.ts";

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
  built ??= compileOnce("fault.so", [SOURCE], { before: ["-shared", "-fPIC"], after: ["-ldl"] });
  return built;
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
