import { readFileSync } from "node:fs";

/** One line of /proc/self/mountinfo (proc_pid_mountinfo(5)). */
export interface Mount {
  readonly id: number;
  /** The file system's own device, as /proc/locks and /proc/<pid>/maps write it; not always what stat tells (btrfs). */
  readonly major: number;
  readonly minor: number;
  /** Where it is mounted, latin1. */
  readonly point: string;
}

/** What is mounted where, as this process sees it. @throws the system's error. */
export function readMounts(): Mount[] {
  return parseMounts(readFileSync("/proc/self/mountinfo", "latin1"));
}

/** Parses the text of a mountinfo file; lines of an unknown form are left out. */
export function parseMounts(text: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split("\n")) {
    const [id, , device, , point] = line.split(" ");
    const [, major, minor] = /^(\d+):(\d+)$/.exec(device ?? "") ?? [];
    if (id === undefined || point === undefined || major === undefined || minor === undefined) continue;
    mounts.push({ id: Number(id), major: Number(major), minor: Number(minor), point: unescapePoint(point) });
  }
  return mounts;
}

/** The number of the mount that an open file lies on (proc_pid_fdinfo(5)). @throws the system's error. */
export function mountIdOf(fd: number): number {
  const id = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1"))?.[1];
  if (id === undefined) throw new Error(`/proc/self/fdinfo/${fd} tells no mnt_id`);
  return Number(id);
}

/** Space, tab, newline and backslash stand as octal escapes. */
function unescapePoint(point: string): string {
  return point.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
