import { spawnSync } from "node:child_process";
import { onCi } from "./ci.ts";

/**
 * Skips the tests that follow where a program is missing, and says why in their title. On CI that is a failure: nothing
 * may go untested there in silence.
 */
export function toolOrSkip(name: string, apt: string): { readonly skip: boolean; readonly title: string } {
  if (spawnSync("which", [name]).status === 0) return { skip: false, title: "" };
  const missing = `${name} is missing; on Debian and Ubuntu: apt-get install ${apt}`;
  if (onCi()) throw new Error(missing);
  return { skip: true, title: ` (skipped: ${missing})` };
}
