import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder, lockInstall } from "./cache.ts";
import { run, works } from "./run.ts";

/** Why something cannot run here, in words for whoever reads the test's output. */
export interface Missing {
  readonly missing: string;
}

const INSTALLER = fileURLToPath(new URL("./installer.txt", import.meta.url));
const IN_RANGE = "import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))";

/**
 * The Python of an environment that holds exactly what the requirements file names, by hash. Installed on first use, into
 * a folder whose name is the file's digest.
 */
export async function venvPython(label: string, requirements: string): Promise<string | Missing> {
  const digest = createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 12);
  const folder = join(cacheFolder(), `${label}-${digest}`);
  const python = join(folder, "bin", "python");
  const finished = join(folder, "finished");
  if (existsSync(finished)) return python;
  const base = await findPython();
  if (typeof base !== "string") return base;
  using _lock = await lockInstall(folder, `installing ${label}`);
  if (existsSync(finished)) return python;
  process.stderr.write(`installing ${label} into ${folder}, once; this takes a minute or two\n`);
  rmSync(folder, { recursive: true, force: true });
  await run(base, ["-m", "venv", folder]);
  await install(python, requirements);
  writeFileSync(finished, "");
  return python;
}

/** By uv, in seconds; by pip, in minutes, where uv does not reach what pip is configured to reach. */
async function install(python: string, requirements: string): Promise<void> {
  const pip = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-input"];
  const exactly = ["--require-hashes", "--no-deps", "-r"];
  try {
    await run(python, [...pip, ...exactly, INSTALLER]);
    await run(python, ["-m", "uv", "pip", "install", "-q", "-p", python, "--no-cache", ...exactly, requirements]);
  } catch {
    await run(python, [...pip, ...exactly, requirements]);
  }
}

/** A Python of the right version that can make environments. Those of version managers may be there and not work. */
async function findPython(): Promise<string | Missing> {
  const versions = join(process.env.PYENV_ROOT ?? join(homedir(), ".pyenv"), "versions");
  const managed = existsSync(versions)
    ? readdirSync(versions).map((name) => join(versions, name, "bin", "python3"))
    : [];
  const named = ["python3", "python3.13", "python3.12", "python3.11", "/usr/bin/python3"];
  for (const candidate of [...named, ...managed]) {
    if (await works(candidate, ["-c", IN_RANGE])) return candidate;
  }
  return { missing: "no Python 3.11 to 3.13 with venv is here: apt-get install python3 python3-venv" };
}
