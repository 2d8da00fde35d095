import { execFileSync, spawn } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { setInterval } from "node:timers";
import { systemClock } from "../../posix/clock.ts";

export interface Step {
  readonly status: number;
  /** Seconds from the start of the command until all that it wrote is on disk. */
  readonly wall: number;
  /** Seconds of processor time, user and system, of the command and all it started and waited for. */
  readonly cpu: number;
  /** Bytes: the largest sum of resident sizes of the command's processes that was sampled, or the peak of one. */
  readonly rss: number;
  /** What it said last, for where it failed. */
  readonly said: string;
}

const SAMPLE_MS = 50;
/** After the command, bash's own account of its children: "0m1.234s 0m0.567s". */
const TIMES = /(\d+)m([\d.]+)s (\d+)m([\d.]+)s\s*$/;

/** Runs a bash command, as its own process group, with nothing left to be written before it. */
export async function measure(command: string, env: NodeJS.ProcessEnv): Promise<Step> {
  execFileSync("sync");
  const began = systemClock.monotonic();
  const child = spawn("bash", ["-o", "pipefail", "-c", '( eval "$0" ); status=$?; times >&3; exit $status', command], {
    env,
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  let rss = 0;
  const sampler = setInterval(() => {
    rss = Math.max(rss, residentOf(child.pid ?? 0));
  }, SAMPLE_MS);
  const ended = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (status) => resolve(status ?? 255));
  });
  const [out, err, times] = [child.stdout as Readable, child.stderr as Readable, child.stdio[3] as Readable].map(
    (stream) => text(stream),
  );
  const status = await ended.finally(() => clearInterval(sampler));
  execFileSync("sync");
  const wall = (systemClock.monotonic() - began) / 1000;
  const said = `${await out}${await err}`.trim().slice(-2000);
  return { status, wall, cpu: childrenSeconds((await times) ?? ""), rss, said };
}

function childrenSeconds(times: string): number {
  const found = TIMES.exec(times);
  if (found === null) return Number.NaN;
  const [, userMinutes, user, systemMinutes, system] = found.map(Number) as [number, number, number, number, number];
  return userMinutes * 60 + user + systemMinutes * 60 + system;
}

/** Of a process and all below it: the sum that is resident now, and the most that one of them ever had. */
function residentOf(pid: number): number {
  let sum = 0;
  let most = 0;
  const visit = (one: number) => {
    try {
      const status = readFileSync(`/proc/${one}/status`, "utf8");
      sum += kilobytes(status, "VmRSS");
      most = Math.max(most, kilobytes(status, "VmHWM"));
      for (const task of readdirSync(`/proc/${one}/task`)) {
        const children = readFileSync(`/proc/${one}/task/${task}/children`, "utf8").trim();
        if (children !== "") children.split(" ").map(Number).forEach(visit);
      }
    } catch {
      // It has ended meanwhile.
    }
  };
  visit(pid);
  return Math.max(sum, most) * 1024;
}

function kilobytes(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0);
}

/** Drops what the system has cached of files. Only root may; false where it is not done. */
export function dropCaches(): boolean {
  try {
    execFileSync("sync");
    writeFileSync("/proc/sys/vm/drop_caches", "3");
    return true;
  } catch {
    return false;
  }
}
