import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * Types of one of our files for whoever imports it from the package: its declarations and those that they stand on, and no
 * more. @returns the packages that they name.
 */
export function declare(project: string, entry: string, to: string): ReadonlySet<string> {
  const all = join(to, "all");
  const tsc = join(project, "node_modules", "typescript", "bin", "tsc");
  const options = ["--ignoreConfig", "--declaration", "--emitDeclarationOnly", "--rootDir", project, "--outDir", all];
  const like = ["--target", "es2024", "--module", "nodenext", "--strict", "--exactOptionalPropertyTypes"];
  const more = ["--skipLibCheck", "--allowImportingTsExtensions", "--types", "node"];
  execFileSync(process.execPath, [tsc, ...options, ...like, ...more, join(project, entry)], { stdio: "inherit" });
  const packages = new Set<string>();
  const seen = new Set<string>();
  const take = (file: string) => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = readFileSync(join(all, file), "utf8");
    for (const [, name = ""] of text.matchAll(
      /(?:^(?:import|export)\b[^;"=]*\bfrom |^import |\bimport\()"([^"]+)"/gm,
    )) {
      if (name.startsWith(".")) take(join(dirname(file), name.replace(/\.ts$/, ".d.ts")));
      else packages.add(name.startsWith("@") ? name.split("/", 2).join("/") : (name.split("/")[0] ?? name));
    }
    mkdirSync(dirname(join(to, file)), { recursive: true });
    writeFileSync(join(to, file), text.replaceAll(/(from\s*"\.[^"]*)\.ts"/g, '$1.js"'));
  };
  take(entry.replace(/\.ts$/, ".d.ts"));
  rmSync(all, { recursive: true });
  return packages;
}
