import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { ColdkeepError, messageOf, systemCode } from "../vault/names/index.ts";

/** Names one process for ever: a pid alone is reused, a pid with its start time in one boot is not. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks after boot at which it started (proc_pid_stat(5), field 22), as decimal digits. */
  readonly startTime: string;
  /** /proc/sys/kernel/random/boot_id. */
  readonly bootId: string;
}

/** Where pids mean what they mean here: the machine, and the pid namespace within it. */
export interface ProcessRealm {
  /** /etc/machine-id, or the host's name where there is none. */
  readonly machine: string;
  /** Inode of the pid namespace (namespaces(7)); "" where it is not told. */
  readonly pidNamespace: string;
}

let own: ProcessIdentity | undefined;
let realm: ProcessRealm | undefined;

/** Who we are. Worker threads share their process's identity. @throws ColdkeepError `refused` without a readable /proc. */
export function processIdentity(): ProcessIdentity {
  own ??= { pid: process.pid, startTime: ownStartTime(), bootId: bootId() };
  return own;
}

/** Where we are. Never throws. */
export function processRealm(): ProcessRealm {
  realm ??= {
    machine: tryRead(() => readFileSync("/etc/machine-id", "latin1").trim()) || hostname(),
    pidNamespace: tryRead(() => readlinkSync("/proc/self/ns/pid")),
  };
  return realm;
}

/**
 * Whether the process still runs. True also where that could not be found out: only a proven death is false. A zombie
 * is dead, since it holds no files any more. Asks about this machine and pid namespace only.
 */
export function isAlive(identity: ProcessIdentity): boolean {
  if (identity.bootId !== bootId()) return false;
  const stat = readStat(identity.pid);
  // Hidden by hidepid (proc(5)): the kernel still answers whether the pid is in use.
  if (stat === null) return pidInUse(identity.pid);
  return stat.startTime === identity.startTime && stat.state !== "Z" && stat.state !== "X";
}

/** True where two identities name the same process. */
export function sameProcess(a: ProcessIdentity, b: ProcessIdentity): boolean {
  return a.pid === b.pid && a.startTime === b.startTime && a.bootId === b.bootId;
}

/** Checks the shape of an identity read from a file; null where it is none. */
export function parseIdentity(value: unknown): ProcessIdentity | null {
  if (typeof value !== "object" || value === null) return null;
  if (!("pid" in value && "startTime" in value && "bootId" in value)) return null;
  const { pid, startTime, bootId: boot } = value;
  if (!(typeof pid === "number" && Number.isSafeInteger(pid) && pid > 0)) return null;
  if (!(typeof startTime === "string" && /^\d{1,20}$/.test(startTime))) return null;
  if (!(typeof boot === "string" && /^[0-9a-f-]{1,64}$/.test(boot))) return null;
  return { pid, startTime, bootId: boot };
}

/** State and start time out of the text of /proc/<pid>/stat; the command in it may hold any bytes, also `)`. */
export function parseStat(text: string): { readonly state: string; readonly startTime: string } | null {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const state = fields[0];
  const startTime = fields[19];
  if (state === undefined || startTime === undefined || !/^\d+$/.test(startTime)) return null;
  return { state, startTime };
}

function readStat(pid: number): { readonly state: string; readonly startTime: string } | null {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return null;
  }
}

function pidInUse(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) !== "ESRCH";
  }
}

let boot: string | undefined;

function bootId(): string {
  boot ??= fromProc("/proc/sys/kernel/random/boot_id", (text) => text.trim());
  return boot;
}

function ownStartTime(): string {
  return fromProc("/proc/self/stat", (text) => parseStat(text)?.startTime ?? "");
}

function fromProc(path: string, pick: (text: string) => string): string {
  let why = "it does not have the form expected";
  try {
    const value = pick(readFileSync(path, "latin1"));
    if (value !== "") return value;
  } catch (error) {
    why = messageOf(error);
  }
  throw new ColdkeepError("refused", {
    what: "cannot tell which process this is",
    on: path,
    why,
    todo: "Coldkeep needs Linux with /proc mounted",
  });
}

function tryRead(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}
