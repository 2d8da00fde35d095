import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { onTestFinished } from "vitest";

/** Mounting takes root and the right to: containers often lack it. */
export const canMount =
  process.getuid?.() === 0 && spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).status === 0;
/** For titles of tests that need it. */
export const WITH_MOUNTS = "(needs root and the right to mount a tmpfs)";

/** A small file system of its own at `at`, which is made where it is not there; gone when the running test ends. */
export function mountTmpfs(at: string, size: string): void {
  mkdirSync(at, { recursive: true });
  const { status, stderr } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", at], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  onTestFinished(() => {
    spawnSync("umount", ["-l", at]);
  });
}
