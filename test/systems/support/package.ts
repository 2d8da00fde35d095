import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PROJECT = fileURLToPath(new URL("../../../", import.meta.url));
const RELEASE = join(PROJECT, "release");
const MARK = join(RELEASE, ".tests");

/**
 * What `npm run package` makes for this processor, made once a test run.
 * @param end how the file's name ends: `.deb`, `.tar.gz`
 * @returns its path
 */
export function packaged(end: string): string {
  // The files of one run are children of one process.
  const run = String(process.ppid);
  if (!existsSync(MARK) || readFileSync(MARK, "utf8") !== run) {
    execFileSync("npm", ["run", "--silent", "package"], { cwd: PROJECT, stdio: "pipe" });
    writeFileSync(MARK, run);
  }
  const arch = end === ".deb" ? { x64: "amd64", arm64: "arm64" }[process.arch as string] : process.arch;
  const name = readdirSync(RELEASE).find((file) => file.endsWith(`${arch}${end}`));
  if (name === undefined) throw new Error(`npm run package made no ${end} for ${process.arch}`);
  return join(RELEASE, name);
}
