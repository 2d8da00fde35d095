import { posixCapabilities } from "../../posix/index.ts";
import { hasPower } from "../../posix/powers.ts";
import { type Check, fail, ok, warn } from "./check.ts";
import type { Io } from "./io.ts";

/** The year this was written in: no host's clock is right that says less. */
const NO_EARLIER = Date.UTC(2026, 0, 1);

/** What coldkeep needs of Node and the kernel. */
export function checkHost(io: Io): readonly Check[] {
  const checks: Check[] = [];
  checks.push(ok("node.js", `${process.versions.node} on ${process.platform}-${process.arch}`));
  if (process.platform !== "linux") {
    checks.push(
      fail("system", "refused", process.platform, "coldkeep needs Linux: it proves by /proc that a node is down"),
    );
  }
  checks.push(checkKernel());
  checks.push(checkSelf());
  const now = io.clock.now();
  if (now < NO_EARLIER) {
    checks.push(warn("clock", new Date(now).toISOString(), "set this host's clock; snapshots are named by it"));
  }
  return checks;
}

function checkKernel(): Check {
  const all = posixCapabilities();
  const missing = all.filter(({ available }) => !available);
  if (missing.length === 0) return ok("kernel", all.map(({ name }) => name).join(", "));
  return warn(
    "kernel",
    missing.map(({ name, detail }) => `no ${name}: ${detail}`).join("\n"),
    "reinstall with npm, so that the package koffi and its part for this platform are there",
  );
}

function checkSelf(): Check {
  const uid = process.geteuid?.() ?? -1;
  if (seesAllProcesses()) return ok("user", uid === 0 ? "root" : `uid ${uid} with CAP_SYS_PTRACE`);
  return warn(
    "user",
    `uid ${uid}: it cannot see which files the processes of other users hold open`,
    "run coldkeep as root or as the node's own user",
  );
}

/** Proof of death looks into other users' processes, which takes root or CAP_SYS_PTRACE (capabilities(7)). */
export function seesAllProcesses(): boolean {
  return hasPower("SYS_PTRACE");
}
