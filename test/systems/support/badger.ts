import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { goPrograms } from "./go.ts";

/** The program of badger-node.go: a writer, and Badger's own reader. In CI that it cannot be built is an error. */
export async function badgerNode(): Promise<{ readonly program: string; readonly because: string }> {
  const built = await goPrograms({
    name: "badger-node",
    module: "github.com/dgraph-io/badger/v4",
    version: "v4.9.6",
    packages: [],
    source: fileURLToPath(new URL("badger-node.go", import.meta.url)),
    go: "1.24",
  });
  if (typeof built === "string") return { program: join(built, "badger-node"), because: "" };
  if (process.env.CI !== undefined) throw new Error(built.missing);
  return { program: "", because: ` (skipped: ${built.missing})` };
}

/** Every key and value, a line each, as Badger's own reader gives them once it has checked its tables. */
export function dumpBadger(program: string, folder: string): string[] {
  const lines = execFileSync(program, ["dump", folder], { encoding: "utf8", maxBuffer: 64 << 20 });
  return lines.trimEnd().split("\n").sort();
}
