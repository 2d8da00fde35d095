import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { basename, join } from "node:path";
import { cacheFolder } from "../e2e/emulator/cache.ts";

/**
 * Compiles C, once for each state of its sources, into the cache of the tests.
 * @param options words for cc(1) before and after the sources.
 * @returns the path of what was made; why there is none where no compiler is.
 */
export function compileOnce(
  name: string,
  sources: readonly string[],
  options: {
    readonly before?: readonly string[];
    readonly after?: readonly string[];
    readonly read?: readonly string[];
  },
): string | { readonly missing: string } {
  const hash = createHash("sha256");
  for (const source of [...sources, ...(options.read ?? [])]) hash.update(readFileSync(source));
  const folder = join(cacheFolder(), `${basename(name).split(".")[0]}-${hash.digest("hex").slice(0, 16)}`);
  const made = join(folder, name);
  if (existsSync(made)) return made;
  mkdirSync(folder, { recursive: true });
  const fresh = join(folder, `${process.pid}.new`);
  const words = [
    "-O2",
    "-Wall",
    "-Wextra",
    ...(options.before ?? []),
    "-o",
    fresh,
    ...sources,
    ...(options.after ?? []),
  ];
  const { status, error, stderr } = spawnSync(process.env.CC ?? "cc", words, { encoding: "utf8" });
  if (error !== undefined)
    return { missing: `no C compiler (${error.message}); on Debian and Ubuntu: apt-get install gcc` };
  if (status !== 0) throw new Error(stderr);
  renameSync(fresh, made);
  return made;
}
