import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { goPrograms } from "./go.ts";

/** The program of chainmaker-node.go: a writer over ChainMaker's engines, and their own readers. In CI that it cannot be built is an error. */
export async function chainmakerNode(): Promise<{ readonly program: string; readonly because: string }> {
  const built = await goPrograms({
    name: "chainmaker-node",
    module: "github.com/syndtr/goleveldb",
    version: "v1.0.1-0.20220721030215-126854af5e6d",
    also: { "github.com/tidwall/wal": "v1.1.7" },
    packages: [],
    source: fileURLToPath(new URL("chainmaker-node.go", import.meta.url)),
    go: "1.19",
  });
  if (typeof built === "string") return { program: join(built, "chainmaker-node"), because: "" };
  if (process.env.CI !== undefined) throw new Error(built.missing);
  return { program: "", because: ` (skipped: ${built.missing})` };
}

/** Where blocks lie: in block files, or with `disable_block_file_db: true` in a log. */
export type BlockStore = "bfdb" | "wal";

/** All that the engines' readers give of a data folder, in their order. */
export function dumpChainmaker(program: string, folder: string, blocks: BlockStore): string {
  return execFileSync(program, ["dump", folder, blocks], { encoding: "utf8", maxBuffer: 512 << 20 });
}

/** The same computed: what a node holds that has committed so many blocks. */
export function chainmakerContent(height: number, blocks: BlockStore): string {
  const all = Array.from({ length: height }, (_, n) => n);
  const padded = (n: number) => String(n).padStart(20, "0");
  const last = new Map(all.map((n) => [(n * 7919) % 5003, n]));
  const keys = [...last]
    .toSorted(([a], [b]) => a - b)
    .map(([key, n]) => [`key${String(key).padStart(4, "0")}`, n] as const);
  // The consensus log is cut at its front every thousand.
  const cut = Math.floor(height / 1000) * 1000;
  return [
    ...all.map((n) => `block b${padded(n)} ${n}${"b".repeat(60)}`),
    ...keys.map(([key, n]) => `state ${key} ${n}${"s".repeat(90)}`),
    ...keys.map(([key, n]) => `history ${key} ${n}`),
    ...all.map((n) => `result r${padded(n)} ok`),
    `local height ${height}`,
    ...all.slice(cut === 0 ? 0 : cut - 100).map((n) => `tbftwal ${n + 1} vote ${n}`),
    ...all.map((n) => `${blocks} ${n + 1} block ${n} ${"x".repeat(n % 300)}`),
    "",
  ].join("\n");
}
