import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { onCi } from "./ci.ts";

const run = promisify(execFile);
const SETUP_LIMIT_MS = 240_000;

/** A Python that has the packages asked for, or why there is none. */
export type Python = { readonly python: string } | { readonly missing: string };

/**
 * Python with the packages of a requirements file (pinned by hash), in a virtual environment of its own that is kept
 * between runs: `~/.cache/coldkeep-test/python-<digest of the file>`.
 */
export async function pythonWith(requirements: string): Promise<Python> {
  const digest = createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 16);
  const folder = join(homedir(), ".cache", "coldkeep-test", `python-${digest}`);
  const python = join(folder, "bin", "python");
  if (existsSync(python)) return { python };
  try {
    await run("python3", ["-c", "import ensurepip, venv"]);
  } catch {
    return { missing: "python3 with venv is missing; on Debian and Ubuntu: apt-get install python3-venv" };
  }
  // Made beside and renamed: a run that is cut off, or one at the same time, never leaves half an environment.
  const making = `${folder}.${process.pid}`;
  mkdirSync(dirname(folder), { recursive: true });
  try {
    await run("python3", ["-m", "venv", making], { timeout: SETUP_LIMIT_MS });
    const install = [
      "-m",
      "pip",
      "install",
      "--quiet",
      "--disable-pip-version-check",
      "--require-hashes",
      "-r",
      requirements,
    ];
    await run(join(making, "bin", "python"), install, { timeout: SETUP_LIMIT_MS });
    if (!existsSync(python)) renameSync(making, folder);
    return { python };
  } catch (error) {
    const lines = String(error instanceof Error ? error.message : error)
      .trim()
      .split("\n");
    return { missing: `pip could not install ${requirements}: ${lines.at(-1)}` };
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}

/**
 * Skips the tests that follow where there is no Python, and says why. On CI that is a failure: nothing may go untested
 * there in silence.
 */
export function pythonOrSkip(found: Python): { readonly skip: boolean; readonly title: string } {
  if ("python" in found) return { skip: false, title: "" };
  if (onCi()) throw new Error(found.missing);
  return { skip: true, title: ` (skipped: ${found.missing})` };
}
