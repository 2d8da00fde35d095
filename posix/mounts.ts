import { readFileSync } from "node:fs";

/** One line of /proc/self/mountinfo (proc_pid_mountinfo(5)). */
export interface Mount {
  readonly id: number;
  /** The file system's own device, as /proc/locks and /proc/<pid>/maps write it; not always what stat tells (btrfs). */
  readonly major: number;
  readonly minor: number;
  /** Where it is mounted, latin1. */
  readonly point: string;
  /** The folder of the file system that is mounted there, latin1; "/" where it is all of it. */
  readonly folder: string;
  /** Its type, such as ext4; and what is mounted, such as /dev/sda1 or a data set's name, latin1. */
  readonly type: string;
  readonly source: string;
}

/** What is mounted where, as this process sees it. @throws the system's error. */
export function readMounts(): Mount[] {
  return parseMounts(readFileSync("/proc/self/mountinfo", "latin1"));
}

/** Parses the text of a mountinfo file; lines of an unknown form are left out. */
export function parseMounts(text: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split("\n")) {
    const words = line.split(" ");
    const [id, , device, folder = "", point] = words;
    // A number of optional fields ends with a hyphen.
    const [, type = "", source = ""] = words.slice(words.indexOf("-", 6));
    const [, major, minor] = /^(\d+):(\d+)$/.exec(device ?? "") ?? [];
    if (id === undefined || point === undefined || major === undefined || minor === undefined) continue;
    mounts.push({
      id: Number(id),
      major: Number(major),
      minor: Number(minor),
      point: unescaped(point),
      folder: unescaped(folder),
      type,
      source: unescaped(source),
    });
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
function unescaped(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
