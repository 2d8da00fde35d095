/**
 * Makes the package: `dist/`, flat, of lazily loaded pieces. Flat, because a worker is found beside the code that starts
 * it, here as in the sources. All but koffi and pkcs11js, which are native, is bundled.
 */
import { chmodSync, copyFileSync, globSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const project = fileURLToPath(new URL(".", import.meta.url));
const dist = join(project, "dist");

const workers = globSync("{agent,vault,keeper,posix}/**/*.worker.ts", { cwd: project });
const names = workers.map((path) => basename(path, ".ts"));
const twice = names.find((name, index) => names.indexOf(name) !== index);
if (twice !== undefined) throw new Error(`two workers are called ${twice}.ts; in a flat folder they would be one`);

rmSync(dist, { recursive: true, force: true });
await build({
  absWorkingDir: project,
  entryPoints: { main: "agent/main.ts", ...Object.fromEntries(workers.map((path, index) => [names[index], path])) },
  outdir: dist,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node24",
  external: ["koffi", "pkcs11js"],
  // Pieces that were CommonJS ask for Node's own modules by require.
  banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
  legalComments: "external",
  sourcemap: false,
  logLevel: "warning",
});
copyFileSync(join(project, "bin", "coldkeep.mjs"), join(dist, "coldkeep.mjs"));
chmodSync(join(dist, "coldkeep.mjs"), 0o755);
