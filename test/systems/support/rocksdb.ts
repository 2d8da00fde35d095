import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { sharedTempDir } from "../../support/tmp.ts";

const SOURCE = fileURLToPath(new URL("rocksdb-node.cc", import.meta.url));

/** Why no RocksDB can be had here, in words for a test's name; null where one can. In CI that is an error. */
export function obstacleToRocksdb(): string | null {
  const missing = [
    ...(spawnSync("which", ["ldb"]).status === 0 ? [] : ["rocksdb-tools"]),
    ...(existsSync("/usr/include/rocksdb/db.h") ? [] : ["librocksdb-dev"]),
    ...(spawnSync("which", ["g++"]).status === 0 ? [] : ["g++"]),
  ];
  if (missing.length === 0) return null;
  const why = `${missing.join(", ")} missing; on Debian and Ubuntu: apt-get install ${missing.join(" ")}`;
  if (process.env.CI !== undefined) throw new Error(why);
  return why;
}

/** The program of rocksdb-node.cc, built for this run. */
export function buildNode(): string {
  const program = join(sharedTempDir("rocksdb-node"), "rocksdb-node");
  execFileSync("g++", ["-O1", "-std=c++17", SOURCE, "-o", program, "-lrocksdb"], { stdio: "pipe" });
  return program;
}

/** All keys and values of both column families, a line each, as RocksDB reads them. */
export async function dump(program: string, folder: string, base?: string): Promise<string[]> {
  const child = spawn(program, ["dump", folder], {
    env: { ...process.env, ...(base === undefined ? {} : { BASE: base }) },
  });
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  if (code !== 0) throw new Error(`dump of ${folder} ended with ${code}: ${err}`);
  return out.trimEnd().split("\n").sort();
}

/** The same computed: what a database of that height holds. */
export function expected(height: number): string[] {
  const all = new Map<string, string>([["default height", String(height)]]);
  for (let n = 0; n < height; n += 1) {
    const key = `${n % 2 === 0 ? "default" : "more"} key${(n * 7919) % 5003}`;
    all.set(key, n + "x".repeat(n % 3 === 0 ? 700 : 90));
  }
  return [...all].map(([key, value]) => `${key} ${value}`).sort();
}

export function heightOf(lines: readonly string[]): number {
  const line = lines.find((each) => each.startsWith("default height "));
  return Number(line?.slice("default height ".length));
}

/** All keys and values as ldb prints them, of both column families. */
export function scan(folder: string): string {
  return ["default", "more"]
    .map((family) =>
      execFileSync("ldb", [`--db=${folder}`, `--column_family=${family}`, "scan"], {
        encoding: "latin1",
        maxBuffer: 1 << 28,
      }),
    )
    .join("\n");
}

export function ldb(...words: string[]): string {
  return execFileSync("ldb", words, { encoding: "latin1", stdio: ["ignore", "pipe", "pipe"] });
}
