import { readFileSync } from "node:fs";
import type { BytePath } from "./byte-path.ts";

/** Where file systems are mounted, as this process sees them (proc_pid_mountinfo(5), field 5). */
export function mountPoints(): BytePath[] {
  return parseMountInfo(readFileSync("/proc/self/mountinfo", "latin1"));
}

/** Space, tab, newline and backslash are written as octal escapes there. */
export function parseMountInfo(text: string): BytePath[] {
  const points: BytePath[] = [];
  for (const line of text.split("\n")) {
    const field = line.split(" ")[4];
    if (field === undefined) continue;
    points.push(
      field.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8))) as BytePath,
    );
  }
  return points;
}

/** True where `path` lies somewhere below `folder`; false for the folder itself. */
export function isBelow(path: string, folder: string): boolean {
  return folder === "/" ? path !== "/" : path.startsWith(`${folder}/`);
}
