import { spawnSync } from "node:child_process";

/** Why tests of a program are skipped, for their title: empty where the program is there, `from` a package. */
export function lacking(program: string, from = program): string {
  return spawnSync("which", [program]).status === 0 ? "" : ` (skipped: ${program} is missing: apt-get install ${from})`;
}
